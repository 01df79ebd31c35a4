"""`stitchline extract`: what stands in ClickHouse is what readers of Parquet and Arrow find, and a file is whole or not there."""

import json
import tracemalloc
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from arro3.io import read_ipc, read_parquet
from clickhouse_connect.driver.exceptions import DatabaseError
from typer.testing import CliRunner

from deploy.cli import app
from deploy.files.extract import FORMS, Extracted, Wanted, extract, run
from deploy.files.extract_sql import CannotExtract, Cut, moment
from runtime.clickhouse import NoAnswer
from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import START_MS, Tables, event

DAY_MS = 86_400_000
DAYS = 3
KINDS = """\
SELECT
    toUInt64(18446744073709551615) AS node,
    toDate('2026-01-31') AS day,
    toDate32('1931-01-31') AS old_day,
    toDateTime('2026-01-31 12:00:00', 'UTC') AS second,
    toNullable(toDateTime64('2026-01-31 12:00:00.123', 3, 'UTC')) AS ms,
    toDecimal64('-1.250001', 6) AS amount,
    toDecimal128('12345678901234567890.123456', 6) AS sum,
    toDecimal256('1.5', 12) AS exact,
    NULL::Nullable(Decimal(18, 6)) AS nothing,
    toLowCardinality('mug') AS word,
    true AS truth,
    '{"a": {"b": [1, "x"]}}'::JSON AS properties,
    [('{"c": 1}'::JSON, 1)]::Array(Tuple(one JSON, two UInt8)) AS inner,
    tuple('web', 7)::Tuple(kind LowCardinality(String), number UInt8) AS device,
    [('sku-1', 2.5)]::Array(Tuple(sku String, price Nullable(Decimal(18, 6)))) AS items,
    ['x', 'y'] AS list,
    map(1, 2)::Map(Int32, Int64) AS stored,
    'enter'::Enum8('leave' = 0, 'enter' = 1) AS change,
    toUUID('61f0c404-5cb3-11e7-907b-a6006ad3dba0') AS uuid,
    sumState(toUInt64(3)) AS state
"""
FOUND = {
    "node": 18446744073709551615,
    "day": date(2026, 1, 31),
    "old_day": date(1931, 1, 31),
    "second": datetime(2026, 1, 31, 12, tzinfo=UTC),
    "ms": datetime(2026, 1, 31, 12, 0, 0, 123_000, tzinfo=UTC),
    "amount": Decimal("-1.250001"),
    "sum": Decimal("12345678901234567890.123456"),
    "exact": "1.5",
    "nothing": None,
    "word": "mug",
    "truth": True,
    "device": {"kind": "web", "number": 7},
    "items": [{"sku": "sku-1", "price": Decimal("2.500000")}],
    "list": ["x", "y"],
    "change": "enter",
    "uuid": "61f0c404-5cb3-11e7-907b-a6006ad3dba0",
    "state": 3,
}


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    for day in range(DAYS):
        values = [
            event(10 * day + number, timestamp=START_MS + day * DAY_MS + number * 1000) for number in range(5)
        ]
        tables.insert("events_in", RESOLVED_EVENT, values, f"day-{day}")
    yield tables
    tables.client.close()


def rows_of(path: Path) -> list[dict[str, Any]]:
    table = (read_parquet if path.suffix == ".parquet" else read_ipc)(path).read_all()
    values = {name: table.column(name).to_pylist() for name in table.column_names}
    return [dict(zip(values, row, strict=True)) for row in zip(*values.values(), strict=True)]


def wanted(what: str, out: Path, form: str = "parquet", **more: Any) -> Wanted:
    cut = Cut(**{name: more.pop(name) for name in ("time", "since", "until", "segment") if name in more})
    return Wanted(what=what, form=FORMS[form], out=out, cut=cut, **more)


