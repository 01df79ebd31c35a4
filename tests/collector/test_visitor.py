"""Who a browser's visitor is: the cookie decides, except over what reset() has just chosen."""

import itertools
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.exchange import Intake, Request
from collector.intake import accept
from collector.introduction import introduce
from collector.limits import Limits
from collector.visitor import COOKIE_BYTES_MAX, CookieRules, Visit, cookie_of_sender, stamped, visit
from schemas.events.call import decode_call
from schemas.sources.sources import Source

SHOP = Source(id="shop", write_key_hashes=[])
LIMITS = Limits(event_bytes_max=2_000, body_bytes_max=20_000, batch_events_max=10, shared_bytes_max=5_000)
RULES = CookieRules(name="v", days=365, secure="auto")


def of_browser(cookies: str = "", scheme: str = "http", **rules: Any) -> Visit:
    return visit(cookies, scheme, msgspec.structs.replace(RULES, **rules))


def asked(body: object, visit: Visit | None) -> Intake:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = Request(method="POST", path="/v1/visitor", query="writeKey=good", body=raw, visit=visit)
    ids = (f"new-{number}" for number in itertools.count())
    return introduce(request, now=0, ids=ids, sources={"good": SHOP}.get, limits=LIMITS)


@pytest.mark.parametrize(
    ("cookies", "body", "answer"),
    [
        ("", {}, "new-0"),
        ("", b"", "new-0"),
        ("", {"anonymousId": "said"}, "said"),
        ("", {"anonymousId": 7.0}, "7"),
        ("v=kept", {"anonymousId": "said"}, "kept"),
        ("v=kept", {}, "kept"),
        ("v=kept", {"anonymousId": "said", "replace": True}, "said"),
        ("v=kept", {"anonymousId": "", "replace": True}, "kept"),
        ("v=", {"anonymousId": "said"}, "said"),
        ("xv=no; v=kept; v=second", {}, "kept"),
    ],
)
def test_the_cookie_decides_then_the_script_then_chance(cookies: str, body: object, answer: str) -> None:
    intake = asked(body, of_browser(cookies))
    assert intake.reply.status == 200
    assert json.loads(intake.reply.body) == {"success": True, "anonymousId": answer}
    ((_, cookie),) = [header for header in intake.reply.headers if header[0] == "set-cookie"]
    assert cookie == f"v={answer}; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"


def test_nobody_who_is_no_browser_gets_a_cookie() -> None:
    reply = asked({"anonymousId": "said"}, None).reply
    assert json.loads(reply.body)["anonymousId"] == "said"
    assert "set-cookie" not in dict(reply.headers)


@pytest.mark.parametrize(("body", "status"), [(b"{", 400), ({"replace": 1}, 400), (b"\xff", 400), ([], 400)])
def test_a_mistake_is_told_and_changes_no_cookie(body: object, status: int) -> None:
    reply = asked(body, of_browser()).reply
    assert reply.status == status
    assert "set-cookie" not in dict(reply.headers)


def test_who_has_no_write_key_is_told_no_visitor() -> None:
    request = Request(method="POST", path="/v1/visitor", body=b"{}", visit=of_browser("v=kept"))
    intake = introduce(request, now=0, ids=iter(()), sources={"good": SHOP}.get, limits=LIMITS)
    assert intake.reply.status == 401
    assert b"kept" not in intake.reply.body


@pytest.mark.parametrize(
    ("secure", "scheme", "expected"),
    [
        ("auto", "http", False),
        ("auto", "https", True),
        ("always", "http", True),
        ("never", "https", False),
    ],
)
def test_the_cookie_is_for_https_where_there_is_https(secure: str, scheme: str, expected: bool) -> None:
    ((_, cookie),) = of_browser(scheme=scheme, secure=secure).cookie("a")
    assert cookie.endswith("; Secure") is expected


