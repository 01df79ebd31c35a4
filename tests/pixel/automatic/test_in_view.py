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


INNER = """<style>body { margin: 0 } main { height: 100vh; overflow-y: auto }</style>
<main><div style='height:6000px'>Text</div></main>"""


def test_a_page_whose_content_scrolls_in_an_element_is_read_as_far_as_that_was_scrolled(
    chrome: Browser, shop: Shop
) -> None:
    context = chrome.context(viewport=VIEWPORT)
    context.stop_clock()
    page = context.page(shop.site.origin() + shop.page(INNER, events=definitions(DEPTHS)))

    def read(count: int) -> None:
        def has_read() -> bool:
            context.move_clock(100)  # frames come with it
            return len(shop.of(page, "Read")) == count

        until(has_read)

    context.move_clock(3_000)  # what is seen without scrolling counts then, and that is a tenth
    page.run("document.querySelector('main').scrollTop = 2500")
    read(2)
    page.run("document.querySelector('main').scrollTop = 6000")
    read(3)
    assert [event["percent"] for event in said(shop.told(page, 3), "Read")] == [25, 50, 100]
    context.end()


GROWS = """<div></div>
<script>setTimeout(() => { document.querySelector("div").style.height = "900px" }, 1000)</script>"""


def test_a_page_that_needs_no_scrolling_is_read_when_it_has_stood_for_a_moment(
    chrome: Browser, shop: Shop
) -> None:
    """Not before: it may grow, as one does that loads its content."""
    context = chrome.context(viewport=VIEWPORT)
    context.stop_clock()
    page = context.page(shop.site.origin() + shop.page(GROWS, events=definitions(DEPTHS)))
    context.move_clock(3_000)
    shop.until(page, "Read", 2)
    page.goto(shop.site.origin() + shop.page(events=definitions(DEPTHS)))
    context.move_clock(3_000)
    shop.until(page, "Read", 5)
    assert sorted(event["percent"] for event in said(shop.told(page, 5), "Read")) == [25, 25, 50, 50, 100]
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
    path = shop.page(
        events=definitions({"event": "Stayed", "trigger": {"time": {"seconds": [1_000, 3_000]}}})
    )
    page = context.page(shop.site.origin() + path)

    def stays(seconds: int, so_far: list[int]) -> None:
        """The clock that is moved goes by itself, too: what the test takes is nothing beside these times."""
        context.move_clock(seconds * 1_000)
        until(lambda: [event["seconds"] for event in said(shop.told(page), "Stayed")] == so_far)

    stays(600, [])
    page.run("turn(true)")
    stays(3_500, [])
    page.run("turn(false)")
    stays(100, [])
    stays(500, [1_000])
    stays(2_000, [1_000, 3_000])
    stays(3_500, [1_000, 3_000])
    page.run("history.pushState({}, '', location.pathname + '/next')")
    stays(1_100, [1_000, 3_000, 1_000])
    context.end()
