"""A resolved event read by hand says what Avro's own reader says, whichever version it was written with."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.resolved_peek import UnreadableEvent, begins_visit, peek, texts_of
from processors.rules.resolved_reader import empty_record, record_of
from processors.rules.rule_events import encoded_event
from schemas.events.rule_event import decode_rule_event
from schemas.segments.segment_windows import EPOCH
from schemas.wire.codec import SCHEMAS, UnknownSchema, decode, encoder
from tests.processors.rule_records import resolved
from tests.sinks.stage import event_record

VERSIONS = [schema.id for schema in SCHEMAS if schema.subject == "resolved_event"]
NOT_READ = ("envelope", "identifiers", "claimed", "visitor", "clock_offset_ms")
TIMES = ("timestamp", "received_at", "sent_at", "original_timestamp")
SAID: dict[str, Any] = {
    "touch": {"channel": "email", "campaign": "ü" * 70},
    "visit": {
        "number": 3,
        "started_at": 1_700_000_000_123,
        "touch": {"channel": "direct"},
        "first_touch_at": 5,
    },
    "device": {"os": "macOS", "is_bot": True},
    "place": {"country": "DE"},
    "commerce": {"order_id": "o1", "revenue": Decimal("-12.345678"), "tax": Decimal(0)},
    "items": [{"sku": "a", "price": Decimal("9.99"), "position": 2}, {}],
    "consent": {"state": "granted", "categories": ("ads", "mail"), "signals": ("gpc",)},
    "bot": {"score": 80, "reasons": ("agent",)},
}


def _expected(value: bytes) -> dict[str, Any]:
    found = {name: each for name, each in decode(value).items() if name not in NOT_READ}
    found |= {name: _ms(found[name]) for name in TIMES}
    visit = found["visit"]
    return found | {"visit": visit | {name: _ms(visit[name]) for name in ("started_at", "first_touch_at")}}


def _ms(moment: datetime | int) -> int:
    """A default is a number."""
    return moment if isinstance(moment, int) else (moment - EPOCH) // timedelta(milliseconds=1)


def _read(value: bytes) -> dict[str, Any]:
    return {name: each for name, each in record_of(value).items() if name not in NOT_READ}


@pytest.mark.parametrize("said", [{}, SAID, *({name: part} for name, part in SAID.items())])
def test_a_new_event_is_read_as_avro_reads_it(said: dict[str, Any]) -> None:
    value = resolved(300, **said)
    assert _read(value) == _expected(value)


@given(
    texts=st.lists(st.text(max_size=150), min_size=4, max_size=4),
    numbers=st.lists(st.integers(0, (1 << 63) - 1), min_size=2, max_size=2),
    time=st.integers(0, 7_258_118_400_000),
)
@settings(max_examples=60, deadline=None)
def test_texts_and_numbers_of_any_length_are_read(texts: list[str], numbers: list[int], time: int) -> None:
    event, user, group, session = texts
    value = resolved(
        1,
        event=event,
        user_id=user,
        group_id=group,
        session_id=session,
        subject=numbers[0],
        raw_offset=numbers[1],
        timestamp=time,
    )
    assert _read(value) == _expected(value)
    key, _ = peek(value)
    assert texts_of(key) == ("main", "track", event, "")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_is_peeked_and_read(version: int) -> None:
    record = event_record(5) | {"event": "Signed Up", "session_id": f"ff-{1_700_000_005_000:x}"}
    value = encoder(version)(record)
    key, at = peek(value)
    assert texts_of(key) == ("main", "track", "Signed Up", "")
    assert begins_visit(value, at)
    assert _read(value) == _expected(value)
    assert decode_rule_event(encoded_event(record_of(value))).properties == {"number": 5, "plan": "pro"}


@pytest.mark.parametrize(
    ("session", "begins"),
    [(f"ff-{1_700_000_001_000:x}", True), (f"ff-{1_700_000_000_999:x}", False), ("", False)],
)
def test_an_event_begins_a_visit_whose_id_has_its_millisecond(session: str, begins: bool) -> None:
    value = resolved(1, session_id=session)
    assert begins_visit(value, peek(value)[1]) is begins


@given(cut=st.integers(0, 400), byte=st.integers(0, 255))
@settings(max_examples=150, deadline=None)
def test_broken_bytes_are_a_named_error_or_an_event(cut: int, byte: int) -> None:
    whole = resolved(1, **SAID)
    for value in (whole[:cut], whole[:cut] + bytes([byte]) + whole[cut + 1 :]):
        try:
            key, at = peek(value)
            texts_of(key)
            begins_visit(value, at)
            record_of(value)
        except (UnreadableEvent, UnknownSchema):
            continue


def test_what_is_no_event_says_nothing() -> None:
    there = {name for name in record_of(resolved(1)) if not name.startswith("raw_")}
    assert there - {"meaning"} == set(empty_record())
    assert decode_rule_event(encoded_event(empty_record())).properties == {}


def test_what_enrichment_did_not_say_is_left_out_and_nought_is_an_amount() -> None:
    told = decode_rule_event(encoded_event(record_of(resolved(1, **SAID))))
    assert told.commerce == {"order_id": "o1", "revenue": -12.345678, "tax": 0}
    assert told.items == [{"sku": "a", "price": 9.99, "position": 2}, {}]
    assert told.visit == {
        "number": 3,
        "started_at": "2023-11-14T22:13:20.123Z",
        "touch": {"channel": "direct"},
        "first_touch_at": "1970-01-01T00:00:00.005Z",
    }
    assert (told.place, told.bot) == ({"country": "DE"}, {"score": 80, "reasons": ["agent"]})
