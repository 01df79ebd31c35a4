"""What happens once a view: how far a page is read, what comes into view, for how long it is looked at."""

from tests.collector.process import until
from tests.pixel.automatic.pages import TALL, VIEWPORT, Shop, definitions, said
from tests.pixel.browser import Browser, Context, Page


def scroll(page: Page, down: int, reached: int) -> None:
    page.wheel(down)
    until(lambda: page.run("scrollY") == reached)


DEPTHS = {"event": "Read", "trigger": {"scroll": {"percents": [25, 50, 100]}}}


def test_a_page_is_read_as_far_as_it_was_scrolled_each_mark_once_a_view(context: Context, shop: Shop) -> None:
    path = shop.page(f"<script>const base = location.pathname</script>{TALL}", events=definitions(DEPTHS))
    page = context.page(shop.site.origin() + path)
    for down, reached in ((2500, 2500), (-2500, 0), (2500, 2500)):
        scroll(page, down, reached)
    shop.until(page, "Read", 2)
    page.run("scrollTo(0, 0), history.pushState({}, '', base + '/next')")
    page.wheel(9000)
    shop.until(page, "Read", 5)
    found = shop.told(page, 5)
    assert [event["percent"] for event in said(found, "Read")] == [25, 50, 25, 50, 100]
    assert [event["context"]["page"]["path"] for event in found] == [path] * 2 + [f"{path}/next"] * 3


def test_a_page_that_needs_no_scrolling_is_read_when_it_has_stood_for_a_moment(
    chrome: Browser, shop: Shop
) -> None:
    """Not before: it may grow, as one does that loads its content."""
    context = chrome.context(viewport=VIEWPORT)
    context.stop_clock()
    path = shop.page(
        "<button onclick='document.body.lastChild.remove()'>x</button><div></div>", events=definitions(DEPTHS)
    )
    page = context.page(shop.site.origin() + path)
    page.run("document.body.lastElementChild.style.height = '900px'")  # scrollable now: 600 of about 930
    context.move_clock(2_500)
    shop.until(page, "Read", 2)
    short = context.page(shop.site.origin() + shop.page(events=definitions(DEPTHS)))
    context.move_clock(1_000)
    assert shop.told(short) == shop.told(page)
    context.move_clock(2_000)
    until(
        lambda: [event["properties"]["percent"] for event in shop.of(short, "Read")] == [25, 50, 25, 50, 100]
    )
    context.end()


def test_an_element_that_comes_into_view_counts_once_a_view(context: Context, shop: Shop) -> None:
    events = definitions(
        {
            "event": "Offer Seen",
            "trigger": {"scroll": {"selector": ".offer"}},
            "properties": {"offer": {"attribute": "id"}},
        }
    )
    late = "<script>setTimeout(() => document.body.insertAdjacentHTML('beforeend', \"<p class=offer id=two>2</p>\"))</script>"
    path = shop.page(f"{TALL}<p class=offer id=one>1</p>{TALL}{late}", events=events)
    page = context.page(shop.site.origin() + path)
    page.wheel(5_700)
    shop.until(page, "Offer Seen")
    page.wheel(9_000)  # the second one is of the same view
    until(lambda: page.run("scrollY") > 9_000)
    page.run("history.pushState({}, '', location.pathname + '/next')")
    shop.until(page, "Offer Seen", 2)
    assert [event["offer"] for event in said(shop.told(page, 2), "Offer Seen")] == ["one", "two"]


HIDE = """Object.defineProperty(Document.prototype, 'visibilityState', {get: () => window.away ? 'hidden' : 'visible'});
window.turn = (away) => { window.away = away; document.dispatchEvent(new Event('visibilitychange')) }"""


def test_time_counts_while_the_page_is_seen_and_anew_in_each_view(chrome: Browser, shop: Shop) -> None:
    """A headless browser hides no page: the tab that is turned away is told to the page as browsers tell it."""
    context = chrome.context(scripts=[HIDE])
    context.stop_clock()
    path = shop.page(events=definitions({"event": "Stayed", "trigger": {"time": {"seconds": [10, 60]}}}))
    page = context.page(shop.site.origin() + path)

    def stays(ms: int, so_far: list[int]) -> None:
        context.move_clock(ms)
        assert [
            event["properties"]["seconds"] for event in shop.told(page) if event["event"] == "Stayed"
        ] == so_far

    stays(8_000, [])
    page.run("turn(true)")
    stays(600_000, [])
    page.run("turn(false)")
    stays(1_000, [])
    stays(2_000, [10])
    stays(60_000, [10, 60])
    stays(600_000, [10, 60])
    page.run("history.pushState({}, '', location.pathname + '/next')")
    stays(11_000, [10, 60, 10])
    context.end()
