"""Page views without a call: of sites of many pages, and of one page with a router."""

import pytest

from tests.collector.process import until
from tests.pixel.automatic.pages import Shop, definitions, views
from tests.pixel.browser import Browser, Context, Page


def test_each_page_of_a_site_is_a_view_but_not_beside_a_call_of_its_own(context: Context, shop: Shop) -> None:
    own = shop.page(pages=True, early="stitchline={q:[['page',['Mine'],new Date()]]}")
    first = shop.page(f"<a href={own}>on</a>", pages=True)
    page = context.page(shop.site.origin() + first)
    shop.told(page, 1)  # a page that is left before its second script has come is no view
    page.click("a")
    page.wait_url(own)
    events = shop.told(page, 2)
    assert sorted(views(events)) == sorted([(first, "Shop", ""), (own, "Shop", first[1:])])
    assert [event.get("name") for event in events if event["properties"]["path"] == own] == ["Mine"]
    assert page.errors() == []


def wait_title(page: Page, title: str) -> None:
    until(lambda: page.run("document.title") == title)


ROUTER = """<base href="/"><button id=cart>Cart</button><button id=filter>Filter</button><button id=again>Again</button>
<button id=login>Log in</button><button id=route>Route</button><button id=anchor>Anchor</button><button id=back>Back</button>
<script>
const base = location.pathname, go = (how, path, title) => {
  history[how + "State"]({}, "", path);
  if (title) setTimeout(() => { document.title = title }, 40);  // as a router that loads the page's data first
};
cart.onclick = () => go("push", base + "/cart?a=1", "Cart");
filter.onclick = () => go("replace", base + "/cart?a=2");
again.onclick = () => go("push", location.href);
login.onclick = () => { go("push", base + "/login"); go("replace", base + "/hello", "Hello") };
route.onclick = () => { location.hash = "#/route" };
anchor.onclick = () => { location.hash = "#anchor" };
back.onclick = () => history.back();
addEventListener("popstate", () => setTimeout(() => { document.title = "Popped" }, 40));
</script>"""
OLD_BROWSER = "Object.defineProperty(window, 'navigation', {value: undefined})"


@pytest.mark.parametrize("scripts", [[], [OLD_BROWSER]], ids=["navigation", "history"])
def test_a_router_makes_views_with_their_own_title_and_referrer(
    chrome: Browser, shop: Shop, scripts: list[str]
) -> None:
    path = shop.page(
        ROUTER,
        pages=True,
        events=definitions({"event": "Cart Seen", "trigger": {"page": None}, "pages": ["*/cart"]}),
    )
    context = chrome.context(scripts=scripts)
    page = context.page(shop.site.origin() + path)
    for button in ("cart", "filter", "again", "login", "anchor", "route"):
        page.click(f"#{button}")
        if title := {"cart": "Cart", "login": "Hello"}.get(button):
            wait_title(page, title)
    page.click("#back")  # from the route
    page.wait_url("#anchor")
    events = shop.told(page, 6)
    context.end()
    base = path[1:]
    assert views(events) == [
        (path, "Shop", ""),
        (f"{path}/cart", "Cart", base),
        (f"{path}/hello", "Hello", f"{base}/cart"),
        (f"{path}/hello#/route", "Popped", f"{base}/hello"),
        (f"{path}/hello", "Popped", f"{base}/hello#/route"),
    ]
    assert [event["context"]["page"]["path"] for event in events if event.get("event") == "Cart Seen"] == [
        f"{path}/cart"
    ]
    times = [event["timestamp"] for event in events if event["type"] == "page"]
    assert times == sorted(times)


def test_a_view_that_is_left_before_it_has_a_title_is_not_lost(context: Context, shop: Shop) -> None:
    path = shop.page("<script>const base = location.pathname</script>", pages=True)
    page = context.page(shop.site.origin() + path)
    page.run(
        "void setTimeout(() => { history.pushState({}, '', base + '/a'); history.pushState({}, '', base + '/b');"
        "location.assign(base + '?again') })"
    )
    page.wait_url("?again")
    events = shop.told(page, 4)
    assert sorted(view[0] for view in views(events)) == sorted([path, f"{path}/a", f"{path}/b", path])
