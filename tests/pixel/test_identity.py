"""Who a page's events are of, and what they say of their page, in a real browser; and pages that make it hard."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.demo.javascript import CHECKOUT, node
from tests.pixel.browser import Browser, Page, browser
from tests.pixel.door import Door, opened, until
from tests.pixel.site import Site, serving, snippet

READY = "new Promise((done) => stitchline.ready(done))"


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


def quiet(door: Door) -> str:
    """The snippet without its page view."""
    return snippet(0, "KEY", door.url).replace("stitchline.page();", "")


@pytest.fixture
def shop(site: Site, door: Door) -> str:
    return site.origin() + site.show(quiet(door))


def test_traits_are_remembered_as_long_as_they_are_the_same_ones(
    chrome: Browser, shop: str, door: Door
) -> None:
    page = chrome.context().page(shop)
    page.run(
        "(stitchline.identify({a: 0}), stitchline.identify('ann', {b: 1}), stitchline.group('g', {size: 3}))"
    )
    until(lambda: len(door.taken()) >= 3)
    page.goto(shop)
    page.run(
        "(stitchline.identify({c: 2}), stitchline.group({plan: 'pro'}), stitchline.identify('bob', {d: 3}),"
        "stitchline.group('h', {}), stitchline.reset(), stitchline.identify({e: 4}))"
    )
    until(lambda: len(door.taken()) >= 8)
    told = [(event["type"], event.get("userId"), event["traits"]) for event in door.taken()]
    assert (
        told
        == [
            ("identify", None, {"a": 0}),
            ("identify", "ann", {"a": 0, "b": 1}),
            ("group", "ann", {"size": 3}),
            ("identify", "ann", {"a": 0, "b": 1, "c": 2}),
            ("group", "ann", {"size": 3, "plan": "pro"}),
            ("identify", "bob", {"d": 3}),
            ("group", "bob", {}),
            ("identify", None, {"e": 4}),
        ][: len(told)]
        or told
    )
    assert [event["groupId"] for event in door.taken() if event["type"] == "group"] == ["g", "g", "h"]


def test_an_alias_joins_the_new_id_to_the_one_before(chrome: Browser, shop: str, door: Door) -> None:
    page = chrome.context().page(shop)
    page.run("(stitchline.alias('ann'), stitchline.identify('ann'), stitchline.alias('ann@shop.example'))")
    until(lambda: len(door.taken()) >= 3)
    first, _, second = door.taken()
    assert (first["userId"], first["previousId"]) == ("ann", first["anonymousId"])
    assert (second["userId"], second["previousId"]) == ("ann@shop.example", "ann")


def test_an_id_that_the_site_sets_is_told_to_the_collector(chrome: Browser, shop: str, door: Door) -> None:
    page = chrome.context().page(shop)
    page.run(READY)
    page.run("(stitchline.identify('ann'), stitchline.setAnonymousId('device-7'), stitchline.track('A'))")
    until(lambda: len(door.taken()) >= 2)
    identified, tracked = door.taken()
    assert identified["anonymousId"] != "device-7"
    assert (tracked["anonymousId"], tracked["userId"]) == ("device-7", "ann")
    until(lambda: len(door.introductions) == 2)
    assert (door.introductions[1]["anonymousId"], door.introductions[1]["replace"]) == ("device-7", True)
    page.reload()
    assert page.run(READY) == {"anonymousId": "device-7", "userId": "ann"}


SIGNED = "_c=AVGF-_x&utm_source=mail"


@pytest.mark.parametrize("embedding", [0, 1])
def test_a_link_says_who_comes_though_the_router_was_faster(
    chrome: Browser, site: Site, door: Door, embedding: int
) -> None:
    rewrite = "<script>history.replaceState(null, '', '/home')</script>"
    html = rewrite + snippet(embedding, "KEY", door.url).replace("stitchline.page();", "")
    page = chrome.context().page(f"{site.origin()}{site.show(html)}?{SIGNED}&page=2#top")
    until(lambda: page.run("!!(window.stitchline && stitchline.version)"))
    page.run("(stitchline.page(), stitchline.track('A'))")
    until(lambda: len(door.taken()) >= 2)
    viewed, tracked = (event["context"]["page"] for event in door.taken())
    assert (viewed["url"], viewed["path"]) == (f"{site.origin()}/home?{SIGNED}", "/home")
    assert viewed["search"] == f"?{SIGNED}"
    assert tracked["url"] == f"{site.origin()}/home"


def test_an_early_call_is_of_the_address_it_was_made_at(chrome: Browser, site: Site, door: Door) -> None:
    script = "stitchline.page(); history.pushState(null, '', '/cart'); stitchline.page('Cart'); stitchline.track('A')"
    path = site.show(f"{quiet(door)}<script>{script}</script>")
    chrome.context().page(f"{site.origin()}{path}?{SIGNED}")
    until(lambda: len(door.taken()) >= 3)
    home, cart = f"{site.origin()}{path}?{SIGNED}", f"{site.origin()}/cart"
    pages = [event["context"]["page"] for event in door.taken()]
    assert [(page["url"], page["referrer"]) for page in pages] == [(home, ""), (cart, home), (cart, home)]


def test_without_cookies_and_storage_nothing_says_who_it_is(
    chrome: Browser, site: Site, door: Door, shop: str
) -> None:
    door.config = {"cookieless": True}
    context = chrome.context()
    page = context.page(shop)
    page.run("(stitchline.identify('ann', {email: 'ann@shop.example'}), stitchline.track('A'))")
    until(lambda: door.names() == ["A"])
    assert page.run(READY)["anonymousId"] == ""
    (event,) = door.taken()
    assert (event.get("anonymousId"), event.get("userId")) == (None, None)
    assert (door.batches[0].query, door.introductions) == ("cookieless=1", [])
    assert (page.storage()["local"], context.cookies()) == ({}, [])


def test_a_callback_is_called_once_and_its_error_is_the_pages(chrome: Browser, shop: str, door: Door) -> None:
    page = chrome.context().page(shop)
    page.run(
        "window.called = 0; stitchline.track('A', {}, () => { called++; throw new Error('of the page') })"
    )
    until(lambda: page.errors() == ["of the page"])
    page.run(
        "new Promise((done) => setTimeout(done, 400))"
    )  # past the moment at which it is called at the latest
    assert page.run("called") == 1
    door.hold()
    assert page.run("new Promise((done) => stitchline.track('B', () => done('called')))") == "called"
    assert door.names() == ["A"]


def test_errors_of_the_page_stay_the_pages(chrome: Browser, site: Site, door: Door) -> None:
    script = (
        "window.heard = []; addEventListener('error', (event) => heard.push(event.message));"
        "addEventListener('unhandledrejection', (event) => heard.push(event.reason.message));"
        "setTimeout(() => { throw new Error('thrown') }); Promise.reject(new Error('rejected'))"
    )
    page = chrome.context().page(site.origin() + site.show(f"{quiet(door)}<script>{script}</script>"))
    page.run("stitchline.track('A', {get price() { throw new Error('in a value') }})")
    page.run("stitchline.track('B')")
    until(lambda: door.names() == ["B"])
    assert sorted(page.run("heard")) == ["Uncaught Error: thrown", "rejected"]
    assert sorted(page.errors()) == ["rejected", "thrown"]
    assert [line for line in page.console() if "in a value" in line]


STRANGE = {
    "toJSON": "for (const one of [Array, String]) one.prototype.toJSON = () => 'spoilt'",
    "members": "Array.prototype.own = Object.prototype.own = () => 'a member of everything'",
    "values": "Object.prototype.version = undefined; Object.prototype.traits = Object.prototype.events = 7",
}


@pytest.mark.parametrize("change", list(STRANGE))
def test_a_page_may_change_the_language(chrome: Browser, site: Site, door: Door, change: str) -> None:
    path = site.show(f"<script>{STRANGE[change]}</script>{quiet(door)}")
    page = chrome.context().page(site.origin() + path)
    page.run("(stitchline.track('A', {list: [1, {a: 'b'}]}), stitchline.track('B'))")
    until(lambda: len(door.taken()) >= 2)
    assert door.names() == ["A", "B"]
    assert door.taken()[0]["properties"] == {"list": [1, {"a": "b"}]}
    assert page.errors() == []


def test_a_page_that_breaks_json_hears_nothing_of_it(chrome: Browser, site: Site, door: Door) -> None:
    broken = "JSON.stringify = JSON.parse = () => { throw new Error('broken') }"
    path = site.show(f"<script>{broken}</script>{quiet(door)}<script>stitchline.track('A')</script>")
    page = chrome.context().page(site.origin() + path)
    until(lambda: page.run("!!stitchline.version"))
    page.run("(stitchline.identify('ann'), stitchline.reset(), stitchline.track('B'))")
    page.goto("about:blank")
    assert page.errors() == []


def bundled(folder: Path, door: Door) -> str:
    """A site's own script, which imports the package."""
    (folder / "main.js").write_text(
        f"import {{ load }} from {str(CHECKOUT / 'collector/npm/index.js')!r};\n"
        f"const pixel = load({{ key: 'KEY', host: '{door.url}/' }});\n"
        "pixel.track('From the bundle', { total: 1 });\n"
        f"window.isSame = pixel === load({{ key: 'KEY', host: '{door.url}' }});\n"
    )
    program = CHECKOUT / "node_modules" / "esbuild" / "bin" / "esbuild"
    argv = [str(node()), str(program), "main.js", "--bundle", "--format=iife"]
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_site_that_bundles_its_scripts_has_the_same_pixel(
    chrome: Browser, site: Site, door: Door, tmp_path: Path
) -> None:
    page: Page = chrome.context().page(
        site.origin() + site.show(f"<script>{bundled(tmp_path, door)}</script>")
    )
    page.run("stitchline.track('From the page')")
    until(lambda: len(door.taken()) >= 2)
    assert door.names() == ["From the bundle", "From the page"]
    assert page.run("isSame")
    assert page.errors() == []
