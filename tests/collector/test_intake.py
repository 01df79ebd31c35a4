"""One golden table of requests with what becomes of them, and what the table cannot say."""

import base64
import gzip
import itertools
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from collector.exchange import Intake, Request
from collector.intake import accept
from collector.limits import Limits
from schemas.events.reasons import Reason
from schemas.identity.identifiers import hash_email
from schemas.sources.sources import Source
from schemas.wire.codec import decode

NOW = 1_700_000_000_123
SHOP = Source(id="shop", workspace="main", write_key_hashes=[], unsigned_links=True)
LIMITS = Limits(event_bytes_max=2_000, body_bytes_max=20_000, batch_events_max=10, shared_bytes_max=5_000)
SUCCESS = b'{"success": true}'


def ids() -> Iterator[str]:
    return (f"made-{number}" for number in itertools.count())


def basic(key: str) -> str:
    return "Basic " + base64.b64encode(f"{key}:".encode()).decode()


def take(path: str, body: object, **more: str) -> Intake:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    fields: dict[str, Any] = {"method": "POST", "authorization": basic("good")} | more
    return accept(
        Request(path=path, body=raw, **fields), now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=LIMITS
    )


def nested(depth: int) -> bytes:
    return b'{"userId":"u","properties":{"a":' + b"[" * depth + b"]" * depth + b"}}"


A = {"anonymousId": "a1", "messageId": "m1"}
BIG = {**A, "properties": {"text": "x" * 3_000}}

ONE_EVENT = [
    # path, body -> type, message id, routing id
    ("/v1/identify", A, "identify", "m1", b"main|a:a1"),
    ("/v1/track", A, "track", "m1", b"main|a:a1"),
    ("/v1/page", A, "page", "m1", b"main|a:a1"),
    ("/v1/screen", A, "screen", "m1", b"main|a:a1"),
    ("/v1/group", A, "group", "m1", b"main|a:a1"),
    ("/v1/alias", A, "alias", "m1", b"main|a:a1"),
    ("/v1/i", A, "identify", "m1", b"main|a:a1"),
    ("/v1/t/", A, "track", "m1", b"main|a:a1"),
    ("/v1/track", {**A, "type": "identify"}, "identify", "m1", b"main|a:a1"),
    ("/v1/track", {"userId": 7.0, "messageId": "m"}, "track", "m", b"main|u:7"),
    ("/v1/track", {"userId": "u", "anonymousId": " a ", "messageId": 5}, "track", "5", b"main|a:a"),
    ("/v1/track", {"userId": "u", "anonymousId": None, "messageId": ""}, "track", "made-0", b"main|u:u"),
    ("/v1/track", {"anonymousId": ""}, "track", "made-0", b"main|m:made-0"),
    ("/v1/track", {"context": None, "messageId": "m"}, "track", "m", b"main|m:m"),
    ("/v1/track", {"traits": {"email": "A@b.cd"}, "messageId": "m"}, "track", "m", b"main|m:m"),
    ("/v1/track", {"unknown": {"x": [1]}, "anonymousId": "a", "messageId": "m"}, "track", "m", b"main|a:a"),
]


@pytest.mark.parametrize(("path", "body", "kind", "message_id", "routing"), ONE_EVENT)
def test_an_event_is_accepted_as_sent(path, body, kind, message_id, routing) -> None:
    intake = take(path, body)
    assert (intake.reply.status, intake.reply.body) == (200, SUCCESS)
    (event,) = intake.events
    assert (event.type, event.message_id, event.routing) == (kind, message_id, routing)
    assert event.payload == json.dumps(body).encode()
    assert (event.workspace, event.source, event.received_at, event.unsigned_links) == (
        "main",
        "shop",
        NOW,
        True,
    )
    assert not intake.letters


EMAIL = b"main|e:" + hash_email("a@b.cd").encode()
EXTERNAL = {"externalIds": [{"id": "1", "type": "crm"}]}


@pytest.mark.parametrize(
    ("path", "fields", "routing"),
    [
        ("/v1/identify", {"traits": {"email": " A@b.CD "}}, EMAIL),
        ("/v1/identify", {"context": {"traits": {"email": "a@b.cd"}}}, EMAIL),
        ("/v1/track", {"context": {"traits": {"email": "a@b.cd"}, **EXTERNAL}}, EMAIL),
        ("/v1/track", {"context": {"traits": {"email": "no address"}, **EXTERNAL}}, b"main|x:crm:1"),
        ("/v1/group", {"traits": {"email": "sales@b.cd"}}, b"main|m:made-0"),
        ("/v1/track", {"context": {"traits": ["email"]}}, b"main|m:made-0"),
        ("/v1/track", {"userId": "u", "context": {"traits": {"email": "a@b.cd"}}}, b"main|u:u"),
    ],
)
def test_the_first_present_identifier_routes(path, fields, routing) -> None:
    assert take(path, fields).events[0].routing == routing


