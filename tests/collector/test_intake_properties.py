"""Any bytes give a reply, and no event of a batch is lost or doubled."""

import json

from hypothesis import given
from hypothesis import strategies as st

from collector.exchange import Request
from collector.intake import accept
from collector.paths import CALLS
from schemas.identity.identifiers import partition_of
from schemas.wire.codec import decode
from tests.collector.test_intake import LIMITS, NOW, SHOP, basic, ids

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
)
JSON = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
)
FIELDS = [
    "type",
    "messageId",
    "anonymousId",
    "userId",
    "traits",
    "context",
    "properties",
    "sentAt",
    "batch",
    "writeKey",
]
EVENTS = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
PATHS = st.sampled_from(sorted(CALLS)) | st.text()
BODIES = (
    st.binary()
    | EVENTS.map(json.dumps).map(str.encode)
    | st.lists(EVENTS).map(lambda batch: json.dumps({"batch": batch}).encode())
)
HALVES = st.text(st.characters(categories=["Cs", "L"]), max_size=8)  # json.dumps escapes halves of characters
SIGNED = st.tuples(EVENTS, HALVES, st.booleans()).map(
    lambda drawn: {
        **({"writeKey": "good"} if drawn[2] else {}),
        **drawn[0],
        "name": drawn[1],
        "batch": [{**drawn[0], "name": drawn[1]}],
        "writeKey": "good",
    }
)
KEYS = st.sampled_from(["", basic("good"), "Bearer good"]) | st.text()


@given(path=PATHS, body=BODIES, key=KEYS, query=st.text(), encoding=st.sampled_from(["", "gzip"]) | st.text())
def test_any_bytes_give_a_reply(path: str, body: bytes, key: str, query: str, encoding: str) -> None:
    request = Request(
        method="POST", path=path, query=query, authorization=key, content_encoding=encoding, body=body
    )
    intake = accept(request, now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=LIMITS)
    answer = json.loads(intake.reply.body)
    if intake.reply.status == 200:
        assert answer == {"success": True}
    else:
        assert intake.reply.status in {400, 401, 404, 413}
        assert answer["code"]
        assert answer["message"]
        assert not intake.events
    for event in intake.events:
        assert 0 <= partition_of(event.routing, 16) < 16
        assert event.message_id
        json.loads(event.payload)


@given(path=st.sampled_from(sorted(CALLS)), body=SIGNED, cut=st.integers(min_value=0, max_value=50))
def test_a_key_in_the_body_is_never_missing(path: str, body: dict[str, object], cut: int) -> None:
    """Halves of characters do not hide it; a body that is cut short is unreadable, not without a key."""
    whole = json.dumps(body).encode()
    request = Request(method="POST", path=path, body=whole[: max(1, len(whole) - cut)])
    intake = accept(request, now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=LIMITS)
    assert intake.reply.status in ({200, 400, 413} if not cut else {400})
    assert cut or intake.source is SHOP
    for event in intake.events:
        json.loads(event.payload)["name"].encode()


@given(st.lists(EVENTS | SCALARS, max_size=10))
def test_each_event_of_a_batch_is_kept_once(batch: list[object]) -> None:
    request = Request(
        method="POST",
        path="/v1/batch",
        authorization=basic("good"),
        body=json.dumps({"batch": batch}).encode(),
    )
    intake = accept(request, now=NOW, ids=ids(), sources={"good": SHOP}.get, limits=LIMITS)
    assert intake.reply.status == 200
    kept = [event.payload for event in intake.events] + [
        decode(letter.value)["payload"] for letter in intake.letters
    ]
    assert len(kept) == len(batch)
