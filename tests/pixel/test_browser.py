"""The pixel in a real browser, on pages of a site, against a real collector: what Kafka has is what the visitor did."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from runtime.environment.settings import KafkaSettings
from tests.clients.front import RETRY_AFTER_S, Fault, Fronts
from tests.collector.process import KEY, Collector, environment, prepare, running, until
from tests.pixel.arrivals import Arrivals, reading
from tests.pixel.browser import Browser, Context, Page, browser
from tests.pixel.site import Site, serving, snippet

YEAR_S = 365 * 86_400
HOST = "events.shop.example"
BATCH = "/v1/batch"


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    return prepare(environ)


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


@pytest.fixture(scope="module")
def arrivals(settings: KafkaSettings) -> Iterator[Arrivals]:
    with reading(settings) as arrivals:
        yield arrivals


@pytest.fixture(scope="module")
def fronts() -> Iterator[Fronts]:
    with Fronts() as fronts:
        yield fronts


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def chrome(chromium: Path, site: Site) -> Iterator[Browser]:
    with browser(chromium, [site.origin()]) as chrome:
        yield chrome


def address(port: int, host: str = HOST) -> str:
    return f"http://{host}:{port}"


def shop_page(site: Site, port: int, script: str = "", **headers: str) -> str:
    """The path of a page with the snippet and then `script`; every event of the page names it as its path."""
    return site.show(f"{snippet(0, KEY, address(port))}<script>{script}</script>", **headers)


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event.get("event", event["type"]) for event in events]


def test_early_calls_arrive_once_and_in_order(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(
        site,
        collector.port,
        "stitchline.track('Viewed', {sku: 'x', list: [1, {a: null}]}); stitchline.identify('ann', {email: 'ann@shop.example'});"
        "stitchline.track('Bought')",
    )
    page = chrome.context().page(f"{site.origin()}{path}?utm_source=mail#top")
    events = arrivals.of(path, 4)
    assert names(events) == ["page", "Viewed", "identify", "Bought"]
    assert page.errors() == []
    assert len({event["messageId"] for event in events}) == 4
    assert len({event["anonymousId"] for event in events}) == 1
    assert [event.get("userId") for event in events] == [None, None, "ann", "ann"]
    assert events[1]["properties"] == {"sku": "x", "list": [1, {"a": None}]}
    assert events[2]["traits"] == {"email": "ann@shop.example"}


def test_a_browser_that_a_program_steers_says_so(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port)
    page = chrome.context().page(site.origin() + path)
    assert page.run("navigator.webdriver") is True
    (event,) = arrivals.of(path, 1)
    assert event["context"]["signs"] == ["webdriver"]


def test_the_cookie_is_for_the_collector_alone_and_lives_a_year(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port)
    context = chrome.context()
    page = context.page(site.origin() + path)
    (event,) = arrivals.of(path, 1)
    (cookie,) = [cookie for cookie in context.cookies() if cookie["domain"] == HOST]
    assert (cookie["value"], cookie["path"]) == (event["anonymousId"], "/")
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Lax", False)
    assert 0 < cookie["expires"] - page.run("Date.now() / 1000") <= YEAR_S
    assert page.run("document.cookie") == ""


def visit(context: Context, url: str) -> tuple[Page, str]:
    """A page, and who the pixel says that its visitor is."""
    page = context.page(url)
    return page, page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]


def test_a_visitor_whose_storage_was_cleared_is_the_same_one(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port)
    context = chrome.context()
    page, first = visit(context, site.origin() + path)
    page.run("localStorage.clear()")
    page.goto(site.origin() + path)
    # Another origin has a storage of its own.
    _, elsewhere = visit(context, site.origin("blog.shop.example") + path)
    assert elsewhere == first
    assert {event["anonymousId"] for event in arrivals.of(path, 3)} == {first}


def test_reset_makes_a_new_visitor_and_the_cookie_follows(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port, "stitchline.identify('ann')")
    context = chrome.context()
    page, first = visit(context, site.origin() + path)
    page.run("(stitchline.track('Before'), stitchline.reset(), stitchline.track('After'))")
    events = {event.get("event", event["type"]): event for event in arrivals.of(path, 4)}
    users = {name: event.get("userId") for name, event in events.items()}
    assert users == {"page": None, "identify": "ann", "Before": "ann", "After": None}
    new = events.pop("After")["anonymousId"]
    assert {event["anonymousId"] for event in events.values()} == {first}
    assert new != first
    until(lambda: [cookie["value"] for cookie in context.cookies()] == [new])
    assert visit(context, site.origin("blog.shop.example") + path)[1] == new


def test_reset_among_the_first_calls_parts_two_visitors(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port, "stitchline.reset(); stitchline.track('After')")
    context = chrome.context()
    _, told = visit(context, site.origin() + path)
    users = {event.get("event", "page"): event["anonymousId"] for event in arrivals.of(path, 2)}
    assert users["page"] != users["After"] == told
    until(lambda: [cookie["value"] for cookie in context.cookies()] == [users["After"]])


def test_two_tabs_that_start_at_once_are_one_visitor(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port)
    chrome.context().pages([site.origin() + path] * 4)
    events = arrivals.of(path, 4)
    assert len(events) == 4
    assert len({event["anonymousId"] for event in events}) == 1


def test_without_cookies_the_storage_remembers(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    """The collector is another site's: browsers neither send nor take its cookie."""
    html = f"{snippet(0, KEY, address(collector.port, 'events.other.example'))}"
    path = site.show(html)
    context = chrome.context()
    _, first = visit(context, site.origin() + path)
    assert visit(context, site.origin() + path)[1] == first
    assert {event["anonymousId"] for event in arrivals.of(path, 2)} == {first}
    assert context.cookies() == []


