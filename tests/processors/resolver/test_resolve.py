"""The resolver step: what comes out of a chunk, and that nothing that comes in can stop it."""

import json
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.resolver.resolve import RECORD_BYTES_MAX, Resolver
from schemas.events.dead_letter import PAYLOAD_BYTES_MAX
from schemas.events.pack import Pack, PackedEvent, encode_pack
from schemas.events.reasons import Reason
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Erase, Forget, Suppress, Unlink
from schemas.stream import InputRecord, OutputRecord
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY, RECEIVED, ms, packed

MINUTE = 60_000


def resolver(partitions: int = 4) -> Resolver:
    limits: dict[str, Any] = {"duplicate_window_days": 7, "duplicate_ids_per_key_max": 1_000}
    return Resolver(hash_key=HASH_KEY, partitions=partitions, **limits)


def run(*values: bytes | None, state: dict[bytes, bytes] | None = None) -> list[OutputRecord]:
    records = [InputRecord(10 + number, RECEIVED, None, value) for number, value in enumerate(values)]
    return resolver()(2, records, {} if state is None else state)


def resolve(*events: PackedEvent, state: dict[bytes, bytes] | None = None) -> list[OutputRecord]:
    return run(encode_pack(list(events)), state=state)


def of(topic: str, outputs: list[OutputRecord]) -> list[dict[str, Any]]:
    return [decode(out.value) for out in outputs if out.topic == topic]


def ledger(outputs: list[OutputRecord]) -> Counter[str]:
    found: Counter[str] = Counter()
    for entry in of("ledger", outputs):
        found[entry["outcome"]] += entry["events"]
    return found


CALL = {"type": "identify", "messageId": "m1", "userId": "ann", "traits": {"email": "ann@x.io"}}

