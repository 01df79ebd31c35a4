"""The example shop in a real browser, against a real collector that has its configuration: what a visitor does, and what came."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deploy.applying.configuration import read_file
from deploy.examples.shop.serve import PAGE, Shop, listening, serving
from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from tests.collector.process import Collector, environment, prepare, running, until
from tests.pixel.arrivals import Arrivals, reading
from tests.pixel.blocklist import rule_of
from tests.pixel.browser import Browser, Context, Page, browser
from tests.pixel.site import SNIPPETS, WRITE_KEY

CONFIGURATION = PAGE.parent / "shop.yaml"
SHOP, OUTLET, EVENTS = "shop.localhost", "outlet.localhost", "events.shop.localhost"
ORDER = {"email": "ann@shop.example", "name": "Ann", "street": "Hill 1", "city": "1000 Town"}
VERSION = "window.stitchline.version"

Event = dict[str, Any]


@pytest.fixture(scope="module")
def environ(kafka: str) -> dict[str, str]:
    return environment(kafka)


@pytest.fixture(scope="module")
def settings(environ: dict[str, str]) -> KafkaSettings:
    kafka = prepare(environ)
    write_control(kafka, dict(read_file(CONFIGURATION)), "test")
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
def shop(collector: Collector) -> Iterator[Shop]:
    with listening() as server:
        port = server.server_port
        shop = Shop(
            shop=f"http://{SHOP}:{port}",
            outlet=f"http://{OUTLET}:{port}",
            collector=f"http://{EVENTS}:{collector.port}",
        )
        with serving(server, shop):
            yield shop


@pytest.fixture(scope="module")
def chrome(headless_shell: Path) -> Iterator[Browser]:
    with browser(headless_shell, []) as chrome:
        yield chrome


def asked(context: Context, url: str, answer: str = "all") -> tuple[Page, str]:
    """A page whose visitor has answered, and their anonymous id."""
    page = context.page(url)
    until(lambda: page.run(VERSION))
    page.click(f"[data-consent={answer}]")
    return page, page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]


def told(arrivals: Arrivals, visitor: str, *wanted: str) -> list[Event]:
    """All of a visitor, when the last of these names has come, each as often as it stands here."""

    def names() -> list[str]:
        return [event.get("event", event["type"]) for event in arrivals.by(visitor)]

    until(lambda: all(names().count(name) >= wanted.count(name) for name in wanted))
    return arrivals.by(visitor)


def named(events: list[Event], name: str) -> list[Event]:
    return [event for event in events if event.get("event", event["type"]) == name]


def buy(page: Page) -> None:
    page.click("[data-sku=P-200] a")
    page.choose("#quantity", "2")
    page.click(".add button")
    page.click(".said a")
    page.type("#coupon", "leaf10")
    page.press("Enter")
    page.click("main a.button")
    for name, value in ORDER.items():
        page.type(f"#checkout [name={name}]", value)
    page.click("#checkout button")
    page.wait("#order")


def test_whoever_buys_leaves_views_of_pages_and_the_events_of_a_shop(
    chrome: Browser, shop: Shop, arrivals: Arrivals
) -> None:
    page, visitor = asked(chrome.context(), f"{shop.shop}/")
    buy(page)
    events = told(arrivals, visitor, "Order Completed", "identify", *["page"] * 5)
    tracked = [
        event["event"]
        for event in events
        if event["type"] == "track" and event["event"] != "Product Considered"
    ]
    assert tracked == [
        *("Product List Viewed", "Product Viewed", "Product Added", "Cart Viewed", "Coupon Applied"),
        *("Cart Viewed", "Checkout Started", "Checkout Step Completed", "Order Completed"),
    ]
    paths = [event["context"]["page"]["path"] for event in named(events, "page")]
    assert paths == ["/", "/product/P-200", "/cart", "/checkout", "/thanks"]
    (order,) = named(events, "Order Completed")
    assert (order["properties"]["total"], order["properties"]["coupon"]) == (115.2, "LEAF10")
    assert [line["quantity"] for line in order["properties"]["products"]] == [2]
    assert [event["traits"] for event in named(events, "identify")] == [{"email": ORDER["email"]}]
    assert page.errors() == []


def test_nothing_is_sent_or_stored_before_an_answer_nor_after_a_no(chrome: Browser, shop: Shop) -> None:
    context = chrome.context()
    page = context.page(f"{shop.shop}/")
    until(lambda: page.run(VERSION))
    page.click("[data-sku=P-200] a")
    page.click(".add button")
    assert [one for one in context.requests("/v1/") if one.kind != "script"] == []
    page.click("[data-consent=none]")
    page.reload()
    until(lambda: page.run(VERSION))
    page.click(".add button")
    page.goto(f"{shop.shop}/cart")
    until(lambda: page.run(VERSION))
    assert [one for one in context.requests("/v1/") if one.kind != "script"] == []
    assert context.cookies() == []
    assert sorted(page.storage()["local"]) == ["shop.cart", "shop.consent", "stitchline.consent"]


def test_signing_up_names_the_visitor_and_signing_out_ends_that(
    chrome: Browser, shop: Shop, arrivals: Arrivals
) -> None:
    page, visitor = asked(chrome.context(), f"{shop.shop}/account")
    page.type("#new-name", "Bob")
    page.type("#new-email", "bob@shop.example")
    page.click("#sign-up button")
    page.click("#sign-out")
    page.wait("#sign-in")
    later = page.run("new Promise((done) => stitchline.ready(done))")["anonymousId"]
    page.type("#known-email", "carl@shop.example")
    page.click("#sign-in button")
    first, second = told(arrivals, visitor, "Signed Out"), told(arrivals, later, "Signed In")
    assert later != visitor
    assert [event["userId"] for event in named(first, "Signed Up")] == ["customer-bob"]
    assert {"email": "bob@shop.example", "name": "Bob"}.items() <= named(first, "identify")[-1][
        "traits"
    ].items()
    assert [event["userId"] for event in named(second, "Signed In")] == ["customer-carl"]


def test_the_outlet_has_the_same_visitor(chrome: Browser, shop: Shop, arrivals: Arrivals) -> None:
    """Another site to the browser: nothing that the shop stored can be read there."""
    context = chrome.context()
    page, visitor = asked(context, f"{shop.shop}/")
    page.click(".outlet-link")
    page.wait(".is-outlet")
    until(lambda: page.run(VERSION))
    page.click("[data-consent=all]")
    hosts = {
        event["context"]["page"]["url"].split("/")[2].split(":")[0]
        for event in told(arrivals, visitor, "page", "page")
    }
    assert hosts == {SHOP, OUTLET}
    assert page.url() == f"{shop.outlet}/"


def test_what_is_defined_is_told_without_code(chrome: Browser, shop: Shop, arrivals: Arrivals) -> None:
    context = chrome.context(viewport=(1000, 700))
    page, visitor = asked(context, f"{shop.shop}/?utm_source=spring&utm_medium=email")
    page.type("#newsletter-email", "ann@shop.example")
    page.click("#newsletter button")
    page.click("[data-sku=T-100] a")
    page.click("[data-wish]")
    page.run("document.querySelector('audio').playbackRate = 4")
    page.run("document.querySelector('audio').play()")
    told(arrivals, visitor, "Product Considered")
    page.click("header a[href='/journal']")
    page.wait("#end", "attached")
    for _ in range(40):
        page.wheel(400)
    events = told(
        arrivals,
        visitor,
        "Mail Opened The Shop",
        "Newsletter Subscribed",
        "Wish Remembered",
        "Journal Read",
        "Journal Read",
    )
    assert named(events, "Wish Remembered")[0]["properties"]["sku"] == "T-100"
    assert {"email": "ann@shop.example"} in [event["traits"] for event in named(events, "identify")]
    assert [event for event in events if event.get("event", "").startswith("Video")]
    assert page.errors() == []


def test_whoever_runs_no_scripts_is_counted_by_an_image(
    chrome: Browser, shop: Shop, collector: Collector, arrivals: Arrivals
) -> None:
    context = chrome.context(javascript=False)
    context.page(f"{shop.shop}/")
    until(lambda: [request.status for request in context.requests("/v1/pixel/page")] == [200])
    assert [event["name"] for event in arrivals.of("/", 1) if event.get("name")] == ["Without scripts"]


def test_the_shop_sells_where_the_script_is_blocked(chrome: Browser, shop: Shop) -> None:
    context = chrome.context()
    context.block([rule_of(f"||{EVENTS}^")])
    page = context.page(f"{shop.shop}/")
    page.click("[data-consent=all]")
    buy(page)
    assert page.run(VERSION) is None
    assert [error for error in page.errors() if "ERR_BLOCKED_BY_CLIENT" not in error] == []


def test_its_snippet_is_the_documented_one() -> None:
    """But for the key, the addresses and the calls that wait, and the page view, which the source's configuration makes."""
    lines = [line for line in SNIPPETS[0].splitlines() if WRITE_KEY not in line and "page();" not in line]
    found = (PAGE / "index.html").read_text().splitlines()
    names, *others = sorted(lines, key=lambda line: not line.startswith('"page track'))
    (own,) = [line for line in found if line.startswith('"page track')]
    assert set(names.split('"')[1].split()) <= set(own.split('"')[1].split())
    assert names.split('"', 2)[2] == own.split('"', 2)[2]
    assert [line for line in others if line.replace("/pixel.js", "{{script}}") not in found] == []