REFUSED = [
    # path, body, other fields -> status, code, reasons of dead letters
    ("/v1/track", b"", {}, 400, "invalid_json", []),
    ("/v1/track", b"{", {}, 400, "invalid_json", ["invalid_json"]),
    ("/v1/track", b'{"event":"\xff","userId":"u"}', {}, 400, "invalid_json", ["invalid_json"]),
    ("/v1/track", b'{"properties":{"a":"\xff"},"userId":"u"}', {}, 400, "invalid_json", ["invalid_json"]),
    ("/v1/track", b"[]", {}, 400, "wrong_type", ["wrong_type"]),
    ("/v1/track", {"userId": {"id": 1}}, {}, 400, "wrong_type", ["wrong_type"]),
    ("/v1/track", {**A, "type": "purchase"}, {}, 400, "unknown_type", ["unknown_type"]),
    ("/v1/track", BIG, {}, 413, "event_too_large", ["event_too_large"]),
    ("/v1/batch", {"events": []}, {}, 400, "wrong_type", ["wrong_type"]),
    ("/v1/batch", {"batch": {}}, {}, 400, "wrong_type", ["wrong_type"]),
    ("/v1/batch", {"batch": [{}] * 11}, {}, 413, "batch_too_long", ["batch_too_long"]),
    (
        "/v1/batch",
        {"batch": [{}] * 9, "context": {"a": "x" * 900}},
        {},
        413,
        "body_too_large",
        ["body_too_large"],
    ),
    ("/v1/batch", b'{"batch":[],"context":{"a":"\xff"}}', {}, 400, "invalid_json", ["invalid_json"]),
    ("/v1/batch", b" " * 20_001, {}, 413, "body_too_large", []),
    ("/v1/track", b"x", {"content_encoding": "br"}, 400, "bad_encoding", ["bad_encoding"]),
    ("/v1/track", b"x", {"content_encoding": "gzip"}, 400, "bad_encoding", ["bad_encoding"]),
    ("/v1/track", gzip.compress(b"{}", mtime=0)[:-3], {}, 400, "bad_encoding", ["bad_encoding"]),
    ("/v1/track", gzip.compress(b"{}", mtime=0) * 2, {}, 400, "bad_encoding", ["bad_encoding"]),
    ("/v1/track", gzip.compress(b" " * 10_000_000, mtime=0), {}, 413, "body_too_large", []),
    ("/v1/track", A, {"authorization": ""}, 401, "no_write_key", []),
    ("/v1/track", b"", {"authorization": ""}, 401, "no_write_key", []),
    ("/v1/track", b"[]", {"authorization": ""}, 401, "no_write_key", []),
    ("/v1/track", {**A, "writeKey": ["good"]}, {"authorization": ""}, 401, "no_write_key", []),
    ("/v1/track", rb'{"writeKey":"\ud83d"}', {"authorization": ""}, 401, "unknown_write_key", []),
    ("/v1/track", A, {"authorization": "Digest x"}, 401, "no_write_key", []),
    ("/v1/track", A, {"authorization": basic("bad")}, 401, "unknown_write_key", []),
    ("/v1/track", {**A, "writeKey": "good"}, {"authorization": basic("bad")}, 401, "unknown_write_key", []),
    ("/v1/tracks", A, {}, 404, "not_found", []),
    ("/", A, {}, 404, "not_found", []),
    ("/v1/track", b"", {"method": "GET"}, 405, "method_not_allowed", []),
]


@pytest.mark.parametrize(("path", "body", "more", "status", "code", "letters"), REFUSED)
def test_a_refusal_says_why_and_keeps_what_was_read(path, body, more, status, code, letters) -> None:
    intake = take(path, body, **more)
    answer = json.loads(intake.reply.body)
    assert (intake.reply.status, answer["code"]) == (status, code)
    assert len(answer["message"]) > 20
    assert ("content-type", "application/json") in intake.reply.headers
    assert not intake.events
    assert [letter.reason.value for letter in intake.letters] == letters


def test_gzip_is_undone_with_and_without_its_header() -> None:
    body = gzip.compress(json.dumps(A).encode())
    for encoding in ("gzip", "GZIP", ""):
        assert take("/v1/track", body, content_encoding=encoding).events[0].payload == json.dumps(A).encode()


