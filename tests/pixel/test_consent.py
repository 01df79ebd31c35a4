"""Consent, and visitors who want to be left alone, in a real browser: what is stored, what is asked for, and what arrives."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from collector.daily import PREFIX
from runtime.environment.settings import KafkaSettings
from tests.collector.process import Collector, add_source, environment, post, prepare, running, until
from tests.pixel.arrivals import Arrivals, reading
from tests.pixel.browser import DNT, GPC, Browser, Context, Page, browser
from tests.pixel.consent_managers import MANAGERS, page_of
from tests.pixel.site import Site, serving

HOST = "events.shop.example"
CATEGORIES = {"categories": ["analytics", "marketing"], "needed": "analytics"}
# key -> what the source says
SOURCES: dict[str, dict[str, Any]] = {
    "waits": {"consent": CATEGORIES},
    "acts": {"consent": CATEGORIES, "pixel": {"pages": True, "emails": "plain", "domains": ["shop.example"]}},
    "counts": {"consent": CATEGORIES | {"before": "cookieless", "denied": "cookieless"}},
    "plain": {},
    "strict": {"privacy": {"gpc": "drop", "dnt": "drop"}},
    "nameless": {"privacy": {"cookieless": True}},
}
YES, NO = "{analytics: true, marketing: false}", "{analytics: false, marketing: false}"
PUT_OFF_MS_MAX = 10_000  # longer than the pixel puts anything off that nobody holds up
NOTHING: dict[str, Any] = {"local": {}, "session": {}, "cookies": "", "databases": [], "caches": []}


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    kafka = prepare(environ)
    for key, rules in SOURCES.items():
        add_source(kafka, key, key, **rules)
    return kafka


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        for key in SOURCES:
            until(partial(knows, collector, key))
        yield collector


def knows(collector: Collector, key: str) -> bool:
    return post(collector, "/v1/visitor", {}, key).status_code == 200


@pytest.fixture(scope="module")
def arrivals(settings: KafkaSettings) -> Iterator[Arrivals]:
    with reading(settings) as arrivals:
        yield arrivals


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def chrome(chromium: Path, site: Site) -> Iterator[Browser]:
    with browser(chromium, [site.origin()]) as chrome:
        yield chrome


@pytest.fixture
def shown(site: Site, collector: Collector) -> Any:
    """The address of a page with the pixel as its source's key serves it, and then a script."""

    def show(key: str, script: str = "stitchline.page()", before: str = "") -> tuple[str, str]:
        address = f"http://{HOST}:{collector.port}/pixel/{key}.js"
        path = site.show(f'{before}<script src="{address}"></script><script>{script}</script>')
        return site.origin() + path, path

    return show


def events(context: Context) -> list[str]:
    """The requests to the collector but for the script."""
    return [
        request.url.partition(HOST)[2].partition("/")[2]
        for request in context.requests(HOST)
        if request.kind != "script"
    ]


def consents(arrived: list[dict[str, Any]]) -> list[Any]:
    return [event["context"].get("consent") for event in arrived]


def has_id(context: Context) -> bool:
    return any(cookie["name"] == "stitchline_id" for cookie in context.cookies())


@pytest.mark.parametrize("key", ["waits", "acts"])
def test_before_a_decision_nothing_is_stored_and_nothing_is_asked_for(
    chrome: Browser, shown: Any, key: str
) -> None:
    url, _ = shown(key, "stitchline.page(); stitchline.identify('ann'); stitchline.track('Viewed')")
    context = chrome.context()
    context.stop_clock()
    page = context.page(url)
    context.move_clock(PUT_OFF_MS_MAX)
    assert page.storage() == NOTHING
    assert context.cookies() == []
    assert events(context) == []
    page.reload()
    assert page.storage() == NOTHING
    assert page.errors() == []


def test_a_consent_on_the_third_view_still_has_the_arrival(
    chrome: Browser, shown: Any, arrivals: Arrivals
) -> None:
    url, path = shown("waits", "var began = Date.now(); stitchline.page()")
    context = chrome.context()
    page = context.page()
    page.goto(f"{url}?utm_source=mail", referer="https://news.example/")
    page.run("(history.pushState({}, '', '?second'), stitchline.identify('ann'), stitchline.page())")
    page.run("(history.pushState({}, '', '?third'), stitchline.page())")
    page.run(f"stitchline.consent({YES})")
    arrived = arrivals.of(path, 4)
    assert [event["type"] for event in arrived] == ["page", "identify", "page", "page"]
    first = arrived[0]
    assert first["context"]["page"]["search"] == "?utm_source=mail"
    assert first["context"]["page"]["referrer"].startswith("https://news.example")
    assert first["timestamp"] < arrived[3]["timestamp"]
    assert consents(arrived) == [{"categoryPreferences": {"analytics": True, "marketing": False}}] * 4
    assert len({event["anonymousId"] for event in arrived}) == 1
    assert arrived[3]["userId"] == "ann"
    until(lambda: has_id(context))
    assert json.loads(page.storage()["local"]["stitchline.consent"]) == {
        "analytics": True,
        "marketing": False,
    }


def test_a_refusal_destroys_what_waits_and_is_remembered(
    chrome: Browser, shown: Any, arrivals: Arrivals
) -> None:
    url, path = shown("waits")
    context = chrome.context()
    context.stop_clock()
    page = context.page(url)
    page.run(f"(stitchline.consent({NO}), stitchline.track('Viewed'))")
    page.reload()
    page.run("stitchline.track('Later')")
    context.move_clock(PUT_OFF_MS_MAX)
    assert page.storage() == NOTHING | {
        "local": {"stitchline.consent": '{"analytics":false,"marketing":false}'}
    }
    assert context.cookies() == []
    assert events(context) == []
    page.run(f"(stitchline.consent({YES}), stitchline.track('Allowed'))")
    assert [event["event"] for event in arrivals.of(path, 1)] == ["Allowed"]


