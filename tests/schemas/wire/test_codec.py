"""Avro in Confluent's wire format, and the registry that serves the schemas."""

import io
import json
from collections.abc import Iterable
from contextlib import nullcontext
from decimal import Decimal
from typing import Any, get_args

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire.avro import Writer
from schemas.wire.codec import (
    DEFINITIONS,
    LEDGER_ENTRY,
    RESOLVED_EVENT,
    SCHEMAS,
    UnknownSchema,
    body_of,
    decode,
    encode_ledger_entry,
    schema_id_of,
)
from schemas.wire.registry import registry_reply
from schemas.wire.stamp_codec import put_stamps
from schemas.wire.stamps import MONEY_PRECISION, MONEY_SCALE, NO_STAMPS, Commerce, Stamps

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


NUMBERS = st.integers(0, 2**63 - 1) | st.integers(0, 2**15)
AMOUNTS = st.none() | st.integers(1 - 10**MONEY_PRECISION, 10**MONEY_PRECISION - 1).map(
    lambda micro: Decimal(micro).scaleb(-MONEY_SCALE)
)


def parts_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """What enrichment can say: the default as such, or anything."""
    return st.just(kind()) | st.builds(
        kind, **{field.name: stamp_of(field.type) for field in msgspec.structs.fields(kind)}
    )


def stamp_of(kind: Any) -> st.SearchStrategy[Any]:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return parts_of(kind)
    plain: dict[Any, st.SearchStrategy[Any]] = {str: st.text(max_size=80), int: NUMBERS, bool: st.booleans()}
    if kind in plain:
        return plain[kind]
    if kind == Decimal | None:
        return AMOUNTS
    return st.lists(stamp_of(get_args(kind)[0]), max_size=3).map(tuple)


STAMPS = st.just(NO_STAMPS) | st.builds(
    lambda stamps, offset: msgspec.structs.replace(stamps, clock_offset_ms=offset),
    parts_of(Stamps),
    st.integers(1 - 2**62, 2**62 - 1),
)


def schema_of(fields: Iterable[str]) -> Any:
    """Of a record of these fields of the resolved event."""
    parts = [field for field in DEFINITIONS[RESOLVED_EVENT]["fields"] if field["name"] in set(fields)]
    return fastavro.parse_schema(DEFINITIONS[RESOLVED_EVENT] | {"fields": parts})


def written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, schema, value)
    return out.getvalue()


STAMPED = schema_of({field.name for field in msgspec.structs.fields(Stamps)} - {"session_id"})


def encoded(stamps: Stamps) -> bytes:
    record = Writer()
    put_stamps(record, stamps)
    return record.written()


@given(STAMPS)
def test_stamps_are_written_as_their_schema_says(stamps: Stamps) -> None:
    assert encoded(stamps) == written(STAMPED, msgspec.to_builtins(stamps, builtin_types=(Decimal,)))


def test_a_stamped_amount_comes_back_as_the_same_decimal() -> None:
    commerce = Commerce(currency="EUR", revenue=Decimal("-12.34"), tax=Decimal(0))
    found = fastavro.schemaless_reader(io.BytesIO(encoded(Stamps(commerce=commerce))), STAMPED, STAMPED)
    assert isinstance(found, dict)
    assert found["commerce"] == msgspec.to_builtins(commerce, builtin_types=(Decimal,))


@given(NUMBERS | st.integers(0, 2**42) | st.integers(0, 63).map(lambda bits: 2**bits - 1))
def test_numbers_are_written_as_avro_says(value: int) -> None:
    record = Writer()
    record.number(value)
    record.integer(value)
    record.integer(-value)
    assert record.written() == 2 * written("long", value) + written("long", -value)


@given(st.text(max_size=80) | st.integers(0, 70_000).map("\u00e9".__mul__))
def test_texts_are_written_as_avro_says(value: str) -> None:
    record = Writer()
    record.text(value)
    record.sized(value.encode())
    record.sized(msgspec.Raw(value.encode()))
    record.raw(b"end")
    assert record.written() == 3 * written("string", value) + b"end"


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
            *("x.actions-value", "x.actions.deliveries-value"),
            *("x.carts-value", "x.catalogue-value", "x.contacts-value"),
            *("x.events.dead-value", "x.events.resolved-value", "x.identity.pointers-value"),
            *("x.ledger-value", "x.profile.changes-value", "x.segments.membership-value"),
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
