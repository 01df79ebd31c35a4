"""The browser that the other tests drive does what they rely on."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collector.process import until
from tests.pixel.blocklist import rule_of
from tests.pixel.browser import DNT, GPC, Browser, browser
from tests.pixel.site import Site, serving, tone


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture(scope="module")
def chrome(chromium: Path, site: Site) -> Iterator[Browser]:
    with browser(chromium, [site.origin(), site.origin("other.example")]) as chrome:
        yield chrome


def test_a_visitor_clicks_types_chooses_and_scrolls(chrome: Browser, site: Site) -> None:
    path = site.show(
        "<form method=post action=/form><input name=email><select name=size><option>S<option>L</select>"
        "<button>Send</button></form><div style='height:4000px'></div>"
        "<script>addEventListener('click', (event) => { window.trusted = event.isTrusted })</script>"
    )
    page = chrome.context(viewport=(800, 600)).page(site.origin() + path)
    page.wheel(700)
    until(lambda: page.run("scrollY") == 700)
    page.type("[name=email]", "ann")
    page.press("Control+A")
    page.type("[name=email]", "bob")
    page.choose("[name=size]", "L")
    page.click("form button")
    page.wait_url("/form")
    assert site.posted == [("/form", "email=bob&size=L")]
    page.back()
    page.fill("[name=email]", "ann@shop.example")
    page.click("input")
    assert page.run("[trusted, document.querySelector('input').value]") == [True, "ann@shop.example"]


def test_media_plays(chrome: Browser, site: Site) -> None:
    sound = site.file(".wav", tone(0.4), "audio/wav")
    path = site.show(
        f"<audio src={sound}></audio><button onclick=\"document.querySelector('audio').play()\">Play</button>"
    )
    page = chrome.context().page(site.origin() + path)
    page.run("document.querySelector('audio').addEventListener('ended', () => { document.title = 'Ended' })")
    page.click("button")
    until(lambda: page.run("document.title") == "Ended")
    assert page.run("document.querySelector('audio').currentTime") == pytest.approx(0.4)


def test_what_a_page_asked_for_is_in_the_log_with_what_was_answered(chrome: Browser, site: Site) -> None:
    context = chrome.context()
    page = context.page(site.origin() + site.show("hello"))
    page.run(
        "fetch('/form', {method: 'POST', body: 'é', headers: {'X-One': '1'}}).then((reply) => reply.text())"
    )
    until(lambda: context.requests("/form")[0].status)
    (request,) = context.requests("/form")
    assert (request.method, request.body, request.kind, request.headers["x-one"]) == (
        "POST",
        "é",
        "fetch",
        "1",
    )
    assert request.failure == ""


def test_the_network_goes_and_comes_back(chrome: Browser, site: Site) -> None:
    context = chrome.context()
    page = context.page(site.origin() + site.show("hello"))
    ask = "fetch('/none').then((reply) => reply.status, () => 'nothing')"
    context.offline()
    assert page.run(f"[navigator.onLine, await {ask}]".join(["(async () => ", ")()"])) == [False, "nothing"]
    context.offline(False)
    assert page.run(ask) == 204


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("/other.js", True),
        ("||tracker.example^", False),
        ("/pixel.js$image", True),
        ("/pixel.js$third-party", False),
        ("tracker*.js|", False),
    ],
)
def test_an_ad_blockers_rule_stops_what_it_says(chrome: Browser, site: Site, rule: str, passes: bool) -> None:
    context = chrome.context()
    context.block([rule_of(rule)])
    page = context.page(site.origin() + site.show("hello"))
    address = f"{site.origin('www.tracker.example')}/pixel.js"
    asked = page.run(f"fetch('{address}', {{mode: 'no-cors'}}).then(() => true, () => false)")
    assert asked is passes


def test_a_rule_for_third_parties_leaves_the_site_itself_alone(chrome: Browser, site: Site) -> None:
    context = chrome.context()
    context.block([rule_of("/pixel.js$third-party")])
    page = context.page(site.origin() + site.show("hello"))
    address = f"{site.origin('blog.shop.example')}/pixel.js"
    assert page.run(f"fetch('{address}', {{mode: 'no-cors'}}).then(() => true, () => false)")


def test_third_party_cookies_are_blocked_unless_a_profile_allows_them(
    chrome: Browser, site: Site, tmp_path: Path
) -> None:
    cookie = site.file("", b"x", "text/plain", Set_Cookie="there=1; SameSite=None; Secure; Max-Age=900")
    path = site.show(f"<img src='{site.origin('other.example')}{cookie}'>")
    private = chrome.context()
    private.page(site.origin() + path)
    open_to_all = chrome.profile(tmp_path, third_party_cookies=True)
    open_to_all.page(site.origin() + path)
    assert [len(context.cookies()) for context in (private, open_to_all)] == [0, 1]
    open_to_all.end()
    again = chrome.profile(tmp_path, third_party_cookies=True)
    assert [cookie["domain"] for cookie in again.cookies()] == ["other.example"]
    again.end()


def test_a_strict_policy_is_told_in_red(chrome: Browser, site: Site) -> None:
    path = site.show("<script>window.ran = true</script>", Content_Security_Policy="default-src 'none'")
    page = chrome.context().page(site.origin() + path)
    assert not page.run("window.ran")
    assert "Content Security Policy" in page.errors()[0]


def test_what_is_stored_can_be_read_and_survives_the_page(chrome: Browser, site: Site) -> None:
    path = site.show(
        "<script>document.cookie = 'a=1'; localStorage.b = 2; sessionStorage.c = 3; indexedDB.open('d')</script>"
    )
    context = chrome.context()
    context.set_cookie(site.origin(), "e", "5")
    page = context.page(site.origin() + path)
    page.reload()
    stored = page.storage()
    assert (stored["local"], stored["session"], stored["databases"]) == ({"b": "2"}, {"c": "3"}, ["d"])
    assert sorted(stored["cookies"].split("; ")) == ["a=1", "e=5"]
    context.forget_cookies()
    assert page.storage()["cookies"] == ""


def test_a_visitors_wishes_are_sent_and_seen(chrome: Browser, site: Site) -> None:
    context = chrome.context(wishes=[GPC, DNT])
    page = context.page(site.origin() + site.show("hello"))
    assert page.run("[navigator.globalPrivacyControl, navigator.doNotTrack]") == [True, "1"]
    headers = context.requests()[0].headers
    assert (headers["sec-gpc"], headers["dnt"]) == ("1", "1")


def test_long_tasks_and_shifts_are_noted(chrome: Browser, site: Site) -> None:
    path = site.show(
        # What was not painted cannot shift, and long tasks of a page's first moments are not always noted.
        "<p id=p>text<script>requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => {"
        "for (let end = performance.now() + 120; performance.now() < end;);"
        "p.before(Object.assign(document.createElement('div'), {style: 'height:200px'})) }, 100)))</script>"
    )
    page = chrome.context().page(site.origin() + path)
    until(lambda: page.performance()["layout-shift"] and page.performance()["longtask"])
    assert page.performance()["longtask"][0]["duration"] >= 100
    quiet = chrome.context().page(site.origin() + site.show("hello")).performance()
    assert quiet["layout-shift"] == []


def test_a_page_without_scripts_runs_none(chrome: Browser, site: Site) -> None:
    image = "/seen-without-scripts"
    context = chrome.context(javascript=False)
    context.page(
        site.origin()
        + site.show(f"<script>document.title = 'ran'</script><noscript><img src={image}></noscript>")
    )
    assert [request.kind for request in context.requests(image)] == ["image"]


def test_the_clock_stands_until_it_is_moved(chrome: Browser, site: Site) -> None:
    context = chrome.context()
    context.stop_clock()
    path = site.show("<script>setTimeout(() => { document.title = 'Later' }, 60_000)</script>")
    page = context.page(site.origin() + path)
    context.move_clock(59_000)
    assert page.run("document.title") == "Shop"
    context.move_clock(2_000)
    assert page.run("document.title") == "Later"


def test_tabs_that_a_page_opens_and_frames_can_be_driven(chrome: Browser, site: Site) -> None:
    inner = site.show("<button onclick=\"document.title = 'pressed'\">Press</button>")
    path = site.show(
        f"<a href={inner} target=_blank>more</a><iframe src='{site.origin('other.example')}{inner}'></iframe>"
    )
    context = chrome.context()
    page = context.page(site.origin() + path)
    page.click("a")
    until(lambda: len(context.tabs()) == 2)
    context.tabs()[1].click("button")
    page.click("button", frame="other.example")
    titles = [page.run("document.title", frame="other.example"), context.tabs()[1].run("document.title")]
    assert titles == ["pressed", "pressed"]


def test_what_is_passed_on_is_the_collectors(chrome: Browser, site: Site) -> None:
    with serving() as collector:
        path = collector.file(
            ".json", json.dumps({"here": True}).encode(), "application/json", Set_Cookie="own=1"
        )
        site.pass_on(path, collector.origin("127.0.0.1"))
        context = chrome.context()
        page = context.page(site.origin() + site.show("hello"))
        assert page.run(f"fetch('{path}').then((reply) => reply.json())") == {"here": True}
        assert [cookie["domain"] for cookie in context.cookies()] == ["www.shop.example"]
    assert page.run(f"fetch('{path}').then((reply) => reply.status)") == 502
