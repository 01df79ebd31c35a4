"""Which keys may be used when, and by whom; what is kept of pages that a source does not know, and over its quota."""

import base64
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.admission import whole
from collector.exchange import Intake, Request
from collector.image import GIF, accept_image
from collector.intake import accept
from collector.introduction import introduce
from collector.quota import within_quota
from collector.visitor import CookieRules, Visit
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from schemas.sources.quotas import QuotaStop
from schemas.wire.codec import decode
from tests.collector.test_intake import LIMITS, ids

END = 1_798_761_600_000  # 2027-01-01T00:00:00Z
NOW = END - 1
PAGE = "https://shop.example"


def state(**more: Any) -> ControlState:
    shop = {
        "id": "shop",
        "write_keys": ["new", {"key": "old", "until": "2026-12-31"}],
        "secret_keys": ["secret", {"key": "old secret", "until": "2026-12-31"}],
        "allowed_origins": [PAGE, "https://*.shop.example"],
    }
    return ControlState(dict(parse_file({"sources": [shop | more]})))


SHOP = state()


def take(read: Any, request: Request, now: int = NOW, configuration: ControlState = SHOP) -> Intake:
    found = read(request, now=now, ids=ids(), sources=configuration.source_of, limits=LIMITS)
    assert isinstance(found, Intake)
    return found


def track(key: str, origin: str = "", now: int = NOW, **call: Any) -> Intake:
    body = json.dumps({"writeKey": key, "userId": "u", "messageId": "m"} | call).encode()
    return take(accept, Request(method="POST", path="/v1/track", body=body, origin=origin), now)


def said(intake: Intake) -> tuple[int, str]:
    return intake.reply.status, str(intake.reply.reason or "")


@pytest.mark.parametrize(
    ("key", "origin", "now", "status", "reason"),
    [
        ("new", PAGE, NOW, 200, ""),
        ("new", PAGE, END, 200, ""),
        ("old", PAGE, NOW, 200, ""),
        ("old", PAGE, END, 401, "write_key_ended"),
        ("old", "", END + 10**12, 401, "write_key_ended"),
        ("secret", "", END, 200, ""),
        ("secret", PAGE, NOW, 403, "key_for_servers"),
        ("secret", "null", NOW, 403, "key_for_servers"),
        ("old secret", "", NOW, 200, ""),
        ("old secret", "", END, 401, "write_key_ended"),
        ("old secret", PAGE, END, 401, "write_key_ended"),
        ("nobody's", PAGE, NOW, 401, "unknown_write_key"),
    ],
)
def test_a_key_counts_for_its_time_and_for_whom_it_is_meant(
    key: str, origin: str, now: int, status: int, reason: str
) -> None:
    intake = track(key, origin, now)
    assert said(intake) == (status, reason)
    assert len(intake.events) == (status == 200)
    assert not intake.letters, "what a wrong key says belongs to nobody"


def test_who_sends_an_old_key_is_told_until_when_it_counted() -> None:
    assert b"counted until 2026-12-31" in track("old", now=END).reply.body


def test_a_server_s_key_is_refused_in_an_image_s_address() -> None:
    data = base64.b64encode(b'{"writeKey":"secret","userId":"u"}').decode()
    intake = take(accept_image, Request(method="GET", path="/v1/pixel/track", query=f"data={data}"))
    assert (said(intake), intake.reply.body, intake.events) == ((403, "key_for_servers"), GIF, [])


def test_a_foreign_page_s_events_are_refused_and_kept() -> None:
    intake = track("new", "https://other.example", event="Seen")
    assert (said(intake), intake.events) == ((403, "origin_not_allowed"), [])
    (letter,) = intake.letters
    found = decode(letter.value)
    assert (found["reason"], found["message_id"], found["source"]) == ("origin_not_allowed", "m", "shop")
    assert json.loads(found["payload"]) == {
        "writeKey": "new",
        "userId": "u",
        "messageId": "m",
        "event": "Seen",
        "type": "track",
    }


def test_a_server_names_no_origin_and_is_let_in() -> None:
    assert said(track("new")) == (200, "")