TOO_LARGE = '{"anonymousId": "d1", "properties": {"a": "' + "x" * (RECORD_BYTES_MAX // 2) + '"}}'

REFUSALS = [
    ("not JSON", Reason.INVALID_JSON, {"payload": b"{nothing"}),
    ("not UTF-8", Reason.INVALID_JSON, {"payload": b'{"anonymousId": "d1", "properties": {"a": "\xff"}}'}),
    (
        "half a character",
        Reason.INVALID_JSON,
        {"payload": b'{"anonymousId": "d1", "properties": {"a": "\\udc00"}}'},
    ),
    (
        "nested without end",
        Reason.INVALID_JSON,
        {"payload": b'{"properties": ' + b"[" * 9999 + b"]" * 9999 + b"}"},
    ),
    ("a shared context that is not JSON", Reason.INVALID_JSON, {"context": b"{"}),
    (
        "a number that no column holds",
        Reason.WRONG_TYPE,
        {"payload": b'{"anonymousId": "d1", "properties": {"a": 1e999}}'},
    ),
    ("no object", Reason.WRONG_TYPE, {"payload": b"[]"}),
    ("an id that is an object", Reason.WRONG_TYPE, {"payload": b'{"userId": {"id": 1}}'}),
    ("no such type", Reason.UNKNOWN_TYPE, {"type": "purchase"}),
    ("no identifier", Reason.NO_IDENTIFIER, {"payload": b'{"event": "x"}'}),
    ("too large for a record", Reason.EVENT_TOO_LARGE, {"payload": TOO_LARGE.encode()}),
]


@pytest.mark.parametrize(("sentence", "reason", "fields"), REFUSALS, ids=[line[0] for line in REFUSALS])
def test_an_event_that_cannot_be_used_is_kept_as_a_dead_letter(sentence, reason, fields):
    event = packed({"type": "track", "anonymousId": "d1", "messageId": "m1"}, **fields)
    outputs = resolve(packed({"type": "track", "anonymousId": "d1", "messageId": "good"}), event)
    (letter,) = of("events.dead", outputs)
    assert letter.pop("received_at").timestamp() * 1000 == RECEIVED
    assert letter.pop("detail")
    assert letter.pop("fingerprint")
    assert letter == {
        "workspace": "main",
        "source": "shop",
        "stage": "resolve",
        "reason": reason,
        "message_id": "m1",
        "payload": event.payload,
        "raw_partition": 2,
        "raw_offset": 10,
        "raw_index": 1,
    }
    assert ledger(outputs) == {"accepted": 2, "resolved": 1, "dead": 1}


def test_a_pack_that_cannot_be_read_is_kept_whole():
    later = msgspec.msgpack.encode(Pack(99, []))
    outputs = run(b"\xc1", later, None)
    letters = of("events.dead", outputs)
    assert [(letter["reason"], letter["payload"]) for letter in letters] == [
        ("unreadable_pack", value) for value in (b"\xc1", later, b"")
    ]
    assert [letter["raw_offset"] for letter in letters] == [10, 11, 12]
    assert ledger(outputs) == {"accepted": 3, "dead": 3}


def test_a_payload_that_kafka_would_refuse_is_cut_and_says_so():
    (letter,) = of("events.dead", run(b"x" * (PAYLOAD_BYTES_MAX + 5)))
    assert len(letter["payload"]) == PAYLOAD_BYTES_MAX
    assert str(PAYLOAD_BYTES_MAX + 5) in letter["detail"]


def test_a_retry_is_counted_and_not_emitted_in_the_same_chunk_or_a_later_one():
    state: dict[bytes, bytes] = {}
    event = packed({"type": "track", "anonymousId": "d1", "messageId": "m1"})
    outputs = resolve(event, event, state=state)
    assert ledger(outputs) == {"accepted": 2, "resolved": 1, "duplicate": 1}
    outputs = resolve(event, state=state)
    assert of("events.resolved", outputs) == []
    assert ledger(outputs) == {"accepted": 1, "duplicate": 1}


def test_a_repaired_dead_letter_passes_under_its_own_message_id():
    state: dict[bytes, bytes] = {}
    resolve(packed({"type": "track", "anonymousId": "d1", "messageId": "m1"}, payload=b"{"), state=state)
    repaired = resolve(packed({"type": "track", "anonymousId": "d1", "messageId": "m1"}), state=state)
    assert len(of("events.resolved", repaired)) == 1


def test_an_event_without_a_message_id_is_named_by_its_place():
    (event,) = of("events.resolved", resolve(packed({"type": "track", "anonymousId": "d1"})))
    assert event["message_id"] == "raw-2-10-0"


def test_ledger_entries_are_per_source_and_minute():
    events = [
        packed(
            {"type": "track", "anonymousId": "d1", "messageId": f"m{n}"},
            source=source,
            received_at=received_at,
        )
        for n, (source, received_at) in enumerate([("a", 0), ("a", MINUTE - 1), ("a", MINUTE), ("b", 0)])
    ]
    entries = of("ledger", resolve(*events))
    lines = [
        (entry["source"], ms(entry["minute"]), entry["events"])
        for entry in entries
        if entry["outcome"] == "resolved"
    ]
    assert sorted(lines) == [("a", 0, 2), ("a", MINUTE, 1), ("b", 0, 1)]


def test_the_same_chunk_on_the_same_state_gives_the_same_records_and_state():
    events = [packed(CALL | {"messageId": f"m{n}", "anonymousId": f"d{n % 3}"}) for n in range(9)]
    one: dict[bytes, bytes] = {}
    two: dict[bytes, bytes] = {}
    assert resolve(*events, state=one) == resolve(*events, state=two)
    assert one == two


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ids = st.sampled_from(["d1", "0", 7, None]) | json_values
emails = st.fixed_dictionaries({}, optional={"email": st.sampled_from(["a@x.io", "x"]) | json_values})
urls = (
    st.sampled_from(["http://[?em=a@x.io", "?contact_id=%00%ff&eh=1", "https://x.io/?email=%F0%9F@x.io"])
    | json_values
)
external_ids = st.lists(
    st.fixed_dictionaries({}, optional={"id": ids, "type": ids, "collection": json_values}), max_size=3
)
contexts = st.fixed_dictionaries(
    {},
    optional={
        "traits": emails | json_values,
        "page": st.fixed_dictionaries({"url": urls}) | json_values,
        "externalIds": external_ids,
    },
)
calls = st.fixed_dictionaries(
    {},
    optional={
        "userId": ids,
        "anonymousId": ids,
        "previousId": ids,
        "event": st.sampled_from(["logout"]) | json_values,
        "timestamp": json_values,
        "sentAt": json_values,
        "traits": emails | json_values,
        "properties": json_values,
        "context": contexts | json_values,
    },
)
payloads = (
    st.binary(max_size=50)
    | calls.map(lambda call: json.dumps(call).encode())
    | json_values.map(lambda v: json.dumps(v).encode())
)
anything = st.builds(
    PackedEvent,
    workspace=st.text(max_size=5),
    source=st.text(max_size=5),
    routing=st.binary(max_size=5),
    type=st.sampled_from(["identify", "track", "page", "alias", "group", "screen"]) | st.text(max_size=5),
    message_id=st.text(max_size=5),
    received_at=st.integers(-(2**63), 2**64 - 1),
    sent_at=st.text(max_size=30),
    context=st.binary(max_size=5) | contexts.map(lambda context: json.dumps(context).encode()),
    payload=payloads,
    unsigned_links=st.booleans(),
)


def ids_of(*keys: bytes) -> st.SearchStrategy[int]:
    return st.sampled_from([node_id(key, HASH_KEY) for key in keys]) | st.integers(-2, 2**63 - 1)


known_ids = ids_of(b"|a:d1", b"|a:7", b"|u:d1")
moments = st.integers(-2, 2**63 - 1)
orders = (
    st.builds(Unlink, known_ids, known_ids)
    | st.builds(Forget, known_ids, moments, known_ids)
    | st.builds(Erase, known_ids, moments, moments)
    | st.builds(Suppress, known_ids)
)
packs = st.builds(encode_pack, st.lists(anything, max_size=4), st.lists(orders, max_size=2))


@given(st.lists(st.binary(max_size=60) | packs, max_size=4))
def test_any_bytes_become_records_that_kafka_takes_and_every_event_is_accounted_for(values):
    outputs = run(*values)
    for out in outputs:
        assert 0 <= out.partition < 4
        assert len(out.value) < 1_000_000
    counts = ledger(outputs)
    ways = ("resolved", "duplicate", "dead", "forgotten")
    assert counts["accepted"] == sum(counts[way] for way in ways)
    assert counts["resolved"] == len(of("events.resolved", outputs))
    assert counts["dead"] == len(of("events.dead", outputs))
