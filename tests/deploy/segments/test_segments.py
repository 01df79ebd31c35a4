"""`stitchline segment` with definitions in a file: what it prints, from a real engine where it asks one."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import app
from deploy.segments.segments import Moments, moments
from runtime.environment.settings import SettingsError
from schemas.segments.segment_tree import BadSegment
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

DEFINITIONS = """
segments:
  - segment: viewers
    description: They looked at something.
    where: {did: {event: Product Viewed}}
  - segment: others
    where: {not: {in_segment: viewers}}
  - {segment: gone, deleted: true}
"""
VIEWED_AT = "2023-11-14T22:13:21Z"  # START_MS and one second: when the second event happened


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    """User 101 looked at something on device 1, user 102 only came by on device 2."""
    found = Tables(clickhouse, module_database)
    events = [event(1, subject=1, event="Product Viewed"), event(2, subject=2, event="", type="page")]
    found.insert("events_in", RESOLVED_EVENT, events, "events")
    found.insert("pointers_in", POINTER, [pointer(1, 101), pointer(2, 102)], "pointers")
    found.reload(DICTIONARIES)
    return found


def told(tables: Tables, folder: Path, *arguments: str) -> list[str]:
    """What the command prints."""
    file = folder / "segments.yaml"
    file.write_text(DEFINITIONS)
    environ = {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}
    environ["KAFKA_BOOTSTRAP_SERVERS"] = "127.0.0.1:1"
    environ["KAFKA_ANSWER_TIMEOUT_S"] = "1"
    found = CliRunner().invoke(app, ["segment", *arguments, "--file", str(file)], env=environ)
    if found.exception:
        raise found.exception
    return found.stdout.splitlines()


def test_a_segment_that_stands_twice_in_a_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "twice.yaml"
    file.write_text(DEFINITIONS + "  - {segment: viewers, where: {did: {event: Home}}}\n")
    found = CliRunner().invoke(app, ["segment", "viewers", "--file", str(file)])
    assert isinstance(found.exception, BadSegment)
    assert "main/viewers stands there twice" in str(found.exception)


def test_a_list_that_is_not_there_is_told(tables: Tables, tmp_path: Path) -> None:
    file = tmp_path / "listed.yaml"
    file.write_text("segment: listed\nwhere: {any: [{in_list: vip}, {in_list: staff}]}")
    tables.client.insert(
        "lists", [["main", "vip", 101, 1]], column_names=["workspace", "list", "node", "version"]
    )
    environ = {"CLICKHOUSE_URL": tables.settings.url, "STITCHLINE_DATABASE": tables.settings.database}
    found = CliRunner().invoke(app, ["segment", "listed", "--file", str(file), "--preview"], env=environ)
    assert json.loads(found.stdout)["size"] == 1
    assert found.stderr.splitlines() == [
        "list staff is not there, so nobody is on it: load it with `stitchline list staff FILE`, or mend its name"
    ]


def test_days_are_those_of_the_deployments_zone_where_a_segment_names_none(tmp_path: Path) -> None:
    file = tmp_path / "daily.yaml"
    file.write_text("segment: daily\nwhere: {did: {event: Home, window: {calendar: {this: day}}}}")
    arguments = ["segment", "daily", "--file", str(file), "--sql", "--at", "2026-03-01T12:00:00Z"]

    def begins(**environ: str) -> bool:
        return "2026-03-01 00:00:00" in CliRunner().invoke(app, arguments, env=environ).stdout

    assert begins()
    assert not begins(SEGMENT_TIMEZONE="Europe/Berlin")
    wrong = CliRunner().invoke(app, arguments, env={"SEGMENT_TIMEZONE": "Europe/Belin"})
    assert isinstance(wrong.exception, SettingsError)
    assert "Europe/Belin" in str(wrong.exception)


def test_without_a_name_all_are_listed(tables: Tables, tmp_path: Path) -> None:
    assert told(tables, tmp_path) == ["others", f"{'viewers':<30} They looked at something."]


def test_a_segment_is_shown_as_it_can_be_applied(tables: Tables, tmp_path: Path) -> None:
    assert told(tables, tmp_path, "others") == [
        "segment: others",
        "where:",
        "  not:",
        "    in_segment: viewers",
    ]


def test_its_query_runs_as_it_is_printed(tables: Tables, tmp_path: Path) -> None:
    sql = "\n".join(told(tables, tmp_path, "others", "--sql"))
    assert tables.client.query(sql, settings={"database": "default"}).result_rows == [(102, [0])]


def test_a_preview_is_its_size_some_members_and_the_cost(tables: Tables, tmp_path: Path) -> None:
    found = json.loads("\n".join(told(tables, tmp_path, "viewers", "--preview")))
    assert (found["size"], found["some"], found["is_exact"]) == (1, [f"{101:016x}"], True)
    assert found["cost"]["rows"] > 0


def test_members_of_a_past_date_are_those_of_then(tables: Tables, tmp_path: Path) -> None:
    assert told(tables, tmp_path, "viewers", "--at", VIEWED_AT) == []
    assert told(tables, tmp_path, "viewers", "--at", "2023-11-14T22:13:21.001Z") == [f"{101:016x}"]


def test_with_the_identities_of_then_a_device_is_its_own_before_it_was_linked(
    tables: Tables, tmp_path: Path
) -> None:
    """The pointers are of START_MS; before, nobody was known."""
    asked = ("viewers", "--at", "2024-01-01", "--identity", "then")
    assert told(tables, tmp_path, *asked) == [f"{101:016x}"]
    assert told(tables, tmp_path, *asked, "--known-at", "2023-11-14T22:13:20Z") == []


def test_a_segment_that_is_not_there_is_told_with_those_that_are(tables: Tables, tmp_path: Path) -> None:
    with pytest.raises(BadSegment, match="no segment nobody in workspace main; there are: others, viewers"):
        told(tables, tmp_path, "nobody")


def test_identities_of_then_are_those_of_the_moment_unless_another_is_told() -> None:
    assert moments("1970-01-01T00:00:05Z", "", "then", START_MS) == Moments(5_000, 5_000, True)
    assert moments("", "1970-01-01", "now", START_MS) == Moments(START_MS, 0, False)


@pytest.mark.parametrize(
    ("at", "identity", "told"), [("soon", "now", "'soon' is no instant"), ("", "once", "not 'once'")]
)
def test_what_is_no_moment_and_no_identity_is_refused(at: str, identity: str, told: str) -> None:
    with pytest.raises(BadSegment, match=told):
        moments(at, "", identity, START_MS)


def test_why_somebody_is_not_in_it_is_told_leaf_by_leaf(tables: Tables, tmp_path: Path) -> None:
    head, *lines, last = told(tables, tmp_path, "viewers", "--why", "a:d1", "--at", "2024-01-01")
    assert head == (
        f"profile {102:016x} is not in viewers as of 2024-01-01 00:00:00.000 UTC (+ true, - false, * decides)"
    )
    assert lines == [
        "  -* segment viewers",
        '    +  people {"known":true,"bots":"exclude"}',
        '    -* did {"event":"Product Viewed"}  found: 0',
    ]
    assert last == "nothing that time alone brings is known to change this"
    found = json.loads("\n".join(told(tables, tmp_path, "viewers", "--why", "a:d1", "--json")))
    assert found["is_member"] is False


def test_a_condition_as_one_line_can_be_asked_before_it_is_a_segment(tables: Tables, tmp_path: Path) -> None:
    line = 'did "Product Viewed" or not in segment "viewers"'
    found = json.loads("\n".join(told(tables, tmp_path, "--expression", line, "--preview")))
    assert found["size"] == 2
    shown = told(tables, tmp_path, "mine", "--expression", line)
    assert shown[:3] == ["segment: mine", "where:", "  any:"]
    assert told(tables, tmp_path, "mine", "--expression", line, "--line") == [line]
    assert told(tables, tmp_path, "others", "--line") == ['not in segment "viewers"']
    with pytest.raises(BadSegment, match="expression, character 28, after"):
        told(tables, tmp_path, "--expression", 'did "Product Viewed" last 3')
