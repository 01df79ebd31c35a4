"""The container file is what any Avro reader reads."""

import io
import json
from collections.abc import Callable, Mapping
from typing import Any

import fastavro
import pytest
from fastavro.utils import generate_one
from hypothesis import given
from hypothesis import strategies as st

from schemas.wire.codec import DEFINITIONS, LEDGER_ENTRY, SCHEMAS, body_of, encoder
from sinks.storing.container import container

texts = st.text(st.characters(codec="utf-8"), max_size=300)
entries = st.fixed_dictionaries(
    {
        "workspace": texts,
        "source": texts,
        "stage": texts,
        "minute": st.integers(0, 4_000_000_000_000),
        "outcome": texts,
        "events": st.integers(-(2**63), 2**63 - 1),
    }
)


def read_back(data: bytes) -> list[Any]:
    return list(fastavro.reader(io.BytesIO(data)))


@given(st.lists(entries, max_size=200))
def test_spliced_bodies_are_read_back_as_they_were_written(records: list[dict[str, Any]]) -> None:
    encode = encoder(LEDGER_ENTRY)
    found = read_back(container(LEDGER_ENTRY, [body_of(encode(record)) for record in records]))
    assert [row | {"minute": int(row["minute"].timestamp() * 1000 + 0.5)} for row in found] == records


@pytest.mark.parametrize("schema_id", [schema.id for schema in SCHEMAS])
def test_every_schema_has_a_container_with_the_writers_own_definition(schema_id: int) -> None:
    encode: Callable[[Mapping[str, Any]], bytes] = encoder(schema_id)
    record: Any = generate_one(DEFINITIONS[schema_id])
    file = fastavro.reader(io.BytesIO(container(schema_id, [body_of(encode(record))] * 3)))
    assert len(list(file)) == 3
    assert json.loads(file.metadata["avro.schema"]) == DEFINITIONS[schema_id]


def test_equal_bodies_make_equal_bytes() -> None:
    assert container(LEDGER_ENTRY, [b"abc"]) == container(LEDGER_ENTRY, [b"abc"])
