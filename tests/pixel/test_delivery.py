"""What becomes of events in a real browser while the collector does not take them, and when pages come and go meanwhile."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pixel.browser import Browser, Context, browser
from tests.pixel.door import BATCH, OK, Door, down, heard, opened, quiet, stored, until, up
from tests.pixel.site import Site, serving, snippet

TOO_LARGE, BAD, BROKEN = 413, 400, 500
HOUR_S = "3600"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def chrome(chromium: Path, site: Site) -> Iterator[Browser]:
    with browser(chromium, [site.origin()]) as chrome:
        yield chrome


@pytest.fixture
def door() -> Iterator[Door]:
    with opened() as door:
        yield door


@pytest.fixture
def shop(site: Site, door: Door) -> str:
    """A page with the pixel that makes no call by itself."""
    return site.origin() + site.show(snippet(0, "KEY", door.url).replace("stitchline.page();", ""))


def test_a_reload_during_an_outage_loses_nothing_and_doubles_nothing(
    chrome: Browser, shop: str, door: Door
) -> None:
    door.judge = down
    page = chrome.context().page(shop)
    page.run("(stitchline.track('A'), stitchline.track('B'))")
    heard(door, "A", "B")
    page.reload()
    page.run("stitchline.track('C')")
    door.judge = up
    until(lambda: len(door.taken()) >= 3)
    until(lambda: stored(page) == 0)
    assert door.names() == ["A", "B", "C"]
    refused = {event["event"]: event["messageId"] for batch in door.batches for event in batch.events}
    assert [event["messageId"] for event in door.taken()] == [refused[name] for name in "ABC"]


def test_a_page_that_is_offline_sends_when_the_network_is_back(
    chrome: Browser, shop: str, door: Door
) -> None:
    """Its timers stand still, so that nothing but the news of the network can have done it."""
    context = chrome.context()
    context.stop_clock()
    page = context.page(shop)
    page.run("stitchline.track('Before')")
    until(lambda: door.names() == ["Before"])
    context.offline()
    page.run("(stitchline.track('A'), stitchline.track('B'))")
    until(lambda: [request for request in context.requests(BATCH) if request.failure])
    context.offline(False)
    until(lambda: len(door.taken()) >= 3)
    assert door.names() == ["Before", "A", "B"]


def test_the_events_of_a_tab_that_is_closed_are_sent_by_another_once(
    chrome: Browser, shop: str, door: Door
) -> None:
    door.judge = down
    context = chrome.context()
    one, other = context.page(shop), context.page(shop)
    one.run("stitchline.track('One')")
    other.run("stitchline.track('Other')")
    heard(door, "One", "Other")
    one.close()
    quiet(door)
    door.judge = up
    context.page(shop)  # a browser may end a page without telling it: then the next one looks
    until(lambda: len(door.taken()) >= 2)
    until(lambda: stored(other) == 0)
    assert sorted(door.names()) == ["One", "Other"]


def test_many_tabs_that_start_at_once_do_not_send_what_is_left_twice(
    chrome: Browser, shop: str, door: Door
) -> None:
    door.judge = down
    context = chrome.context()
    page = context.page(shop)
    page.run("(stitchline.track('A'), stitchline.track('B'))")
    heard(door, "A", "B")
    page.goto("about:blank")
    quiet(door)
    door.judge = up
    pages = context.pages([shop] * 4)
    until(lambda: len(door.taken()) >= 2)
    for page in pages:
        page.run("stitchline.track('Own')")
    until(lambda: len(door.taken()) >= 6)
    until(lambda: stored(pages[0]) == 0)
    assert sorted(door.names()) == ["A", "B", "Own", "Own", "Own", "Own"]


def test_what_was_on_its_way_when_its_page_was_left_is_not_sent_again(
    chrome: Browser, shop: str, door: Door
) -> None:
    context = chrome.context()
    page = context.page(shop)
    page.run("stitchline.track('Before')")
    until(lambda: door.names() == ["Before"])
    door.hold()
    page.run("stitchline.track('A')")
    until(lambda: "A" in door.arrived)
    page.goto(shop)
    door.release()
    page.run("stitchline.track('After')")
    until(lambda: len(door.taken()) >= 3)
    until(lambda: stored(page) == 0)
    assert sorted(door.names()) == ["A", "After", "Before"]


def test_what_no_browser_carries_when_the_page_goes_the_next_one_sends(
    chrome: Browser, shop: str, door: Door
) -> None:
    """Eight of 25 KB: keepalive and beacons take some of them."""
    context = chrome.context()
    page = context.page(shop)
    page.run("new Promise((done) => stitchline.ready(done))")
    page.run(
        "addEventListener('pagehide', () => { for (let i = 0; i < 8; i++)"
        " stitchline.track('Large', {i, text: 'x'.repeat(25000)}) })"
    )
    page.goto(shop)
    until(lambda: len(door.taken()) >= 8)
    until(lambda: stored(page) == 0)
    assert sorted(event["properties"]["i"] for event in door.taken()) == list(range(8))


def test_a_browser_without_keepalive_sends_beacons_when_its_page_goes(
    chrome: Browser, shop: str, door: Door
) -> None:
    count = (
        "{ localStorage.beacons = 1 + Number(localStorage.beacons || 0); return send.apply(this, values) }"
    )
    wrap = f"const send = Navigator.prototype.sendBeacon; Navigator.prototype.sendBeacon = function (...values) {count}"
    page = chrome.context(scripts=["delete Request.prototype.keepalive", wrap]).page(shop)
    page.run("new Promise((done) => stitchline.ready(done))")
    page.run("addEventListener('pagehide', () => stitchline.track('Left'))")
    page.goto(shop)
    until(lambda: door.names() == ["Left"])
    assert page.run("localStorage.beacons") == "1"


def test_a_pause_that_was_asked_for_holds_for_the_next_page_too(
    chrome: Browser, shop: str, door: Door
) -> None:
    door.judge, door.retry_after = down, HOUR_S
    context = chrome.context()
    page = context.page(shop)
    page.run("stitchline.track('A')")
    until(lambda: page.run("'stitchline.pause' in localStorage"))
    page.goto(shop)
    page.run("new Promise((done) => stitchline.ready(done))")
    page.run("stitchline.track('B')")
    until(lambda: stored(page) == 2)
    page.goto("about:blank")
    page.goto(shop)
    until(lambda: stored(page) == 2)
    assert [[event["event"] for event in batch.events] for batch in door.batches] == [["A"]]


def test_a_batch_that_is_too_large_is_split(chrome: Browser, shop: str, door: Door) -> None:
    door.judge = lambda events: TOO_LARGE if len(events) > 2 else OK
    page = chrome.context().page(shop)
    page.run("'ABCDEFG'.split('').forEach((name) => stitchline.track(name))")
    until(lambda: len(door.taken()) >= 7)
    assert door.names() == list("ABCDEFG")


def test_an_event_that_is_refused_costs_its_neighbours_nothing(
    chrome: Browser, shop: str, door: Door
) -> None:
    door.judge = lambda events: BAD if "Bad" in [event["event"] for event in events] else OK
    page = chrome.context().page(shop)
    page.run("'A B Bad C D'.split(' ').forEach((name) => stitchline.track(name))")
    until(lambda: len(door.taken()) >= 4)
    until(lambda: stored(page) == 0)
    assert door.names() == list("ABCD")
    assert door.batches[-1].status == OK


def test_an_event_at_which_the_collector_breaks_holds_up_no_other(
    chrome: Browser, shop: str, door: Door
) -> None:
    """And stays: it may be the collector that mends."""
    door.judge = lambda events: BROKEN if "Breaks" in [event["event"] for event in events] else OK
    context = chrome.context()
    context.stop_clock()
    page = context.page(shop)
    page.run("'Breaks A B'.split(' ').forEach((name) => stitchline.track(name))")
    until(lambda: moved(context, lambda: each_once(door) == ["A", "B"]))
    door.judge = up
    until(lambda: moved(context, lambda: each_once(door) == ["A", "B", "Breaks"]))


def each_once(door: Door) -> list[str]:
    """Names by message id: one that was sent again is the same event."""
    return sorted({event["messageId"]: str(event["event"]) for event in door.taken()}.values())


def moved(context: Context, condition: Callable[[], bool]) -> bool:
    """Time goes on in the page while one waits; what is answered later than that is sent again, under the same id."""
    context.move_clock(10_000)
    return condition()


@pytest.fixture
def asked(site: Site, door: Door) -> str:
    """The same page of a source whose visitors are asked."""
    door.config = {"consent": {"categories": ["analytics"], "needed": "analytics"}}
    return site.origin() + site.show(snippet(0, "KEY", door.url).replace("stitchline.page();", ""))


def test_what_was_withdrawn_while_it_was_on_its_way_is_not_sent_again(
    chrome: Browser, asked: str, door: Door
) -> None:
    door.judge = lambda _: BROKEN
    page = chrome.context().page(asked)
    door.hold()
    page.run("(stitchline.consent({analytics: true}), stitchline.track('Withdrawn'))")
    until(lambda: door.arrived == ["Withdrawn"])
    page.run("stitchline.consent({analytics: false})")
    door.release()
    until(lambda: door.tried("Withdrawn") == 1)
    door.judge = up
    page.run("(stitchline.consent({analytics: true}), stitchline.track('Later'))")
    until(lambda: "Later" in door.names())
    assert door.arrived == ["Withdrawn", "Later"]


def test_an_answer_that_comes_after_a_withdrawal_names_nobody(
    chrome: Browser, asked: str, door: Door
) -> None:
    """It has brought the cookie back: so that one is forgotten once more, and who says yes later is somebody else."""
    page = chrome.context().page(asked)
    door.hold_introductions()
    page.run("stitchline.consent({analytics: true})")
    until(lambda: len(door.introductions) == 1)
    page.run("stitchline.consent({analytics: false})")
    until(lambda: len(door.introductions) == 2)
    page.run("stitchline.consent({analytics: true})")
    door.release()
    until(lambda: len(door.introductions) == 4)
    first, *forgotten, last = door.introductions
    assert [told.get("forget") for told in forgotten] == [True, True]
    assert last["anonymousId"] not in {"", first["anonymousId"]}
