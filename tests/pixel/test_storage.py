"""Where events wait: storage of every kind, and pages that are put by and taken up again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pixel.browser import Browser, browser
from tests.pixel.door import OK, Door, down, heard, opened, stored, until, up
from tests.pixel.site import Site, serving, snippet

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


SPOILT = {
    "forbidden": "Object.defineProperty(window, 'localStorage', { get() { throw new Error('forbidden') } })",
    "missing": "Object.defineProperty(window, 'localStorage', { value: undefined })",
    "null": "Object.defineProperty(window, 'localStorage', { value: null })",
    "full": "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }",
    "frozen": """if (location.host) localStorage.stitchline = '{"anonymousId": "old", "chosen": true}';"""
    "Storage.prototype.setItem = Storage.prototype.removeItem = () => {}",
    "strange": "if (location.host) { localStorage.stitchline = '[1]'; localStorage['stitchline.queue.x'] = 'no JSON' }",
    "no-locks": "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined })",
    "no-crypto-id": "delete Crypto.prototype.randomUUID",
}


@pytest.mark.parametrize("spoil", list(SPOILT))
def test_whatever_storage_is_events_arrive_and_nothing_is_thrown(
    chrome: Browser, shop: str, door: Door, spoil: str
) -> None:
    page = chrome.context(scripts=[SPOILT[spoil]]).page(shop)
    page.run("(stitchline.identify('ann', {plan: 'pro'}), stitchline.track('A'))")
    until(lambda: len(door.taken()) >= 2)
    assert [event["userId"] for event in door.taken()] == ["ann", "ann"]
    assert len({event["anonymousId"] for event in door.taken()}) == 1
    assert len(door.introductions) == 1
    assert (page.errors(), page.console()) == ([], [])


def test_two_sources_of_one_site_keep_their_events_apart(
    chrome: Browser, site: Site, shop: str, door: Door
) -> None:
    door.judge = down
    context = chrome.context()
    page = context.page(shop)
    page.run("stitchline.track('A')")
    heard(door, "A")
    page.close()
    door.judge = up
    other = context.page(
        site.origin() + site.show(snippet(0, "OTHER", door.url).replace("stitchline.page();", ""))
    )
    other.run("stitchline.track('B')")
    until(lambda: door.names() == ["B"])
    assert stored(other) == 1
    context.page(shop)
    until(lambda: door.names() == ["B", "A"])
    assert [batch.key for batch in door.batches if batch.status == OK] == ["OTHER", "KEY"]


def test_without_locks_too_the_next_page_sends_what_is_left(chrome: Browser, shop: str, door: Door) -> None:
    door.judge = down
    page = chrome.context(scripts=[SPOILT["no-locks"]]).page(shop)
    page.run("stitchline.track('A')")
    heard(door, "A")
    door.judge = up
    page.reload()
    until(lambda: len(door.taken()) >= 1)
    until(lambda: stored(page) == 0)
    assert door.names() == ["A"]


def test_a_page_that_is_put_by_and_taken_up_again_goes_on(chrome: Browser, shop: str, door: Door) -> None:
    """As the back-forward cache does it: the page hears of both, and lives on in between."""
    page = chrome.context().page(shop)
    page.run("stitchline.track('A')")
    until(lambda: door.names() == ["A"])
    door.judge = down
    page.run("stitchline.track('B')")
    heard(door, "B")
    page.run("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    assert page.run("navigator.locks.query().then(({held}) => held.length)") == 0
    page.run("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    page.run("stitchline.track('C')")
    door.judge = up
    until(lambda: stored(page) == 0 and door.tried("C"))
    assert sorted(set(door.names())) == ["A", "B", "C"]


def test_what_others_took_over_meanwhile_is_theirs(chrome: Browser, shop: str, door: Door) -> None:
    door.judge, door.retry_after = down, HOUR_S
    context = chrome.context()
    page = context.page(shop)
    page.run("stitchline.track('A')")
    until(lambda: page.run("'stitchline.pause' in localStorage"))
    page.run("dispatchEvent(new PageTransitionEvent('pagehide', {persisted: true}))")
    page.run("localStorage.removeItem('stitchline.pause')")
    door.judge = up
    other = context.page(shop)
    until(lambda: door.names() == ["A"])
    page.run("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")
    other.run("stitchline.track('B')")
    until(lambda: len(door.taken()) >= 2)
    until(lambda: stored(page) == 0)
    assert door.names() == ["A", "B"]
