"""Pages that are hard on a script: ad blockers, strict policies, bundles, frames of other sites, cookies that are forbidden."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.javascript import CHECKOUT
from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from schemas.pixel.pixel_event_records import pixel_event_records
from tests.collector.process import KEY, Collector, add_source, environment, prepare, running, until
from tests.pixel.arrivals import Arrivals, reading
from tests.pixel.blocklist import usual_list
from tests.pixel.browser import Browser, Context, Page, browser
from tests.pixel.site import Site, serving

OWN_KEY = "own-paths"
SCRIPT, CALLS = "/assets/leaf.js", "/assets/c"
MODULE = CHECKOUT / "collector" / "npm" / "index.js"
WHO = "new Promise((done) => stitchline.ready(done))"


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    kafka = prepare(environ)
    add_source(kafka, "own", OWN_KEY, paths={"script": SCRIPT, "calls": CALLS}, pixel={"pages": True})
    clicked = {"event": "Clicked", "source": "own", "trigger": {"click": {"selector": "button"}}}
    write_control(kafka, pixel_event_records([clicked]), "test")
    return kafka


@pytest.fixture(scope="module")
def collector(environ: dict[str, str], settings: KafkaSettings) -> Iterator[Collector]:
    with running(environ) as collector:
        yield collector


@pytest.fixture(scope="module")
def arrivals(settings: KafkaSettings) -> Iterator[Arrivals]:
    with reading(settings) as arrivals:
        yield arrivals


@pytest.fixture(scope="module")
def site(collector: Collector) -> Iterator[Site]:
    """Its own server passes what begins with /assets/ on to the collector."""
    with serving() as site:
        site.pass_on("/assets/", collector.url)
        yield site


@pytest.fixture(scope="module")
def chrome(headless_shell: Path, site: Site) -> Iterator[Browser]:
    with browser(headless_shell, [site.origin(), site.origin("other.example")]) as chrome:
        yield chrome


def hosts(collector: Collector, name: str = "events.shop.example") -> str:
    return f"http://{name}:{collector.port}"


def one_line(collector: Collector, name: str = "events.shop.example") -> str:
    return f'<script async src="{hosts(collector, name)}/pixel/{KEY}.js"></script>'


def own_line() -> str:
    return f'<script async src="{SCRIPT}" data-write-key="{OWN_KEY}"></script>'


def blocking(chrome: Browser) -> Context:
    context = chrome.context()
    context.block(usual_list())
    return context


def started(page: Page) -> Page:
    until(lambda: page.run("window.stitchline?.version"))
    return page


def test_an_ad_blockers_usual_list_knows_the_usual_names(
    chrome: Browser, site: Site, collector: Collector
) -> None:
    """What a site does not choose, a list can: then the page goes on without us, and nothing is thrown."""
    context = blocking(chrome)
    page = context.page(site.origin() + site.show(one_line(collector)))
    until(lambda: [one for one in context.requests("/pixel/") if "ERR_BLOCKED_BY_CLIENT" in one.failure])
    assert page.run("window.stitchline") is None
    assert [error for error in page.errors() if "ERR_BLOCKED_BY_CLIENT" not in error] == []


def test_names_of_the_sites_own_choice_pass_an_ad_blocker(
    chrome: Browser, site: Site, arrivals: Arrivals
) -> None:
    context = blocking(chrome)
    path = site.show(f"{own_line()}<button>Press</button>")
    page = started(context.page(site.origin() + path))
    page.run("stitchline.track('Bought')")
    page.click("button")
    events = arrivals.of(path, 3)
    assert sorted(event.get("event", event["type"]) for event in events) == ["Bought", "Clicked", "page"]
    assert page.errors() == []
    assert {
        request.url.rpartition(":")[2].partition("/")[2].rpartition("/")[0]
        for request in context.requests("/assets/")
    } == {
        "assets",
        "assets/c",
        "assets/c/parts",
    }
    # Of the page's own host: a first-party cookie, whatever else is blocked.
    assert [cookie["domain"] for cookie in context.cookies()] == ["www.shop.example"]


@pytest.mark.parametrize("are_allowed", [False, True])
def test_a_collector_on_another_site_works_whether_or_not_third_party_cookies_are_blocked(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals, tmp_path: Path, are_allowed: bool
) -> None:
    context = chrome.profile(tmp_path, third_party_cookies=are_allowed)
    path = site.show(one_line(collector, "events.other.example"))
    ids = []
    for _ in range(2):
        page = started(context.page(site.origin() + path))
        page.run("stitchline.page()")
        ids.append(page.run(WHO)["anonymousId"])
    assert {event["anonymousId"] for event in arrivals.of(path, 2)} == {ids[0]} == {ids[1]}
    context.end()


def test_a_page_in_a_frame_of_another_site_is_counted(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    """Its cookies are third-party ones there, and its storage is apart."""
    path = site.show(f"{one_line(collector)}<button onclick=\"stitchline.track('Framed')\">Press</button>")
    outer = site.show(f"<iframe src='{site.origin()}{path}'></iframe>")
    page = chrome.context().page(site.origin("other.example") + outer)
    until(lambda: page.run("window.stitchline?.version", frame="www.shop.example"))
    page.click("button", frame="www.shop.example")
    (event,) = arrivals.of(path, 1)
    assert event["event"] == "Framed"
    assert page.errors() == []


VIOLATIONS = "window.violations = []; addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI))"


@pytest.mark.parametrize(
    "scripts",
    ["HOST", "'nonce-abc'", "'nonce-abc' 'strict-dynamic'", "HOST; require-trusted-types-for 'script'"],
)
def test_the_strictest_policy_that_names_the_collector_or_a_nonce_is_never_violated(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals, scripts: str
) -> None:
    host = hosts(collector)
    policy = (
        f"default-src 'none'; connect-src {host}; img-src {host}; script-src {scripts.replace('HOST', host)}"
    )
    line = f'<script nonce=abc async src="{host}/pixel/{OWN_KEY}.js"></script><button>Press</button>'
    # Its own paths are beneath the collector's host there.
    path = site.show(line, Content_Security_Policy=policy)
    context = chrome.context(scripts=[VIOLATIONS])
    page = started(context.page(site.origin() + path))
    page.run("(stitchline.identify('ann', {email: 'ann@shop.example'}), stitchline.track('Bought'))")
    page.click("button")
    events = arrivals.of(path, 4)
    assert "Clicked" in [event.get("event") for event in events]
    page.run("stitchline.reset()")
    page.run(WHO)
    assert (page.run("violations"), page.errors()) == ([], [])


def test_the_module_does_the_same_in_a_sites_own_bundle(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    module = site.file(".js", MODULE.read_bytes(), "text/javascript")
    site.pages["/parts.js"] = (MODULE.with_name("parts.js").read_bytes(), {"Content-Type": "text/javascript"})
    clicked = "{ on: 'click', event: 'Clicked', selector: 'button' }"
    load = f"load({{ key: '{KEY}', host: '{hosts(collector)}', events: [{clicked}] }})"
    own = f"import {{ load }} from '{module}'; window.pixel = {load}; pixel.page('Home');"
    script = site.file(".js", own.encode(), "text/javascript")
    policy = f"default-src 'none'; script-src 'self'; connect-src {hosts(collector)}"
    html = f"<script type=module src={script}></script><button>Press</button>"
    path = site.show(html, Content_Security_Policy=policy)
    page = chrome.context().page(site.origin() + path)
    until(lambda: page.run("!!window.pixel"))
    page.run("pixel.track('Bought')")
    page.click("button")
    events = arrivals.of(path, 3)
    assert [event.get("event", event.get("name")) for event in events] == ["Home", "Bought", "Clicked"]
    assert page.errors() == []


def test_nothing_on_the_page_moves(
    chrome: Browser, site: Site, collector: Collector, arrivals: Arrivals
) -> None:
    path = site.show(f"{one_line(collector)}<h1>Shop</h1>{'<p>text</p>' * 40}")
    page = started(chrome.context().page(site.origin() + path))
    page.run("stitchline.page()")
    arrivals.of(path, 1)
    noted: dict[str, list[Any]] = page.performance()
    assert noted["layout-shift"] == []
