"""Every version of every Avro schema: kept as it was published, and read for ever."""

import hashlib
import io
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import fastavro
import msgspec
import pytest

from schemas.wire.codec import (
    DEFINITIONS,
    HEADER,
    MAGIC,
    POINTER,
    RESOLVED_EVENT,
    SCHEMAS,
    AvroSchema,
    decode,
)
from schemas.wire.registry import registry_reply
from schemas.wire.stamps import Stamps

# What a published file says to a machine is never edited: a change is a new file with a new id, and a new line here. Docs may be.
PUBLISHED = {
    1: "e52f306a0535c5ab32dc5f891c0bb7f4496eb9149822258af03586d50f1ea959",
    2: "99e57cab5d7f4dba26497f1edc3efa021ecd45ff68a504d3424ed0363d80775a",
    3: "811a8cd3a2bcd7e63d48d5621a8bd2f194c5cbd78745c79f11d5fa3b1f5d19a0",
    4: "05532aaa91516782706e608ca5454d5f52ca9df6e37e6ab1db8f822afa2ca2aa",
    5: "4842390f0d290ddd4e53b197261fbb74fa40c33e90c99ab3c769394d639527f2",
    6: "c0ae4f7438fdc3c85a01da46ee493ad174c70411216ee202d079f146522a556f",
    7: "591a1b13e2f2f9521bc146276beaf50ef773225c30ae2757a23e5393d73efcf2",
    8: "323397159e514977bfe55ea906cb964b8207c6f77664f2d08e4255d6e2961d42",
    9: "89fc7ad693c41d0cdc9bee337e81ee403f1e7d717bb40d0691301bbe42112570",
    10: "1e19afb0e218635cd578130a9b3a189391018ce3da48c39e4af2fceb272c9af4",
    11: "1357f1a2305c6ae7590e1a0c46d98caf359f022e3eae4129a4a4b670f47bdf54",
    12: "7918c3a4376f9f2ceb773c06063036fa5c9c9ce873d266541261153e6912b468",
    13: "afa5ed364dbfba5dd9de268d5646109a8d72e6dd5e6ac036dd8afee0543e8123",
    14: "00c7a43696de05b5a1fa1711b8094e2d0e1a16ecd771aa1ad7090e43459c1d4f",
    15: "bdb47cc27a9e699f46474b1acc25c705492e38034a5184f3bec9129e4c77b572",
    16: "6396199c6a51c2a65485e24dfe10b9c38b0010ff1c64ff8c589c28a31486aeb8",
}

PAIRS = [(writer, reader) for writer, reader in permutations(SCHEMAS, 2) if writer.subject == reader.subject]

# As release 1 wrote them, byte for byte.
EVENT_OF_1 = (
    "0000000001086d61696e06646576046d310a747261636b1c50726f6475637420566965776564008080e7e0e86380a0ab"
    "fef96280a0abfef96280a0abfef962046431000000feffffffffffffffff012030303030303030303030303030303032"
    "00047b7d387b226e756d626572223a20312c2022706c616e223a202270726f227d047b7d047b7d047b7d020e02610464"
    "31000002d804"
)
POINTER_OF_1 = "0000000002086d61696e0e1002000a1000120080a0abfef962"


def without_docs(part: Any) -> Any:
    if isinstance(part, dict):
        return {key: without_docs(value) for key, value in part.items() if key != "doc"}
    return [without_docs(item) for item in part] if isinstance(part, list) else part


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: f"{schema.subject} {schema.version}")
def test_a_published_schema_is_never_edited(schema: AvroSchema) -> None:
    said = json.dumps(without_docs(DEFINITIONS[schema.id])).encode()
    assert PUBLISHED[schema.id] == hashlib.sha256(said).hexdigest()


def records(part: Any) -> Iterator[dict[str, Any]]:
    """Every record that a definition names, itself first."""
    if isinstance(part, dict) and part.get("type") == "record":
        yield part
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from records(inner)


NAMED = {record["name"]: record for definition in DEFINITIONS.values() for record in records(definition)}
EXAMPLES = {"string": "x", "bytes": b"x", "int": 3, "long": 7, "boolean": True}