def test_a_batch_keeps_its_good_events_and_buries_the_bad_ones() -> None:
    events = [
        {**A, "type": "track"},
        7,
        {"type": "x", "messageId": "m2"},
        {**BIG, "type": "page"},
        {"type": "page"},
    ]
    intake = take("/v1/batch", {"batch": events})
    assert (intake.reply.status, intake.reply.body) == (200, SUCCESS)
    assert [event.type for event in intake.events] == ["track", "page"]
    letters = [decode(letter.value) for letter in intake.letters]
    assert [letter["reason"] for letter in letters] == ["wrong_type", "unknown_type", "event_too_large"]
    assert [letter["payload"] for letter in letters] == [json.dumps(event).encode() for event in events[1:4]]
    assert letters[0]["detail"].startswith("batch[1]: ")
    assert letters[1]["message_id"] == "m2"
    assert {letter["stage"] for letter in letters} == {"collector"}
    assert {letter["raw_partition"] for letter in letters} == {-1}


def test_a_batch_lends_its_context_to_events_that_have_none() -> None:
    own = {**A, "type": "track", "context": {"ip": "192.0.2.1"}}
    none = {"type": "track", "context": None}
    body = {
        "batch": [own, none],
        "context": {"traits": {"email": "a@b.cd"}},
        "sentAt": "2026-01-02T03:04:05Z",
    }
    first, second = take("/v1/import/", body).events
    assert (first.context, second.context) == (b"", b'{"traits": {"email": "a@b.cd"}}')
    assert second.routing == EMAIL
    assert first.sent_at == second.sent_at == "2026-01-02T03:04:05Z"


def test_a_shared_context_counts_as_part_of_each_event() -> None:
    intake = take(
        "/v1/batch",
        {"batch": [{"type": "track"}, {**A, "type": "page", "context": {}}], "context": {"a": "x" * 2_000}},
    )
    assert [event.type for event in intake.events] == ["page"]
    assert [letter.reason for letter in intake.letters] == [Reason.EVENT_TOO_LARGE]


def test_an_empty_batch_is_a_success_with_nothing_to_keep() -> None:
    intake = take("/v1/batch", {"batch": []})
    assert (intake.reply, intake.source) == (take("/v1/track", A).reply, SHOP)
    assert (intake.events, intake.letters, intake.dropped, intake.is_cookieless) == ([], [], {}, False)


def test_json_too_deep_to_read_is_refused_not_a_crash() -> None:
    limits = msgspec.structs.replace(LIMITS, event_bytes_max=1_000_000, body_bytes_max=1_000_000)
    signed = nested(100_000).replace(b"}}", b'},"writeKey":"good"}')
    for more in ({"authorization": basic("good"), "body": nested(100_000)}, {"body": signed}):
        request = Request(method="POST", path="/v1/track", **more)
        intake = accept(request, now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=limits)
        assert intake.reply.reason is Reason.INVALID_JSON


def test_half_a_character_does_not_cost_the_event() -> None:
    """Browsers cut titles in the middle of an emoji; no UTF-8 can hold the half that is left."""
    body = rb'{"anonymousId":"a","name":"cut \ud83d","properties":{"a":"\uD83D\uDE00 \\ud83d \uDE00"}}'
    (event,) = take("/v1/page", body).events
    assert (
        event.payload
        == rb'{"anonymousId":"a","name":"cut \ufffd","properties":{"a":"\uD83D\uDE00 \\ud83d \ufffd"}}'
    )


def test_half_a_character_does_not_cost_a_batch_or_its_shared_context() -> None:
    batch = rb'{"batch":[{"type":"page","name":"\ud83d"},{"type":7,"name":"\\ud83d"}],"context":{"title":"\udE00"}}'
    intake = take("/v1/batch", batch)
    (event,), (letter,) = intake.events, intake.letters
    assert (event.payload, event.context) == (rb'{"type":"page","name":"\ufffd"}', rb'{"title":"\ufffd"}')
    assert decode(letter.value)["payload"] == rb'{"type":7,"name":"\\ud83d"}'


def test_a_byte_order_mark_is_no_part_of_the_event() -> None:
    assert take("/v1/track", b'\xef\xbb\xbf{"anonymousId":"a"}').events[0].payload == b'{"anonymousId":"a"}'


def test_letters_that_fail_alike_share_a_fingerprint() -> None:
    letters = take("/v1/batch", {"batch": [1, "x", {"type": "zzz"}, 2]}).letters
    prints = [decode(letter.value)["fingerprint"] for letter in letters]
    assert prints[0] == prints[3]
    assert len(set(prints)) == 3


def test_no_refusal_quotes_what_the_client_sent() -> None:
    secret = "person.secret@example.com"
    for body in (
        {"userId": {"email": secret}},
        {"type": secret},
        {"messageId": [secret]},
        f'{{"userId":"{secret}'.encode(),
    ):
        assert secret.encode() not in take("/v1/track", body).reply.body
