"""Avro in Confluent's wire format, and the registry that serves the schemas."""

import io
import json
from contextlib import nullcontext
from typing import Any

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import (
    DEFINITIONS,
    LEDGER_ENTRY,
    RESOLVED_EVENT,
    SCHEMAS,
    UnknownSchema,
    body_of,
    decode,
    encode_ledger_entry,
    encode_resolved_event,
    encoder,
    schema_id_of,
)
from schemas.registry import registry_reply

ENTRY = {
    "workspace": "main",
    "source": "dev",
    "stage": "resolve",
    "minute": 60_000,
    "outcome": "dead",
    "events": 3,
}


def test_a_record_comes_back_as_it_was() -> None:
    record = decode(encode_ledger_entry(ENTRY))
    assert record | {"minute": int(record["minute"].timestamp() * 1000)} == ENTRY


def test_the_header_is_a_zero_byte_and_the_schema_id() -> None:
    value = encode_ledger_entry(ENTRY)
    assert value[:5] == bytes([0, 0, 0, 0, LEDGER_ENTRY])
    assert schema_id_of(value) == LEDGER_ENTRY
    assert value[5:] == body_of(value)


def test_the_body_is_what_the_served_schema_writes() -> None:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(DEFINITIONS[LEDGER_ENTRY]), ENTRY)
    assert body_of(encode_ledger_entry(ENTRY)) == out.getvalue()


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """What a field of the resolved event can hold: numbers there are never negative."""
    if kind == "string":
        return st.text(max_size=80) | st.integers(60, 70_000).map("\u00e9".__mul__)
    if kind == "int":
        return st.integers(0, 2**31 - 1)
    if isinstance(kind, dict) and kind["type"] == "array":
        if isinstance(kind["items"], str):
            return st.lists(values_of(kind["items"]), max_size=3)
        fields = {field["name"]: values_of(field["type"]) for field in kind["items"]["fields"]}
        return st.lists(st.fixed_dictionaries(fields), max_size=3)
    return st.integers(0, 2**63 - 1) | st.integers(0, 2**15) | st.integers(0, 2**42)


RESOLVED_EVENTS = st.fixed_dictionaries(
    {field["name"]: values_of(field["type"]) for field in DEFINITIONS[RESOLVED_EVENT]["fields"]}
)


@given(RESOLVED_EVENTS)
def test_a_resolved_event_is_written_as_its_schema_says(record: dict[str, Any]) -> None:
    assert encode_resolved_event(record) == encoder(RESOLVED_EVENT)(record)


@given(st.binary(max_size=20))
def test_foreign_bytes_are_named_or_have_our_header(value: bytes) -> None:
    is_ours = len(value) >= 5 and value[0] == 0 and int.from_bytes(value[1:5], "big") in DEFINITIONS
    with nullcontext() if is_ours else pytest.raises(UnknownSchema):
        schema_id_of(value)


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: schema.file)
def test_a_schema_is_valid_and_every_field_of_a_served_one_is_the_same(schema) -> None:
    served = registry_reply(f"/schemas/ids/{schema.id}")
    assert served is not None
    assert json.loads(served[1]["schema"]) == DEFINITIONS[schema.id]
    assert fastavro.parse_schema(DEFINITIONS[schema.id])


def test_subjects_are_the_topics_with_their_prefix() -> None:
    assert registry_reply("/subjects", prefix="x.") == (
        200,
        [
            *("x.events.dead-value", "x.events.resolved-value", "x.identity.pointers-value"),
            *("x.ledger-value", "x.profile.changes-value"),
        ],
    )
    latest = registry_reply("/subjects/x.ledger-value/versions/latest", prefix="x.")
    assert latest is not None
    assert latest[1]["id"] == LEDGER_ENTRY
    assert registry_reply("/subjects/ledger-value/versions") == (200, [1])


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/schemas/ids/99", 40403),
        ("/schemas/ids/x", 40403),
        pytest.param("/schemas/ids/" + "1" * 5_000, 40403, id="more digits than int() takes"),
        ("/schemas/ids/\u0661", 40403),
        ("/subjects/no/versions/1", 40401),
        ("/subjects/ledger-value/versions/9", 40402),
    ],
)
def test_what_is_not_there_is_answered_as_a_registry_does(path: str, code: int) -> None:
    reply = registry_reply(path)
    assert reply is not None
    assert (reply[0], reply[1]["error_code"]) == (404, code)


def test_other_paths_are_not_the_registrys() -> None:
    assert registry_reply("/v1/track") is None