def test_a_decision_of_one_tab_is_every_tabs(chrome: Browser, shown: Any, arrivals: Arrivals) -> None:
    (one, path), (other, elsewhere) = shown("waits"), shown("waits")
    context = chrome.context()
    first, second = context.page(one), context.page(other)
    second.run(f"stitchline.consent({YES})")
    views = [*arrivals.of(path, 1), *arrivals.of(elsewhere, 1)]
    assert len({event["anonymousId"] for event in views}) == 1
    first.run(f"stitchline.consent({NO})")
    until(lambda: not has_id(context))
    second.run("stitchline.track('Late')")
    assert [event["type"] for event in arrivals.of(elsewhere, 1)] == ["page"]


def test_a_withdrawal_stops_at_once_and_leaves_nothing(
    chrome: Browser, shown: Any, arrivals: Arrivals
) -> None:
    url, path = shown("waits", f"stitchline.consent({YES}); stitchline.identify('ann')")
    context = chrome.context()
    page = context.page(url)
    (before,) = arrivals.of(path, 1)
    until(lambda: has_id(context))
    context.offline()
    page.run("stitchline.track('Unsent')")
    until(lambda: any("stitchline.queue" in name for name in page.storage()["local"]))
    page.run(f"(stitchline.consent({NO}), stitchline.track('Afterwards'))")
    assert list(page.storage()["local"]) == ["stitchline.consent"]
    context.offline(False)
    until(lambda: not has_id(context))
    page.run(f"(stitchline.consent({YES}), stitchline.track('Again'))")
    again = arrivals.of(path, 2)[1]
    assert (again["event"], again.get("userId")) == ("Again", None)
    assert again["anonymousId"] != before["anonymousId"]


def test_without_a_cookie_a_visit_hangs_together_and_nothing_is_kept(
    chrome: Browser, shown: Any, arrivals: Arrivals
) -> None:
    """Before a decision, after a refusal, and where the source wants it so."""
    for key, decision in (("counts", NO), ("nameless", "")):
        url, path = shown(key, "stitchline.page(); stitchline.track('Viewed', {}, {})")
        context = chrome.context()
        page = context.page(url)
        names = {event["anonymousId"] for event in arrivals.of(path, 2)}
        assert page.storage() == NOTHING
        assert context.cookies() == []
        assert "v1/visitor" not in events(context)
        page.reload()
        names |= {event["anonymousId"] for event in arrivals.of(path, 4)}
        assert len(names) == 1
        assert names.pop().startswith(PREFIX)
        if decision:
            page.run(f"(stitchline.consent({decision}), stitchline.track('Refused'))")
            refused = arrivals.of(path, 5)[4]
            assert (refused["event"], refused["anonymousId"][: len(PREFIX)]) == ("Refused", PREFIX)
            assert (list(page.storage()["local"]), context.cookies()) == (["stitchline.consent"], [])


@pytest.mark.parametrize("wish", [GPC, DNT])
def test_a_signal_may_stop_everything(chrome: Browser, shown: Any, wish: str) -> None:
    url, _ = shown("strict", "stitchline.page()")
    context = chrome.context(wishes=[wish])
    context.stop_clock()
    page = context.page(url)
    context.move_clock(PUT_OFF_MS_MAX)
    assert (page.storage(), context.cookies(), events(context)) == (NOTHING, [], [])


def test_global_privacy_control_is_heeded_without_any_setting(
    chrome: Browser, shown: Any, arrivals: Arrivals
) -> None:
    url, path = shown("plain")
    context = chrome.context(wishes=[GPC])
    page = context.page(url)
    (event,) = arrivals.of(path, 1)
    assert event["anonymousId"].startswith(PREFIX)
    assert (page.storage(), context.cookies()) == (NOTHING, [])
    (unmoved, quiet), other = shown("plain"), chrome.context(wishes=[DNT])
    other.page(unmoved)
    (event,) = arrivals.of(quiet, 1)
    assert not event["anonymousId"].startswith(PREFIX)


def decide(page: Page, what: str) -> None:
    page.run(f"(decide.{what}(), stitchline.track('{what}'))")


@pytest.mark.parametrize("adapter", list(MANAGERS))
def test_a_consent_managers_word_is_what_the_pixel_goes_by(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals, adapter: str
) -> None:
    path = site.show(page_of(adapter, "waits", f"http://{HOST}:{collector.port}"))
    context = chrome.context()
    page = context.page(site.origin() + path)
    until(lambda: page.run("!!stitchline.version"))
    assert events(context) == []
    decide(page, "yes")
    assert [event.get("event", event["type"]) for event in arrivals.of(path, 2)] == ["page", "yes"]
    decide(page, "ask")
    arrivals.of(path, 3)  # a withdrawal destroys what is not sent yet
    decide(page, "no")
    assert page.storage()["local"] == {}  # the manager remembers, and nobody else
    decide(page, "beyond")
    arrived = arrivals.of(path, 4)
    said: dict[str, Any] = {
        event.get("event", event["type"]): event["context"]["consent"]["categoryPreferences"]
        for event in arrived
    }
    granted = {"analytics": True, "marketing": False}
    assert said == {
        "page": granted,
        "yes": granted,
        "ask": granted,
        "beyond": {"analytics": True, "marketing": True},
    }
    assert page.errors() == []
