"""ClickHouse's own client for Node, unmodified, against the embedded ClickHouse: what another language's client sees."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import javascript

SCRIPT = Path(__file__).with_name("clickhouse_client.mjs")


@pytest.fixture(scope="module")
def found(server: str) -> dict[str, Any]:
    ended = subprocess.run(
        [str(javascript.node()), str(SCRIPT), server],
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return dict(json.loads(ended.stdout))


def counted(rows: int) -> dict[str, int]:
    """The rows 0 to `rows`, each with a text of its own."""
    return {"n": rows, "s": rows * (rows - 1) // 2, "u": rows}


def numbers(row: dict[str, Any]) -> dict[str, int]:
    """Numbers of 64 bits come as numbers or as text, as a setting says."""
    return {name: int(value) for name, value in row.items()}


def test_it_is_there(found: dict[str, Any]) -> None:
    assert found["ping"]["success"] is True


def test_rows_arrive_from_an_array_a_stream_and_a_file(found: dict[str, Any]) -> None:
    assert numbers(found["array"]["count"]) == counted(1000)
    assert found["array"]["written"] == "1000"
    assert numbers(found["stream"]) == counted(6000)
    assert numbers(found["csv"]) == counted(6002)


def test_parameters_reach_the_query(found: dict[str, Any]) -> None:
    row = found["params"]["row"]
    assert (int(row["n"]), row["s"], row["list"]) == (5, "it's \\ \t ü\n", ["a'", "b"])
    assert (row["day"], row["none"]) == ("2026-01-31", None)
    assert found["params"]["query_id"] == "named-by-node"


def test_settings_hold_for_their_query(found: dict[str, Any]) -> None:
    assert int(found["settings"][0]["n"]) == 3


def test_rows_are_read_whole_and_as_a_stream(found: dict[str, Any]) -> None:
    assert [int(row["number"]) for row in found["json"]["data"]] == [0, 1, 2]
    assert found["json"]["rows"] == 3
    assert found["streamed"] == {
        "rows": 300_000, "sum": 300_000 * 299_999 // 2, "heads": ["number", "UInt64"]
    }  # fmt: skip


@pytest.mark.parametrize("way", ["both", "none"])
def test_rows_arrive_with_gzip_both_ways_and_without(found: dict[str, Any], way: str) -> None:
    assert numbers(found[f"gzip_{way}"]) == counted(2000)


def test_a_session_keeps_its_table_and_settings_to_itself(found: dict[str, Any]) -> None:
    assert numbers(found["session"]["count"]) == counted(10)
    assert int(found["session"]["kept"][0]["n"]) == 77
    assert found["session"]["elsewhere"]["type"] == "UNKNOWN_TABLE"


@pytest.mark.parametrize(
    ("case", "code", "kind"),
    [
        ("unknown", "60", "UNKNOWN_TABLE"),
        ("value", "27", "CANNOT_PARSE_INPUT_ASSERTION_FAILED"),
        ("readonly", "164", "READONLY"),
        ("midway", "395", "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"),
    ],
)
def test_an_error_is_clickhouses_with_code_and_name(
    found: dict[str, Any], case: str, code: str, kind: str
) -> None:
    error = found["errors"][case]
    assert (error["isClickHouses"], error["code"], error["type"]) == (True, code, kind)


def test_a_query_that_is_given_up_ends_on_the_server(found: dict[str, Any]) -> None:
    assert "abort" in found["aborted"]["message"].lower()


def test_an_insert_that_is_given_up_halfway_inserts_nothing(found: dict[str, Any]) -> None:
    assert "abort" in found["halfway"]["message"].lower()
    assert numbers(found["half"])["n"] == 0
