"""An event whose client wants it in topics and not in our store: resolved as any other, counted as what it is."""

from typing import Any

import pytest

from schemas.events.withheld import is_withheld_record
from tests.processors.driver import packed
from tests.processors.resolver.test_resolve import ledger, of, resolve

CALL = {"type": "identify", "messageId": "m1", "userId": "ann", "traits": {"email": "ann@shop.example"}}


@pytest.mark.parametrize(
    ("integrations", "is_withheld"),
    [
        ({"ClickHouse": False}, True),
        ({"All": True, "ClickHouse": False}, True),
        ({"All": False}, False),
        ({"ClickHouse": True}, False),
        ({"ClickHouse": {"sampled": False}}, False),
        ({"Other": {"ClickHouse": False}}, False),
        ({"clickhouse": False}, False),
        ({}, False),
    ],
)
def test_only_our_store_named_itself_is_switched_off(integrations: dict[str, Any], is_withheld: bool) -> None:
    outputs = resolve(packed(CALL | {"integrations": integrations}))
    assert ledger(outputs) == {"accepted": 1, "withheld" if is_withheld else "resolved": 1}
    [record] = [out for out in outputs if out.topic == "events.resolved"]
    assert is_withheld_record(record.value or b"") is is_withheld
    assert "identity.facts" in {out.topic for out in outputs}, "who is who is learned from it all the same"


def test_it_is_found_however_its_name_was_written_and_comes_again_as_a_duplicate() -> None:
    written = b'{"type":"track","event":"Seen","messageId":"m1","userId":"ann","integrations":{ "Click\\u0048ouse" : false }}'
    state: dict[bytes, bytes] = {}
    event = packed({"type": "track"}, payload=written, message_id="m1")
    outputs = resolve(event, state=state)
    [record] = [out for out in outputs if out.topic == "events.resolved"]
    assert is_withheld_record(record.value or b"")
    assert ledger(resolve(event, state=state)) == {"accepted": 1, "duplicate": 1}


def test_a_text_that_looks_like_it_withholds_nothing() -> None:
    outputs = resolve(
        packed({"type": "track", "userId": "ann", "event": "x", "properties": {"ClickHouse": False}})
    )
    [record] = [out for out in outputs if out.topic == "events.resolved"]
    assert b'"ClickHouse"' in (record.value or b"")
    assert not is_withheld_record(record.value or b"")
    assert [found["event"] for found in of("events.resolved", outputs)] == ["x"]


def test_bytes_that_are_no_event_withhold_nothing() -> None:
    assert not is_withheld_record(b'"ClickHouse":false')
    assert not is_withheld_record(b'\0\0\0\0\x0c"ClickHouse":false')
