"""Avro in Confluent's wire format: a zero byte, the schema id in four bytes, the body.

Schema ids are fixed here and never reused: a changed record becomes a new file with a new id, and every old id stays
readable. `registry.py` serves them, so a stock Avro deserialiser needs no registry server.
"""

import io
import json
import struct
import sys
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import fastavro
import msgspec

MAGIC = 0
HEADER = struct.Struct(">BI")

Record = Mapping[str, Any]


class AvroSchema(msgspec.Struct, frozen=True):
    """`subject` is the Confluent subject's stem: topic values are registered as `<topic>-value`."""

    id: int
    subject: str
    version: int
    file: str


SCHEMAS = (
    AvroSchema(1, "resolved_event", 1, "resolved_event.avsc"),
    AvroSchema(2, "pointer", 1, "pointer.avsc"),
    AvroSchema(3, "dead_letter", 1, "dead_letter.avsc"),
    AvroSchema(4, "ledger_entry", 1, "ledger_entry.avsc"),
    AvroSchema(5, "resolved_event", 2, "resolved_event_2.avsc"),
    AvroSchema(6, "pointer", 2, "pointer_2.avsc"),
    AvroSchema(7, "profile_change", 1, "profile_change.avsc"),
    AvroSchema(8, "resolved_event", 3, "resolved_event_3.avsc"),
    AvroSchema(9, "cart", 1, "cart.avsc"),
    AvroSchema(10, "product", 1, "product.avsc"),
    AvroSchema(11, "membership", 1, "membership.avsc"),
    AvroSchema(12, "resolved_event", 4, "resolved_event_4.avsc"),
    AvroSchema(13, "firing", 1, "firing.avsc"),
    AvroSchema(14, "delivery", 1, "delivery.avsc"),
    AvroSchema(15, "contact", 1, "contact.avsc"),
    AvroSchema(16, "firing", 2, "firing_2.avsc"),
)

_NEWEST = {schema.subject: schema.id for schema in SCHEMAS}  # what is written; readers meet the others too
RESOLVED_EVENT, POINTER = _NEWEST["resolved_event"], _NEWEST["pointer"]
DEAD_LETTER, LEDGER_ENTRY = _NEWEST["dead_letter"], _NEWEST["ledger_entry"]
PROFILE_CHANGE = _NEWEST["profile_change"]
CART, PRODUCT = _NEWEST["cart"], _NEWEST["product"]
MEMBERSHIP = _NEWEST["membership"]
FIRING, DELIVERY, CONTACT = _NEWEST["firing"], _NEWEST["delivery"], _NEWEST["contact"]


class UnknownSchema(ValueError):
    """Bytes that are not in Confluent's wire format, or whose schema id this release does not know."""


def _read(schema: AvroSchema) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(files("schemas").joinpath("avsc", schema.file).read_text())
    return loaded


DEFINITIONS = {schema.id: _read(schema) for schema in SCHEMAS}
_PARSED = {number: fastavro.parse_schema(definition) for number, definition in DEFINITIONS.items()}
_READ_AS = {schema.id: _PARSED[_NEWEST[schema.subject]] for schema in SCHEMAS}


def _bare(part: Any) -> Any:
    """A schema that writes the same bytes sooner: fastavro looks at a logical type for each value, and finds a field the
    faster when its name is the very string that the record's literal key is."""
    if isinstance(part, dict):
        if "logicalType" in part:
            return _bare(part["type"])
        return {key: _bare(value) for key, value in part.items() if key != "doc"}
    if isinstance(part, list):
        return [_bare(item) for item in part]
    return sys.intern(part) if isinstance(part, str) else part


def header(schema_id: int) -> bytes:
    """What stands before the body."""
    return HEADER.pack(MAGIC, schema_id)


def encoder(schema_id: int) -> Callable[[Record], bytes]:
    """A function from a record (a mapping with the schema's field names) to wire bytes. Times are ms since the epoch."""
    parsed = fastavro.parse_schema(_bare(DEFINITIONS[schema_id]))
    start = header(schema_id)
    write = fastavro.schemaless_writer

    def encode(record: Record) -> bytes:
        out = io.BytesIO()
        out.write(start)
        write(out, parsed, record)
        return out.getvalue()

    return encode


# A resolved event is written by processors/resolver/resolved.py, in less than half the time.
encode_pointer = encoder(POINTER)
encode_profile_change = encoder(PROFILE_CHANGE)
encode_dead_letter = encoder(DEAD_LETTER)
encode_ledger_entry = encoder(LEDGER_ENTRY)
encode_cart = encoder(CART)
encode_product = encoder(PRODUCT)
encode_membership = encoder(MEMBERSHIP)
encode_firing = encoder(FIRING)
encode_delivery = encoder(DELIVERY)
encode_contact = encoder(CONTACT)


def schema_id_of(value: bytes) -> int:
    """The id in the header. Raises UnknownSchema."""
    if len(value) < HEADER.size:
        raise UnknownSchema(
            f"{len(value)} bytes are too short for the five-byte header of Confluent's wire format"
        )
    magic, schema_id = HEADER.unpack_from(value)
    if magic != MAGIC or schema_id not in DEFINITIONS:
        raise UnknownSchema(f"magic byte {magic}, schema id {schema_id}: not one of {sorted(DEFINITIONS)}")
    return int(schema_id)


def body_of(value: bytes) -> bytes:
    """The Avro body without the header."""
    return value[HEADER.size :]


def decode(value: bytes) -> dict[str, Any]:
    """One record in the shape of its schema's newest version, whichever it was written with. Raises UnknownSchema."""
    schema_id = schema_id_of(value)
    record = fastavro.schemaless_reader(io.BytesIO(body_of(value)), _PARSED[schema_id], _READ_AS[schema_id])
    assert isinstance(record, dict)
    return record
