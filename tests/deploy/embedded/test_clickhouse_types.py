"""Values of every type of our tables, and of those next to them: sent in several blocks, compressed in every way that the
client has, counted and compared."""

import datetime as dt
import ipaddress
import json
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import clickhouse_connect
import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.deploy.embedded.asking import connect

COLUMNS = {
    "n": "UInt64",
    "text": "String",
    "kind": "LowCardinality(String)",
    "maybe_kind": "LowCardinality(Nullable(String))",
    "u8": "UInt8",
    "i32": "Int32",
    "i64": "Int64",
    "f64": "Float64",
    "flag": "Bool",
    "day": "Date",
    "second": "DateTime('UTC')",
    "ms": "DateTime64(3, 'UTC')",
    "list": "Array(String)",
    "pairs": "Array(Tuple(UInt64, String))",
    "map": "Map(String, String)",
    "named": "Tuple(a UInt64, b Array(String))",
    "maybe": "Nullable(Int64)",
    "state": "Enum8('new' = 1, 'old' = 2)",
    "id": "UUID",
    "v4": "IPv4",
    "v6": "IPv6",
    "money": "Decimal(18, 4)",
    "fixed": "FixedString(4)",
    "props": "JSON",
    "items.sku": "Array(String)",
    "items.count": "Array(UInt32)",
}
ROWS = 3000
START = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)


def row(n: int) -> list[Any]:
    """Every value depends on n, and the text is long enough for several blocks."""
    at = START + dt.timedelta(seconds=n, milliseconds=n % 1000)
    return [
        n * 2**40, f"é😀\0\t'{n}'" + "x" * 1000, f"kind-{n % 7}", None if n % 3 else "some", n % 256, -n, -n * 2**30,
        n / 7, n % 2 == 0, at.date(), at.replace(microsecond=0), at, [str(n)] * (n % 4), [(n, "a"), (n + 1, "b")],
        {"k": str(n), "ü": ""}, (n, ["x"] * (n % 3)), None if n % 5 == 0 else n, "old" if n % 2 else "new",
        uuid.UUID(int=n * 2**90 + n), ipaddress.IPv4Address(n), ipaddress.IPv6Address(2**100 + n),
        Decimal(n) / 4, f"{n:04d}".encode(), {"n": n, "deep": {"list": ["a", "b"], "flag": True}},
        ["s"] * (n % 3), [n] * (n % 3),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def table(server: str) -> Iterator[Client]:
    client = connect(server)
    columns = ", ".join(f"`{name}` {kind}" for name, kind in COLUMNS.items())
    client.command(f"CREATE OR REPLACE TABLE all_types ({columns}) ENGINE = MergeTree ORDER BY n")
    yield client
    client.command("DROP TABLE all_types")
    client.close()


@pytest.mark.parametrize("compression", ["lz4", "zstd", "gzip", "br", None])
def test_every_type_comes_back_as_it_went(table: Client, server: str, compression: str | None) -> None:
    table.command("TRUNCATE TABLE all_types")
    client = clickhouse_connect.get_client(
        dsn=server, compress=compression or False, autogenerate_session_id=False
    )
    rows = [row(n) for n in range(ROWS)]
    context = client.create_insert_context("all_types", column_names=list(COLUMNS), data=rows)
    context.compression = compression
    context.block_row_count = 500
    assert client.insert(context=context).written_rows == ROWS
    assert table.command("SELECT count(), uniqExact(n), sum(u8) FROM all_types") == [
        str(ROWS), str(ROWS), str(sum(n % 256 for n in range(ROWS)))
    ]  # fmt: skip
    found = client.query("SELECT * FROM all_types ORDER BY n", column_formats={"named": "tuple"}).result_rows
    client.close()
    assert len(found) == ROWS
    for given_row, found_row in zip(rows, found, strict=True):
        assert plain(found_row) == plain(given_row)


def plain(values: Any) -> Any:
    """Tuples and lists alike, named tuples by their values; an item of JSON by its text."""
    if isinstance(values, dict):
        return json.dumps(values, sort_keys=True)
    if isinstance(values, list | tuple):
        return [plain(value) for value in values]
    if isinstance(values, dt.datetime):
        return values.replace(tzinfo=None)  # the client gives UTC without its name
    return values


MILLISECONDS = st.integers(-(10**12), 4 * 10**12)
ANY_ROW = st.tuples(
    st.integers(0, 2**64 - 1),
    st.text(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.none() | st.text(),
    st.lists(st.text()),
    st.dictionaries(st.text(), st.text()),
    MILLISECONDS,
    st.decimals(min_value=-(10**13), max_value=10**13, places=4),
    st.uuids(),
    st.ip_addresses(v=6),
    st.binary(min_size=4, max_size=4),
)
KINDS = (
    "UInt64, String, Int64, Float64, Nullable(String), Array(String), Map(String, String), DateTime64(3, 'UTC'), "
    "Decimal(18, 4), UUID, IPv6, FixedString(4)"
)


@settings(max_examples=25)
@given(rows=st.lists(ANY_ROW, min_size=1, max_size=20))
def test_any_values_come_back_as_they_went(server: str, rows: list[tuple[Any, ...]]) -> None:
    client = connect(server)
    kinds = [kind.strip() for kind in KINDS.replace("Map(String, String)", "Map(String; String)")
             .replace("DateTime64(3, 'UTC')", "DateTime64(3; 'UTC')").replace("(18, 4)", "(18; 4)").split(",")]  # fmt: skip
    columns = ", ".join(f"c{at} {kind.replace(';', ',')}" for at, kind in enumerate(kinds))
    client.command(f"CREATE OR REPLACE TABLE any_values (at UInt32, {columns}) ENGINE = Memory")
    client.insert("any_values", [[at, *values] for at, values in enumerate(rows)])
    found = client.query("SELECT * EXCEPT (at, c7), toUnixTimestamp64Milli(c7) FROM any_values ORDER BY at")
    client.close()
    assert [list(values) for values in found.result_rows] == [
        [*values[:7], *values[8:], values[7]] for values in rows
    ]