@pytest.mark.parametrize(
    ("origin", "kept"), [("", 1), ("https://www.shop.example", 1), ("https://other.example", 0)]
)
def test_an_image_on_a_foreign_page_is_kept_aside_and_shown(origin: str, kept: int) -> None:
    data = base64.b64encode(b'{"writeKey":"new","userId":"u"}').decode()
    request = Request(method="GET", path="/v1/pixel/track", query=f"data={data}", origin=origin)
    intake = take(accept_image, request)
    assert (intake.reply.status, intake.reply.body) == (200, GIF)
    assert (len(intake.events), len(intake.letters)) == (kept, 1 - kept)


def test_a_foreign_page_gets_no_cookie() -> None:
    rules = CookieRules(name="id", days=1, secure="never", optout_name="")
    body = b'{"writeKey":"new","anonymousId":"a"}'
    asks = Request(
        method="POST", path="/v1/visitor", body=body, visit=Visit(rules=rules), origin="https://other.example"
    )
    intake = take(introduce, asks)
    assert said(intake) == (403, "origin_not_allowed")
    assert "set-cookie" not in dict(intake.reply.headers)
    own = take(introduce, asks.but(origin=PAGE))
    assert "set-cookie" in dict(own.reply.headers)


def test_what_is_kept_of_a_batch_can_be_sent_again_event_by_event() -> None:
    events: list[dict[str, Any]] = [
        {"type": "page"},
        {"type": "track", "context": {"own": 1}, "messageId": "m2"},
        {"type": "no such"},
    ]
    body = json.dumps(
        {"writeKey": "new", "batch": events, "context": {"shared": 1}, "sentAt": "2026-01-01T00:00:00Z"}
    ).encode()
    intake = take(accept, Request(method="POST", path="/v1/batch", body=body, origin="https://other.example"))
    letters = [decode(letter.value) for letter in intake.letters]
    assert sorted(letter["reason"] for letter in letters) == ["origin_not_allowed"] * 2 + ["unknown_type"]
    kept = [json.loads(each["payload"]) for each in letters if each["reason"] == "origin_not_allowed"]
    assert kept[0] == {
        "type": "page",
        "messageId": letters[1]["message_id"],
        "sentAt": "2026-01-01T00:00:00Z",
        "context": {"shared": 1},
    }
    events[1]["sentAt"] = "2026-01-01T00:00:00Z"
    assert kept[1] == events[1]


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["userId", "event", "type", "messageId"]), st.sampled_from(["track", "x"])
    ),
    st.sampled_from(["{}", '{"shared":1}', ""]),
)
def test_an_event_made_whole_is_read_as_the_same_event(call: dict[str, str], shared: str) -> None:
    call["type"] = "track"
    batch = (
        '{"writeKey":"new","batch":['
        + json.dumps(call)
        + "]"
        + (f',"context":{shared}' if shared else "")
        + "}"
    )
    (event,) = take(accept, Request(method="POST", path="/v1/batch", body=batch.encode())).events
    again = b'{"writeKey":"new","batch":[' + whole(event) + b"]}"
    (second,) = take(accept, Request(method="POST", path="/v1/batch", body=again)).events
    assert (second.type, second.message_id, second.routing) == (event.type, event.message_id, event.routing)
    context = json.loads(whole(event)).get("context", {})
    assert context == (json.loads(shared) if shared else {})


def test_over_its_quota_a_source_is_answered_as_ever_and_its_events_wait() -> None:
    limited = state(quota={"events_per_day_max": 10})
    stop = QuotaStop(source="shop", period="day", events_max=10, until=END)
    stopped = limited.updated([(stop.key, msgspec.json.encode(stop))])
    intake = track("new", PAGE)
    intake = intake.but(source=limited.source("shop"))
    assert within_quota(intake, limited, NOW) is intake
    aside = within_quota(intake, stopped, NOW)
    assert (aside.reply, aside.events) == (intake.reply, [])
    (letter,) = aside.letters
    assert decode(letter.value)["reason"] == "quota_exceeded"
    assert b"10 events of this day" in decode(letter.value)["detail"].encode()
    assert within_quota(intake, stopped, END) is intake, "the next day has begun"
    assert within_quota(Intake(intake.reply), stopped, NOW).events == []
