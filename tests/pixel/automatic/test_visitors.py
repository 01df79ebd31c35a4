"""Who a visitor is, without a call: by an address in a marked form, and on the other domains of the same owner."""

import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.collector.process import until
from tests.pixel.automatic.pages import Shop
from tests.pixel.browser import Browser, Context, Page, browser
from tests.pixel.site import Site


@pytest.fixture(scope="module")
def chrome(chromium: Path, site: Site) -> Iterator[Browser]:
    """The whole one: what hashes an address is there for pages that count as secure."""
    with browser(chromium, [site.origin()]) as chrome:
        yield chrome


MARKED = """<form id=a data-stitchline-email><input name=name><input name=mail type=email><button>A</button></form>
<form id=b><input name=email type=email><button>B</button></form>
<script>addEventListener("submit", (event) => event.preventDefault())</script>
<input id=c data-stitchline-email=change>"""


@pytest.mark.parametrize("how", ["plain", "sha256"])
def test_an_address_in_a_marked_form_says_who_it_is_and_no_other_does(
    context: Context, shop: Shop, how: str
) -> None:
    path = shop.page(MARKED, emails=how)
    page = context.page(shop.site.origin() + path)
    page.type("#b input", "other@shop.example")
    page.click("#b button")
    page.type("#a [name=name]", "not@his.example")
    page.type("#a [name=mail]", "Ann@Shop.example")
    page.click("#a button")
    page.click("#a button")
    page.type("#c", "bob@shop")
    page.press("Tab")
    page.fill("#c", "")
    page.type("#c", "bob@shop.example")
    page.press("Tab")
    shop.until(page, "identify", 2)
    found = shop.told(page, 2)
    addresses = ["Ann@Shop.example", "bob@shop.example"]
    hashed = [{"email_sha256": sha256(address.lower().encode()).hexdigest()} for address in addresses]
    assert [event["traits"] for event in found] == (
        [{"email": address} for address in addresses] if how == "plain" else hashed
    )


def test_without_the_sources_word_no_address_is_taken(context: Context, shop: Shop) -> None:
    page = context.page(shop.site.origin() + shop.page(MARKED))
    page.type("#a [name=mail]", "ann@shop.example")
    page.click("#a button")
    assert shop.told(page) == []


DOMAINS = ["shop.example", "www.shop.example", "*.sister.example"]
WHO = "new Promise((done) => stitchline.ready(done))"


def who(page: Page) -> str:
    found: str = page.run(WHO)["anonymousId"]
    return found


def come(shop: Shop, context: Context, path: str, how: str) -> tuple[Page, str]:
    """Who the visitor was on the first domain, and the page of the second one."""
    sister = f"{shop.site.origin('www.sister.example')}{path}"
    html = f"""<a id=link href="{sister}?a=1#top">on</a>
    <form action="{sister}"><input name=a value=1><button id=get>on</button></form>
    <form method=post action="{sister}"><button id=post>on</button></form>
    <form method=post><button id=formaction formaction="{sister}">on</button></form>"""
    page = context.page(shop.site.origin() + shop.page(html, domains=DOMAINS))
    before = who(page)
    page.click(f"#{how}")
    page.wait_url(path)
    return page, before


@pytest.mark.parametrize("how", ["link", "get"])
def test_a_visitor_is_the_same_one_on_another_domain_of_the_owner(
    context: Context, shop: Shop, how: str
) -> None:
    """The cookie of the collector is not: each domain has another one."""
    path = shop.page("<p id=top>", domains=DOMAINS, pages=True)
    page, before = come(shop, context, path, how)
    until(lambda: who(page) == before)
    assert "_sl" not in page.url()
    assert page.url().endswith(f"{path}?a=1#top" if how == "link" else f"{path}?a=1")
    (view,) = (event for event in shop.told(page, 1) if event["type"] == "page")
    assert "_sl" not in json.dumps(view)


@pytest.mark.parametrize("how", ["post", "formaction"])
def test_a_form_whose_fields_are_no_query_says_it_in_its_address(
    context: Context, shop: Shop, how: str
) -> None:
    _, before = come(shop, context, f"/thanks-{how}", how)
    until(lambda: [path for path, _ in shop.site.posted if how in path])
    ((path, body),) = [posted for posted in shop.site.posted if how in posted[0]]
    assert path.startswith(f"/thanks-{how}?_sl=")
    assert path.endswith(before)
    assert "_sl" not in body


def test_links_to_others_are_left_alone_and_ours_are_clean_again_after_the_click(
    context: Context, shop: Shop
) -> None:
    html = """<a id=other href="http://other.example/x">x</a> <a id=own href="/own">x</a> <a id=sister href="http://a.sister.example/x">x</a>
    <form id=foreign action="http://other.example/x"><button id=send>x</button></form><script>
    const seen = [];
    const look = (event) => { event.preventDefault(); seen.push(event.target.href || event.target.innerHTML) };
    addEventListener("click", (event) => event.target.href && look(event));
    addEventListener("submit", look);
    </script>"""
    page = context.page(shop.site.origin() + shop.page(html, domains=DOMAINS))
    who(page)
    for selector in ("#other", "#own", "#sister", "#send"):
        page.click(selector)
    other, own, sister, form = page.run("seen")
    assert (other, own) == ("http://other.example/x", f"{shop.site.origin()}/own")
    assert "_sl=" in sister
    assert form == '<button id="send">x</button>'
    until(lambda: page.run("document.querySelector('#sister').href") == "http://a.sister.example/x")


@pytest.mark.parametrize(
    ("age_s", "referer_host"), [(600, "www.sister.example"), (0, "other.example"), (0, "")]
)
def test_a_name_that_is_old_or_comes_from_elsewhere_is_not_believed(
    context: Context, shop: Shop, age_s: int, referer_host: str
) -> None:
    path = shop.page(domains=DOMAINS)
    start = context.page(shop.site.origin() + shop.page())
    now_s = start.run("Math.floor(Date.now() / 1000)")
    parameter = start.run(f"({now_s} - {age_s}).toString(36) + '.somebody'")
    page = context.page()
    page.goto(
        f"{shop.site.origin()}{path}?_sl={parameter}",
        f"{shop.site.origin(referer_host)}/" if referer_host else "",
    )
    assert who(page) != "somebody"
    assert page.url() == shop.site.origin() + path


def test_what_the_page_makes_of_its_link_in_the_meantime_stays(context: Context, shop: Shop) -> None:
    """A handler of the click that changes the address, or adds to the one with our parameter."""
    script = """<script>let number = 1;
      more.onclick = (event) => { event.preventDefault(); more.href = `http://blog.shop.example/${++number}` };
      linker.onclick = (event) => { event.preventDefault(); linker.href += "&linked=1" }
    </script>"""
    html = (
        "<a id=more href='http://blog.shop.example/1'>More</a><a id=linker href='http://blog.shop.example/?a=1'>x</a>"
        + script
    )
    page = context.page(shop.site.origin() + shop.page(html, domains=["*.shop.example"]))
    page.run("new Promise((done) => stitchline.ready(done))")
    page.click("#more")
    page.click("#linker")
    assert page.run("new Promise((done) => setTimeout(() => done([more.href, linker.href])))") == [
        "http://blog.shop.example/2",
        "http://blog.shop.example/?a=1&linked=1",
    ]