@given(st.text(min_size=1, max_size=80))
def test_any_id_survives_its_cookie(anonymous_id: str) -> None:
    kept = anonymous_id.encode("utf-8", "replace").decode().strip()
    for _, header in of_browser().cookie(kept):
        assert header.isascii()
        assert header.count(";") == 4
        assert of_browser(header.partition(";")[0]).remembered == kept


@given(st.text(max_size=200))
def test_any_cookie_header_is_read(cookies: str) -> None:
    assert isinstance(of_browser(cookies).remembered, str)
    assert isinstance(of_browser("v=" + cookies).remembered, str)


def test_an_id_that_is_too_long_is_in_no_cookie() -> None:
    assert of_browser().cookie("a" * (COOKIE_BYTES_MAX + 1)) == []
    assert of_browser("v=" + "a" * (COOKIE_BYTES_MAX + 1)).remembered == ""


def test_without_a_name_there_are_no_cookies() -> None:
    assert of_browser(name="").cookie("a") == []
    assert of_browser("=a; b=c", name="").remembered == ""


def taken(path: str, body: object, visit: Visit | None) -> list[dict[str, Any]]:
    request = Request(
        method="POST", path=path, query="writeKey=good", body=json.dumps(body).encode(), visit=visit
    )
    intake = accept(request, now=0, ids=iter("abc"), sources={"good": SHOP}.get, limits=LIMITS)
    assert intake.reply.status == 200
    for event in intake.events:
        assert event.routing == f"main|a:{json.loads(event.payload)['anonymousId']}".encode()
    return [json.loads(event.payload) for event in intake.events]


def test_an_event_without_an_id_gets_the_cookies() -> None:
    assert taken("/v1/track", {"event": "x"}, of_browser("v=kept")) == [{"event": "x", "anonymousId": "kept"}]
    assert taken("/v1/track", {"anonymousId": None}, of_browser("v=kept")) == [{"anonymousId": "kept"}]
    assert taken("/v1/track", {"anonymousId": "own"}, of_browser("v=kept")) == [{"anonymousId": "own"}]


def test_a_batch_lends_its_id_where_there_is_no_cookie() -> None:
    body = {"anonymousId": "lent", "batch": [{"type": "page"}, {"type": "page", "anonymousId": "own"}]}
    for cookies, expected in (("", "lent"), ("v=kept", "kept")):
        events = taken("/v1/batch", body, of_browser(cookies))
        assert [event["anonymousId"] for event in events] == [expected, "own"]


def test_a_servers_event_is_left_as_it_is() -> None:
    request = Request(
        method="POST",
        path="/v1/batch",
        query="writeKey=good",
        body=b'{"anonymousId":"a","batch":[{"type":"page"}]}',
    )
    intake = accept(request, now=0, ids=iter("m"), sources={"good": SHOP}.get, limits=LIMITS)
    assert [(event.payload, event.routing) for event in intake.events] == [(b'{"type":"page"}', b"main|m:m")]


def test_the_first_event_of_a_browser_without_a_cookie_makes_it_one() -> None:
    payload = b'{"anonymousId":"a"}'
    assert cookie_of_sender(of_browser(), payload) == of_browser().cookie("a")
    assert cookie_of_sender(of_browser("v=kept"), payload) == []
    assert cookie_of_sender(of_browser(), b'{"userId":"u"}') == []


@given(
    st.dictionaries(st.sampled_from(["type", "anonymousId", "x"]), st.none() | st.just("")),
    st.text(min_size=1).filter(str.strip),
    st.sampled_from(["", " ", "\n"]),
)
def test_a_stamp_is_read_whatever_stood_there(call: dict[str, Any], anonymous_id: str, space: str) -> None:
    kept = anonymous_id.encode("utf-8", "replace").decode()
    payload = json.dumps(call).replace("}", space + "}" + space).encode()
    assert decode_call(stamped(payload, kept)).anonymous_id == kept
