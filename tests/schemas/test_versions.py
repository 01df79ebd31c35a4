"""Every version of every Avro schema: kept as it was published, and read for ever."""

import hashlib
import io
from datetime import UTC, datetime
from importlib.resources import files
from itertools import permutations
from typing import Any

import fastavro
import pytest

from schemas.codec import DEFINITIONS, HEADER, MAGIC, POINTER, RESOLVED_EVENT, SCHEMAS, AvroSchema, decode
from schemas.registry import registry_reply

# A published file is never edited: a change is a new file with a new id, and a new line here.
PUBLISHED = {
    1: "2e7e69a4b467c761ac23809f179a0514b27aeacf62965d1258a58180797bfaaf",
    2: "6c15040a18457c0c114377b0eb3fe390e84242b09a67af3860c35ebc136925da",
    3: "df07c925fa8e00f9a466c14a9a224cb9cb01e1b5c7fee4777f061eee8de7e3a9",
    4: "4512c4e2c8ff07581c39f9de5da77d3520d352295118c02104cc465a7b2b0cbe",
    5: "8b5fe93222d1c5d4ce3740ca032e134b0ecfa0b7a6be944cde8a6a431ccb4c9f",
    6: "665a9bfad5754770185e1954f23fff33130d1b87eb8d4f62b90306eaaa20680c",
    7: "985f6b1ecd370a121f57c2e7f87f3f32c3a00c5c02d831050afa1de74b8242da",
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


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: f"{schema.subject} {schema.version}")
def test_a_published_schema_is_never_edited(schema: AvroSchema) -> None:
    content = files("schemas").joinpath("avsc", schema.file).read_bytes()
    assert PUBLISHED[schema.id] == hashlib.sha256(content).hexdigest()


EXAMPLES = {"string": "x", "bytes": b"x", "int": 3, "long": 7, "boolean": True}


def example(kind: Any) -> Any:
    """A value of an Avro type; an array has one element."""
    if isinstance(kind, str):
        return EXAMPLES[kind]
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
    ("subject", "ids"), [("events.resolved", [1, RESOLVED_EVENT]), ("identity.pointers", [2, POINTER])]
)
def test_the_registry_serves_every_version_of_a_subject(subject: str, ids: list[int]) -> None:
    path = f"/subjects/{subject}-value/versions"
    assert registry_reply(path) == (200, [1, 2])
    found = [registry_reply(f"{path}/{version}") for version in (1, 2, "latest")]
    assert [reply and reply[1]["id"] for reply in found] == [*ids, ids[-1]]


@pytest.mark.parametrize("path", ["/config", "/config/", "/config/events.resolved-value"])
def test_the_registry_says_how_versions_get_along(path: str) -> None:
    assert registry_reply(path) == (200, {"compatibilityLevel": "FULL_TRANSITIVE"})


def test_the_registry_says_nothing_of_subjects_that_are_not_there() -> None:
    reply = registry_reply("/config/no")
    assert reply is not None
    assert (reply[0], reply[1]["error_code"]) == (404, 40401)