def test_events_of_the_last_moment_arrive(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port, "addEventListener('beforeunload', () => stitchline.track('Left'))")
    context = chrome.context()
    page, _ = visit(context, site.origin() + path)
    page.run("addEventListener('pagehide', () => stitchline.track('Really left'))")
    page.goto("about:blank")
    # What leaves with the page leaves at once, in requests beside each other: their order is nobody's promise.
    assert sorted(names(arrivals.of(path, 3))) == ["Left", "Really left", "page"]


def test_what_no_page_could_bring_the_next_one_brings(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals, fronts: Fronts
) -> None:
    front = fronts.open(collector.url, Fault.TOO_MANY)
    path = shop_page(site, int(front.url.rpartition(":")[2]))
    page = chrome.context().page(site.origin() + path)
    # After the second refusal the page has heard the first one for certain.
    until(lambda: len([attempt for attempt in front.attempts if attempt.status == 429]) == 2)
    first = page.run("JSON.parse(localStorage['stitchline']).anonymousId")
    page.goto(f"{site.origin()}{path}?second")
    until(lambda: len({event["messageId"] for event in arrivals.of(path, 2)}) == 2)
    searches = {event["properties"]["search"] for event in arrivals.of(path, 2)}
    assert searches == {"", "?second"}
    assert {event["anonymousId"] for event in arrivals.of(path, 2)} == {first}


def test_where_storage_is_forbidden_the_page_remembers(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    """A sandboxed page: no cookies, and localStorage and locks are errors."""
    path = shop_page(
        site, collector.port, "stitchline.identify('ann')", Content_Security_Policy="sandbox allow-scripts"
    )
    page = chrome.context().page(site.origin() + path)
    page.run("stitchline.track('Bought')")
    events = arrivals.of(path, 3)
    assert [(name, event.get("userId")) for name, event in zip(names(events), events, strict=True)] == [
        ("page", None),
        ("identify", "ann"),
        ("Bought", "ann"),
    ]
    assert len({event["anonymousId"] for event in events}) == 1
    assert page.errors() == []


def test_one_line_is_enough_under_a_strict_policy(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    host = address(collector.port)
    path = site.show(
        snippet(1, KEY, host),
        Content_Security_Policy=f"default-src 'none'; script-src {host}; connect-src {host}",
    )
    page = chrome.context().page(site.origin() + path)
    page.run("stitchline.page('Shop', 'Home')")
    (event,) = arrivals.of(path, 1)
    assert (event["name"], event["properties"]["category"]) == ("Home", "Shop")
    assert page.errors() == []


def test_no_call_throws_and_no_error_of_the_pages_is_caught(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = shop_page(site, collector.port, "var kept = stitchline.track, cycle = {}; cycle.cycle = cycle")
    page, _ = visit(chrome.context(), site.origin() + path)
    page.run("(kept('Cycle', cycle), stitchline.ready('not a function'), kept('Bought', {none: undefined}))")
    assert names(arrivals.of(path, 2)) == ["page", "Bought"]
    page.run("stitchline.ready(() => { throw new Error('of the page') })")
    until(lambda: page.errors() == ["of the page"])


@pytest.mark.parametrize("fault", [Fault.TOO_MANY, Fault.STORED, Fault.LOST])
def test_what_was_not_taken_is_sent_again_as_the_same_event(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals, fronts: Fronts, fault: Fault
) -> None:
    """Two times; `Fault` says what happens to a request."""
    front = fronts.open(collector.url, fault)
    path = shop_page(site, int(front.url.rpartition(":")[2]), "stitchline.track('Bought')")
    chrome.context().page(site.origin() + path)
    until(lambda: 200 in [attempt.status for attempt in front.attempts if attempt.path == BATCH])
    wanted = ["page", "Bought"] * (3 if fault is Fault.STORED else 1)
    events = arrivals.of(path, len(wanted))
    assert names(events) == wanted
    assert len({event["messageId"] for event in events}) == 2
    tries = [attempt for attempt in front.attempts if attempt.path == BATCH]
    refused = {Fault.TOO_MANY: 429, Fault.STORED: 503, Fault.LOST: 0}[fault]
    assert [attempt.status for attempt in tries] == [refused, refused, 200]
    pauses = [later.asked_s - earlier.told_s for earlier, later in pairwise(tries)]
    assert min(pauses) >= (RETRY_AFTER_S if refused else 0)
    assert "OPTIONS" not in [attempt.method for attempt in front.attempts]