@pytest.mark.parametrize("form", list(FORMS))
def test_every_type_is_read_back_as_what_it_is(tables: Tables, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"kinds.{form}"
    extract(tables.client, wanted(KINDS, out, form))
    (row,) = rows_of(out)
    assert {name: row[name] for name in FOUND} == FOUND
    assert json.loads(row["properties"]) == {"a": {"b": [1, "x"]}}
    assert json.loads(row["inner"]) == [{"one": {"c": 1}, "two": 1}]
    assert dict(row["stored"]) == {1: 2}


@pytest.mark.parametrize("form", list(FORMS))
def test_events_are_read_back_with_all_that_they_have(tables: Tables, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"events.{form}"
    done = extract(tables.client, wanted("events_resolved", out, form))
    found = sorted(rows_of(out), key=lambda row: row["timestamp"])
    assert done == Extracted([str(out)], out.stat().st_size, 0)
    assert [row["message_id"] for row in found] == [
        f"m{10 * day + n}" for day in range(DAYS) for n in range(5)
    ]
    stored = tables.client.query("SELECT * FROM events_resolved ORDER BY timestamp LIMIT 1")
    first = dict(zip(stored.column_names, stored.result_rows[0], strict=True))
    assert set(found[0]) == set(first)
    plain = ("workspace", "profile_id", "subject", "type", "lineage", "envelope")
    assert {name: found[0][name] for name in plain} == {name: first[name] for name in plain}
    assert json.loads(found[0]["properties"]) == {"number": 0, "plan": "pro"}
    assert found[0]["touch"]["channel"] == ""
    assert found[0]["identifiers"] == [{"node": 1, "kind": "a", "value": "d0", "claimed": False}]


def test_bounds_take_the_first_moment_and_leave_the_last_out(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "some.parquet"
    since = datetime.fromtimestamp(START_MS / 1000, UTC) + timedelta(days=1, seconds=1)
    extract(tables.client, wanted("events", out, since=since, until=since + timedelta(seconds=2)))
    assert sorted(row["message_id"] for row in rows_of(out)) == ["m11", "m12"]


def test_bounds_of_a_table_of_days_are_days(tables: Tables, tmp_path: Path) -> None:
    what, out = "SELECT toDate('2026-01-01') + number AS day FROM numbers(5)", tmp_path / "days.parquet"
    since, until = moment("2026-01-02", "--from"), moment("2026-01-04", "--to")
    extract(tables.client, wanted(what, out, time="day", since=since, until=until))
    assert [row["day"] for row in rows_of(out)] == [date(2026, 1, 2), date(2026, 1, 3)]


def test_each_day_is_a_file_and_one_that_is_there_is_left_alone(tables: Tables, tmp_path: Path) -> None:
    days = [
        f"day={datetime.fromtimestamp((START_MS + n * DAY_MS) / 1000, UTC):%Y-%m-%d}" for n in range(DAYS)
    ]
    kept = tmp_path / days[1] / "data.parquet"
    kept.parent.mkdir()
    kept.write_bytes(b"what an earlier run wrote")
    done = extract(tables.client, wanted("events", tmp_path, by_day=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == days
    assert (done.files, done.kept) == ([str(tmp_path / days[n] / "data.parquet") for n in (0, 2)], 1)
    assert kept.read_bytes() == b"what an earlier run wrote"
    assert [row["message_id"] for row in rows_of(tmp_path / days[2] / "data.parquet")] == [
        f"m2{n}" for n in range(5)
    ]
    assert extract(tables.client, wanted("events", tmp_path, by_day=True, again=True)).kept == 0
    assert len(rows_of(kept)) == 5


def test_an_error_leaves_the_file_of_before_and_nothing_beside_it(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "file.parquet"
    out.write_bytes(b"before")
    with pytest.raises(DatabaseError):
        extract(tables.client, wanted("SELECT throwIf(number = 200000) AS n FROM numbers(300000)", out))
    assert [path.name for path in tmp_path.iterdir()] == ["file.parquet"]
    assert out.read_bytes() == b"before"


def test_an_answer_that_was_cut_off_is_no_file(tables: Tables, tmp_path: Path) -> None:
    odd = msgspec.structs.replace(FORMS["parquet"], last_bytes=b"more")
    asked = msgspec.structs.replace(wanted("SELECT 1 AS one", tmp_path / "file.parquet"), form=odd)
    with pytest.raises(CannotExtract, match="cut off"):
        extract(tables.client, asked)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_told_and_not_made(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "lakee" / "events.parquet"
    with pytest.raises(CannotExtract, match="lakee: make it, or mend its name"):
        extract(tables.client, wanted("SELECT 1", out))
    assert list(tmp_path.iterdir()) == []


def test_a_segment_is_whoever_is_in_it_now(tables: Tables, tmp_path: Path) -> None:
    """Profiles 1 and 3 came in, 3 left."""
    names = ["workspace", "segment", "profile", "seq", "change", "observed_at", "run", "attempt"]
    at = datetime(2026, 1, 1, tzinfo=UTC)
    changes = [(1, 1, "enter"), (3, 1, "enter"), (3, 2, "leave")]
    rows = [["main", "lookers", profile, seq, change, at, 1, 1] for profile, seq, change in changes]
    tables.client.insert("segment_changes", rows, column_names=names)
    sealed = ["run", "attempt", "step", "instant"]
    tables.client.insert("segment_runs", [[1, 1, "sealed", at]], column_names=sealed)
    known = [["main", name, "v1", "{}", 0, at] for name in ("lookers", "nobody")]
    names = ["workspace", "segment", "version", "definition", "is_deleted", "updated_at"]
    tables.client.insert("segment_versions", known, column_names=names)
    extract(tables.client, wanted("events_resolved", tmp_path / "a.parquet", segment="lookers"))
    extract(tables.client, wanted("profiles", tmp_path / "b.parquet", segment="lookers"))
    assert {row["profile"] for row in rows_of(tmp_path / "a.parquet")} == {1}
    assert [row["profile_id"] for row in rows_of(tmp_path / "b.parquet")] == [f"{1:016x}"]
    extract(tables.client, wanted("events_resolved", tmp_path / "c.parquet", segment="nobody"))
    assert rows_of(tmp_path / "c.parquet") == []
    with pytest.raises(CannotExtract, match="--segment loookers: workspace main has no such segment"):
        extract(tables.client, wanted("events_resolved", tmp_path / "d.parquet", segment="loookers"))
    assert not (tmp_path / "d.parquet").exists()


def test_a_view_with_arguments_is_asked_by_a_query(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "sessions.parquet"
    what = (
        "FROM sessions_between(since = '2023-11-01', until = '2023-12-01') SELECT session_id, touch -- all;"
    )
    extract(tables.client, wanted(what, out))
    assert read_parquet(out).read_all().column_names == ["session_id", "touch"]


def test_a_table_of_versions_gives_the_newest_alone(tables: Tables, tmp_path: Path) -> None:
    for version in (1, 2):
        row = ["main", 77, version, [], version, 0, datetime(2026, 1, 1, tzinfo=UTC)]
        names = ["workspace", "node", "owner", "segments", "version", "is_deleted", "updated_at"]
        tables.client.insert("identity_pointers", [row], column_names=names)
    out = tmp_path / "pointers.parquet"
    extract(tables.client, wanted("identity_pointers", out))
    assert [(row["node"], row["owner"]) for row in rows_of(out)] == [(77, 2)]


def test_a_large_result_is_never_in_memory(tables: Tables, tmp_path: Path) -> None:
    out = tmp_path / "many.arrow"
    asked = wanted(
        "SELECT sipHash64(number) AS one, cityHash64(number) AS two FROM numbers(2000000)", out, "arrow"
    )
    tracemalloc.start()
    extract(tables.client, asked)
    _, highest = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert out.stat().st_size > 30_000_000 > 3 * highest
    assert read_ipc(out).read_all().num_rows == 2_000_000


@pytest.mark.parametrize(
    ("what", "more", "said"),
    [
        ("sessions_between(1)", {}, "neither a table's name nor a query"),
        ("SELECT 1 AS one", {"by_day": True}, "nothing says which column is the time"),
        ("events", {"time": "name", "by_day": True}, "'name' is no column of time: say --time with one of: "),
        ("SELECT 1 AS one", {"segment": "buyers"}, "needs a column `profile` or `profile_id`"),
    ],
)
def test_what_cannot_be_taken_out_is_told(
    tables: Tables, tmp_path: Path, what: str, more: dict[str, Any], said: str
) -> None:
    with pytest.raises(CannotExtract, match=said):
        extract(tables.client, wanted(what, tmp_path / "x", **more))


@pytest.mark.parametrize("text", ["yesterday", "0001-01-01T00:00+14:00", "9999-12-31T23:59-14:00"])
def test_a_bound_that_is_no_time_is_told(text: str) -> None:
    with pytest.raises(CannotExtract) as refused:
        moment(text, "--from")
    assert f"--from {text}: expected a day or a time" in str(refused.value)


def test_what_clickhouse_refuses_is_told_in_its_words(tables: Tables, tmp_path: Path) -> None:
    environ = {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}
    with pytest.raises(CannotExtract, match=r"ClickHouse refuses it: .*UNKNOWN_TABLE"):
        run(environ, wanted("no_table", tmp_path / "x"))
    done = run(environ, wanted("base_currency", tmp_path / "y.parquet"))
    assert rows_of(Path(done.files[0])) == [{"currency": "EUR"}]


def test_the_command_line_takes_days_and_bounds_and_says_what_was_written(
    tables: Tables, tmp_path: Path
) -> None:
    environ = {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}
    days = ["--from", "2023-11-15", "--to", "2023-11-16T12:00Z", "--by", "day"]
    asked = ["extract", "events", "--format", "arrow", *days, "--out", str(tmp_path)]
    first, second = (json.loads(CliRunner().invoke(app, asked, env=environ).stdout) for _ in range(2))
    assert first["files"] == [str(tmp_path / "day=2023-11-15" / "data.arrow")]
    assert (second["files"], second["kept"]) == ([], 1)
    assert len(rows_of(Path(first["files"][0]))) == 5


def test_a_clickhouse_that_does_not_answer_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoAnswer):
        run({"CLICKHOUSE_URL": "http://127.0.0.1:9"}, wanted("events", tmp_path / "x"))
