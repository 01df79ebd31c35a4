"""Whatever clients call their properties and however they nest them: the block is stored, merged and read."""

import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.wire.codec import (
    DEAD_LETTER,
    LEDGER_ENTRY,
    RESOLVED_EVENT,
    encode_dead_letter,
    encode_ledger_entry,
)
from tests.sinks.stage import START_MS, Tables, event

# Names that mean something to ClickHouse's JSON type, to its files or to its parser.
NAMES = [
    "", ".", "..", "a", "a.b", "a.", ".a", "^a", "a[]", "a[][]", "a.:Int64", "a.:`Array(JSON)`", "null", "size0", "a.size0",
    "`", "``", "'", '"', "\\", "\\'", "*", "@", "%", ":", "()", "Tuple(a", "SharedVariant", "SharedString", "object_structure",
    "\0", "\n", "\u202e", "\U0001f600", "\ufeff", "x" * 300, "\u00e9" * 2_000,
]  # fmt: skip
SCALARS = [
    0, -1, 2**63, 2**64 - 1, 2**64, 10**40, -(2**63) - 1, 0.1, -0.0, 1e308, 5e-324, True, False, None, "", "x", "1", "null",
    "2024-01-01", "2024-02-30 25:00:00", "0001-01-01T00:00:00Z", "9999-12-31", "127.0.0.1", "[1]", "\0", "y" * 5_000,
]  # fmt: skip

names = st.sampled_from(NAMES) | st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
values = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(names, inner, max_size=5),
    max_leaves=40,
)


def wide(number: int) -> dict[str, Any]:
    return {f"w{number}_{key}": key for key in range(1500)}


def lists_of_objects(number: int) -> dict[str, Any]:
    return {f"p{key}": [{"a": key, f"u{number}": 1}] for key in range(1000)}


def lists_in_lists(number: int) -> dict[str, Any]:
    inner = [{f"b{key}": [{"c": 1}]} for key in range(16)]
    return {f"z{number}": [{f"a{key}": inner} for key in range(64)]}


def lists_of_any_depth(number: int) -> dict[str, Any]:
    """Each depth is a type of its own."""

    def nested(depth: int, value: Any) -> Any:
        return [nested(depth - 1, value)] if depth else value

    outer, inner = 1 + number % 3, 1 + number // 3 % 2
    leaf = {f"a{key}": nested(inner, {f"b{key}": [{"c": 1}]}) for key in range(16)}
    return {f"z{number % 8 + key}": nested(outer, leaf) for key in range(8)}


def unlike_types(number: int) -> dict[str, Any]:
    return {f"t{key}": SCALARS[(number * 7 + key) % len(SCALARS)] for key in range(300)}


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    return Tables(clickhouse, database)


def merge_and_read(tables: Tables) -> None:
    """Merges of these properties work too, in the form with most files; and what they made can be read."""
    tables.client.command("ALTER TABLE events MODIFY SETTING min_bytes_for_wide_part = 1")
    tables.client.command("OPTIMIZE TABLE events FINAL")
    tables.client.raw_query("SELECT * FROM events_resolved FORMAT JSONEachRow")
    tables.client.command("ALTER TABLE events RESET SETTING min_bytes_for_wide_part")


@pytest.mark.parametrize(
    "make",
    [wide, lists_of_objects, lists_in_lists, lists_of_any_depth, unlike_types],
    ids=lambda make: make.__name__,
)
def test_however_many_paths_a_block_has_it_is_stored_merged_and_read(
    tables: Tables, make: Callable[[int], dict[str, Any]]
) -> None:
    for start in (0, 20):
        block = [event(n, properties=json.dumps(make(n))) for n in range(start, start + 20)]
        tables.insert("events_in", RESOLVED_EVENT, block, f"t-0-{start}-{start + 20}")
    merge_and_read(tables)
    assert tables.row("SELECT count(), max(properties_text) FROM events_resolved") == (40, "")


def test_any_properties_in_any_company_are_stored_merged_and_read(tables: Tables) -> None:
    numbers = count()

    @settings(max_examples=12)
    @given(st.lists(st.dictionaries(names, values, max_size=8), min_size=1, max_size=12))
    def store(drawn: list[dict[str, Any]]) -> None:
        texts = {f"m{next(numbers)}": json.dumps(properties) for properties in drawn}
        block = [event(n, message_id=name, properties=text) for n, (name, text) in enumerate(texts.items())]
        first, last = min(texts), max(texts)
        tables.insert("events_in", RESOLVED_EVENT, block, f"t-0-{first}-{last}")
        asked = ", ".join(f"'{name}'" for name in texts)
        found = tables.rows(f"SELECT message_id, properties_text FROM events WHERE message_id IN ({asked})")  # noqa: S608 - our names
        assert {name for name, _ in found} == set(texts)
        assert all(text in ("", texts[name]) for name, text in found)

    store()
    merge_and_read(tables)
    assert tables.row("SELECT count() FROM events_resolved") == (next(numbers),)


def test_letters_of_any_bytes_and_counts_of_any_size_are_stored(tables: Tables) -> None:
    numbers = count()

    @settings(max_examples=12)
    @given(st.binary(max_size=300), st.text(max_size=50), st.integers(-(2**63), 2**63 - 1))
    def store(payload: bytes, text: str, whole: int) -> None:
        number = next(numbers)
        clean = text.encode("utf-8", "replace").decode()
        letter = dict.fromkeys(("workspace", "source", "stage", "reason", "detail", "fingerprint"), clean)
        place = {"received_at": whole, "raw_partition": -1, "raw_offset": whole, "raw_index": 0}
        letters = [encode_dead_letter(letter | place | {"message_id": str(number), "payload": payload})]
        tables.insert("dead_letters_in", DEAD_LETTER, letters, f"d-0-{number}")
        entry = dict.fromkeys(("workspace", "source", "stage", "outcome"), clean)
        entries = [encode_ledger_entry(entry | {"minute": START_MS, "events": whole})]
        tables.insert("ledger_in", LEDGER_ENTRY, entries, f"l-0-{number}")
        asked = f"SELECT hex(payload), detail, raw_offset FROM dead_letters WHERE message_id = '{number}'"  # noqa: S608 - our number
        assert tables.row(asked) == (payload.hex().upper(), clean, whole)

    store()
    for table in ("dead_letters", "ledger"):
        tables.client.command(f"OPTIMIZE TABLE {table} FINAL")
    assert tables.row("SELECT count() FROM dead_letters") == (next(numbers),)
