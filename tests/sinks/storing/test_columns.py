"""Events as columns are the rows that ClickHouse's own reader makes of their Avro, and what it would refuse is left to it."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from schemas.compiled import is_compiled
from schemas.wire.codec import DEFINITIONS, HEADER, POINTER, RESOLVED_EVENT, encoder
from sinks.storing import columns
from sinks.storing.block import Block, Record
from sinks.storing.columns import Unreadable
from sinks.storing.delivery import Delivery
from sinks.storing.rows import BY_COLUMNS, Rows, rows_of
from tests.sinks.stage import START_MS, Tables, event, event_record, pointer
from tests.sinks.storing.as_written import as_written

DEFINITION = DEFINITIONS[RESOLVED_EVENT]
SIZES = (0, 0, 0, 0, 0, 0, 0, 1, 5, 36, 63, 64, 127, 128)
LONG = (700, 8_191, 8_192, 20_000)
LONGER_THAN_A_BUFFER = 150_000
LETTERS = "a{\u00e9\0\u20ac\U0001f600" * 5_000
EDGES = (0, 0, 1, -1, 63, 64, -64, -65, 255, 256, 8_191, 8_192, 2**31, 2**62, 2**63 - 1, -(2**63))
UNSCALED = (0, 1, -1, 127, 128, -128, -129, 12_500_000, 10**18 - 1, -(10**18) + 1)
WITHIN_THE_CALENDAR = (0, 1, -1, START_MS, -2_208_988_800_000, 10_413_791_999_999)  # 1900 to 2299
BOTH = {"by_avro": frozenset[int](), "by_columns": frozenset([RESOLVED_EVENT])}
MUTANTS = 1_500
EVERYTHING = "SELECT * EXCEPT (properties_read, properties_are_read) FROM {table}"
# Of what the sink sends or the server makes of the others (schemas/clickhouse/0035_read_properties.sql).
MADE = {"properties_read", "properties_are_read", "properties_parsed", "page", "subject_type"}


def any_value(kind: Any, chance: random.Random, named: dict[str, Any]) -> Any:
    if isinstance(kind, list):
        return chance.choice([None, amount(chance)])
    if isinstance(kind, str) and kind in named:
        kind = named[kind]
    if not isinstance(kind, dict):
        return plain_value(kind, chance)
    if kind["type"] == "record":
        named[kind["name"]] = kind
        return {field["name"]: any_value(field["type"], chance, named) for field in kind["fields"]}
    if kind["type"] == "array":
        return [any_value(kind["items"], chance, named) for _ in range(chance.choice((0, 0, 1, 2, 9)))]
    return chance.choice(WITHIN_THE_CALENDAR)


def plain_value(kind: str, chance: random.Random) -> Any:
    if kind == "string":
        size = chance.choice(SIZES if chance.random() < 0.995 else LONG)
        start = chance.randrange(6)
        return LETTERS[start : start + size]
    if kind == "boolean":
        return chance.random() < 0.5
    if kind == "int":
        return chance.choice((0, 1, -1, 2**31 - 1, -(2**31)))
    return chance.choice(EDGES)


def amount(chance: random.Random) -> bytes:
    """In as few bytes as hold it, or in more."""
    value = chance.choice(UNSCALED)
    least = (value.bit_length() + 8) // 8
    return value.to_bytes(chance.choice((least, 8)), "big", signed=True)


def any_events(count: int) -> list[bytes]:
    chance, encode = random.Random(7), encoder(RESOLVED_EVENT)  # noqa: S311 - the content of a test
    records = [any_value(DEFINITION, chance, {}) | {"raw_offset": number} for number in range(count)]
    records[1]["envelope"] = "e" * LONGER_THAN_A_BUFFER
    return [encode(record) for record in records]


@pytest.fixture(scope="module")
def values() -> list[bytes]:
    return any_events(2_000)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


@pytest.fixture
def pair(tables: Tables) -> Iterator[Tables]:
    """Tables by_avro and by_columns, which keep what an ingest table is given."""
    for name in BOTH:
        tables.client.command(f"CREATE TABLE {name} AS events_in ENGINE = Memory")
    yield tables
    for name in BOTH:
        tables.client.command(f"DROP TABLE {name}")


def stored_both_ways(tables: Tables, values: list[bytes]) -> list[bytes]:
    """What both tables hold then."""
    for name, by_columns in BOTH.items():
        rows = rows_of(RESOLVED_EVENT, values, by_columns)
        assert rows.format == ("Native" if by_columns else "Avro")
        tables.writer.insert(name, rows, "")
    everything = [EVERYTHING.format(table=name) for name in BOTH]
    return [tables.client.raw_query(select, fmt="RowBinaryWithNames") for select in everything]


def test_thousands_of_random_events_are_the_same_rows_either_way(pair: Tables, values: list[bytes]) -> None:
    by_avro, by_columns = stored_both_ways(pair, values)
    assert by_avro == by_columns
    assert pair.row("SELECT count(), uniqExact(raw_offset) FROM by_columns") == (len(values), len(values))


def test_no_rows_are_no_block_of_columns() -> None:
    assert rows_of(RESOLVED_EVENT, [], BOTH["by_columns"]).format == "Avro"


def test_whatever_is_taken_of_spoilt_events_clickhouse_reads_in_the_same_way(pair: Tables) -> None:
    chance, whole = random.Random(11), event(1)  # noqa: S311 - the content of a test
    spoilt = [mutant(whole, chance) for _ in range(MUTANTS)]
    taken = [
        value for value in spoilt if rows_of(RESOLVED_EVENT, [value], BOTH["by_columns"]).format == "Native"
    ]
    assert MUTANTS / 10 < len(taken) < MUTANTS * 9 / 10
    by_avro, by_columns = stored_both_ways(pair, taken)
    assert by_avro == by_columns


def mutant(value: bytes, chance: random.Random) -> bytes:
    """With a byte changed, or one more, or one less."""
    at = chance.randrange(HEADER.size, len(value))
    instead = chance.choice((bytes([chance.randrange(256)]), bytes([value[at] ^ 1]), b"", b"\x02\x02"))
    return value[:at] + instead + value[at + 1 :]


LAST = event(1)[HEADER.size :]
ODD = {
    "nothing": b"",
    "it ends early": LAST[:-1],
    "there is more": LAST + b"\0",
    "a text of less than no bytes": b"\x01",
    "a text without an end": b"\x10abc",
    "a number without an end": b"\x80" * 9,
    "a number of 65 bits": b"\xff" * 9 + b"\x02",
    "a number of 71 bits": b"\xff" * 10 + b"\x01",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD)
def test_what_the_schema_does_not_write_is_left_to_the_reader_of_avro(body: bytes) -> None:
    with pytest.raises(Unreadable):
        columns.native(DEFINITION, [body])
    value = event(1)[: HEADER.size] + body
    assert rows_of(RESOLVED_EVENT, [event(1), value], BOTH["by_columns"]).format == "Avro"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("boolean", b"\x02"),
        ("boolean", b""),
        ("int", b"\x80\x80\x80\x80\x10"),
        ({"type": "array", "items": "long"}, b"\x01\x02\x02\x00"),
        (["null", "bytes"], b"\x04\x02\x01"),
        (["null", "bytes"], b"\x02\x00"),
        (["null", "bytes"], b"\x02\x12" + b"\x01" * 9),
    ],
    ids=[
        "true is 1",
        "no boolean",
        "33 bits",
        "a block with its size",
        "a third branch",
        "no digits",
        "72 bits",
    ],
)
def test_odd_values_are_left_to_the_reader_of_avro(kind: Any, body: bytes) -> None:
    with pytest.raises(Unreadable):
        columns.native({"fields": [{"name": "value", "type": kind}]}, [body])


def test_types_are_those_of_the_ingest_table_so_that_nothing_is_converted(tables: Tables) -> None:
    described = tables.rows(
        "SELECT name, type FROM system.columns WHERE database = currentDatabase() AND table = 'events_in'"
    )
    assert {field.name: field.kind for field in columns.fields_of(DEFINITION)} == {
        name: kind for name, kind in described if name not in MADE
    }


def test_the_compiler_and_python_make_the_same_bytes(values: list[bytes]) -> None:
    """Where nothing is compiled, both are Python's."""
    some = values[:500]
    as_it_is = columns.native(DEFINITION, some, HEADER.size)
    assert as_it_is == as_written("sinks.storing.columns").native(DEFINITION, some, HEADER.size)
    assert bool(BY_COLUMNS) == is_compiled(columns)