def example(kind: Any) -> Any:
    """A value of an Avro type; an array has one element, of a union it is the last branch."""
    if isinstance(kind, str):
        return EXAMPLES[kind] if kind in EXAMPLES else example(NAMED[kind])
    if isinstance(kind, list):
        return example(kind[-1])
    if kind.get("logicalType") == "decimal":
        return Decimal("12.34")
    if "logicalType" in kind:
        return datetime(2024, 5, 5, tzinfo=UTC)
    if kind["type"] == "array":
        return [example(kind["items"])]
    return {field["name"]: example(field["type"]) for field in kind["fields"]}


def written(schema: AvroSchema) -> bytes:
    out = io.BytesIO()
    definition = DEFINITIONS[schema.id]
    fastavro.schemaless_writer(out, fastavro.parse_schema(definition), example(definition))
    return out.getvalue()


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: f"{schema.subject} {schema.version}")
def test_a_record_of_every_version_is_read_in_the_newest_shape(schema: AvroSchema) -> None:
    newest = [other for other in SCHEMAS if other.subject == schema.subject][-1]
    found = decode(HEADER.pack(MAGIC, schema.id) + written(schema))
    said = example(DEFINITIONS[schema.id])
    assert set(found) == {field["name"] for field in DEFINITIONS[newest.id]["fields"]}
    assert {name: found[name] for name in said} == said


def test_an_event_of_the_first_version_is_read_as_if_it_claimed_nothing() -> None:
    event = decode(bytes.fromhex(EVENT_OF_1))
    assert (event["message_id"], event["subject"], event["raw_index"]) == ("m1", 2**63 - 1, 300)
    assert event["timestamp"] == datetime(2024, 5, 5, tzinfo=UTC)
    assert event["identifiers"] == [{"node": 7, "kind": "a", "value": "d1"}]
    assert event["claimed"] == []
    stamps = msgspec.to_builtins(Stamps(), builtin_types=(Decimal,))
    assert {name: event[name] for name in stamps} == {
        **stamps,
        "items": [],
        "meaning": {**stamps["meaning"], "violations": []},
        "consent": {"state": "", "categories": [], "signals": []},
        "bot": {"score": 0, "reasons": []},
    }


def test_a_pointer_of_the_first_version_is_read_as_if_nothing_had_lost() -> None:
    pointer = decode(bytes.fromhex(POINTER_OF_1))
    assert (pointer["node"], pointer["owner"], pointer["version"], pointer["conflicts"]) == (7, 8, 9, [])
    assert [segment["owner"] for segment in pointer["segments"]] == [8]


@pytest.mark.parametrize(("writer", "reader"), PAIRS, ids=lambda schema: f"{schema.subject} {schema.version}")
def test_versions_of_a_subject_read_each_others_records(writer: AvroSchema, reader: AvroSchema) -> None:
    """What the registry calls FULL_TRANSITIVE: consumers and producers may be upgraded in any order."""
    theirs, ours = (fastavro.parse_schema(DEFINITIONS[schema.id]) for schema in (writer, reader))
    found = fastavro.schemaless_reader(io.BytesIO(written(writer)), theirs, ours)
    assert isinstance(found, dict)
    assert set(found) == {field["name"] for field in DEFINITIONS[reader.id]["fields"]}


@pytest.mark.parametrize(
    ("subject", "ids"), [("events.resolved", [1, 5, 8, RESOLVED_EVENT]), ("identity.pointers", [2, POINTER])]
)
def test_the_registry_serves_every_version_of_a_subject(subject: str, ids: list[int]) -> None:
    path = f"/subjects/{subject}-value/versions"
    versions = list(range(1, len(ids) + 1))
    assert registry_reply(path) == (200, versions)
    found = [registry_reply(f"{path}/{version}") for version in (*versions, "latest")]
    assert [reply and reply[1]["id"] for reply in found] == [*ids, ids[-1]]


@pytest.mark.parametrize("path", ["/config", "/config/", "/config/events.resolved-value"])
def test_the_registry_says_how_versions_get_along(path: str) -> None:
    assert registry_reply(path) == (200, {"compatibilityLevel": "FULL_TRANSITIVE"})


def test_the_registry_says_nothing_of_subjects_that_are_not_there() -> None:
    reply = registry_reply("/config/no")
    assert reply is not None
    assert (reply[0], reply[1]["error_code"]) == (404, 40401)