@pytest.mark.parametrize("ways", [("by_avro", "by_columns"), ("by_columns", "by_avro")], ids=" then ".join)
def test_a_block_that_is_repeated_the_other_way_adds_nothing(tables: Tables, ways: tuple[str, str]) -> None:
    """As after a restart behind which something is compiled that was not, or the other way round."""
    month_ms = 31 * 86_400_000
    token = " then ".join(ways)
    block = [
        event(
            n,
            workspace=token,
            type="identify",
            traits='{"plan":"pro"}',
            timestamp=START_MS - n % 24 * month_ms,
        )
        for n in range(48)
    ]
    targets = ("events", "subject_events", "identifiers", "traits", "subjects", "subject_details")
    counted = [f"(SELECT count() FROM {table} WHERE workspace = '{token}')" for table in targets]  # noqa: S608
    found = []
    for way in ways:
        tables.writer.insert("events_in", rows_of(RESOLVED_EVENT, block, BOTH[way]), token)
        found.append(tables.row(f"SELECT {', '.join(counted)}"))
    assert found[0] == found[1]
    assert found[0][:2] == (48, 48)
    assert min(found[0]) > 0


def test_a_table_that_has_other_columns_takes_what_it_knows(tables: Tables) -> None:
    """As between a migration and the release that needs it."""
    other = "raw_offset Int64, subject UInt64, added String"
    for name, by_columns in BOTH.items():
        tables.client.command(f"CREATE TABLE other_{name} ({other}) ENGINE = Memory")
        tables.writer.insert(f"other_{name}", rows_of(RESOLVED_EVENT, [event(3), event(4)], by_columns), "")
    assert tables.rows("SELECT * FROM other_by_columns") == tables.rows("SELECT * FROM other_by_avro")
    assert tables.row("SELECT count(), sum(raw_offset) FROM other_by_columns") == (2, 7)


class Told:
    """A writer that remembers what it was given."""

    def __init__(self) -> None:
        self.formats: dict[str, str] = {}

    def insert(self, table: str, rows: Rows, token: str) -> None:
        self.formats[table] = rows.format


def test_events_go_as_columns_where_that_is_compiled_and_all_else_as_avro() -> None:
    told = Told()
    for table, schema_id, value in (
        ("events_in", RESOLVED_EVENT, event(1)),
        ("pointers_in", POINTER, pointer(1, 2)),
    ):
        block = Block("topic", 0, 0, 1, schema_id, (Record(0, START_MS, value),), ())
        Delivery(told, table, 0).deliver(block)
    assert told.formats == {"events_in": "Native" if is_compiled(columns) else "Avro", "pointers_in": "Avro"}


def test_an_older_version_of_the_schema_goes_as_avro() -> None:
    old = next(number for number, found in DEFINITIONS.items() if found["name"] == DEFINITION["name"])
    assert old != RESOLVED_EVENT
    assert rows_of(old, [encoder(old)(event_record(1))]).format == "Avro"
