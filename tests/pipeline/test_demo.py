"""The demonstration itself: the README's first command, on its own engines; and the ready queries on what it left."""

import signal
import subprocess
import sys
import urllib.parse
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import clickhouse_connect
import msgspec
import pytest
from clickhouse_connect.driver.client import Client

from deploy import queries
from deploy.demo import javascript
from deploy.demo.examine import AtTheDoor, Outcome, at_the_door, conservation, examine
from deploy.demo.oracle import Expected, expect
from deploy.demo.report import report
from deploy.demo.run import KEPT, Wanted
from runtime.environment.settings import ClickHouseSettings
from tests import engines

DEMO = [sys.executable, "-m", "deploy", "demo"]
PERSON = "user-0000"
TAKEN = "SELECT sum(events) FROM ledger WHERE outcome = 'accepted'"
pytestmark = pytest.mark.timeout(600)


class Left(msgspec.Struct, frozen=True):
    """What a demonstration left in a folder that it was told to keep, with ClickHouse started on it once more."""

    printed: str
    expected: Expected
    clickhouse: str
    client: Client
    now: datetime

    def examined(self, expected: Expected) -> Outcome:
        """The collector's own count ended with it: here it is the resolver's."""
        passed_on = self.client.query(TAKEN).result_rows[0][0]
        return examine(self.client, expected, PERSON, AtTheDoor(int(passed_on), turned_away=0))


@pytest.fixture(scope="module")
def left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    data = tmp_path_factory.mktemp("demo") / "data"
    ran = subprocess.run(
        [*DEMO, "--data", str(data)], capture_output=True, text=True, timeout=400, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr[-4000:]
    wanted = msgspec.json.decode((data / KEPT).read_bytes(), type=Wanted)
    expected = expect(wanted.traffic(), wanted.now)
    with engines.embedded_clickhouse(data) as url:
        client = clickhouse_connect.get_client(dsn=url, database="stitchline", autogenerate_session_id=False)
        yield Left(ran.stdout, expected, url, client, wanted.now)
        client.close()


def test_the_demonstration_shows_people_and_every_number_is_right(left: Left) -> None:
    printed = left.printed
    assert "WRONG" not in printed
    assert "by what came later" in printed
    assert "events/s" in printed
    assert ("by the pixel, in Chromium" in printed) is (javascript.browser() is not None)
    found = conservation(left.client)
    assert found.stored == left.expected.stored
    conserved = (
        f"accepted {found.accepted:,} = stored {found.stored:,} + duplicates {found.duplicates:,} "
        f"+ dead letters {found.dead_letters:,}"
    )
    assert printed.endswith(f"{conserved}\nevery number is right\n")


def test_its_report_is_two_screens(left: Left) -> None:
    assert len(left.printed.splitlines()) <= 80


def test_what_it_left_is_still_right(left: Left) -> None:
    outcome = left.examined(left.expected)
    assert outcome.is_right, report(outcome, left.expected, PERSON)


@pytest.mark.parametrize("name", [name for name in Expected.__struct_fields__ if name != "journey_known"])
def test_a_number_that_is_not_as_it_must_be_is_found_and_told(name: str, left: Left) -> None:
    """One expectation is changed at a time: each has a check that bites."""
    wrong = msgspec.structs.replace(left.expected, **{name: changed(getattr(left.expected, name))})
    outcome = left.examined(wrong)
    printed = report(outcome, wrong, PERSON)
    assert not outcome.is_right
    assert printed[-1] == "SOME NUMBERS ARE WRONG"
    told = [line for line in printed if "WRONG " in line]
    assert told
    assert all("expected" in line for line in told)


def test_the_collectors_own_counts_are_read_from_its_metrics() -> None:
    metrics = """\
# TYPE stitchline_collector_accepted_events counter
stitchline_collector_accepted_events_total{source="a"} 5.0
stitchline_collector_accepted_events_total{source="b"} 2.0
# TYPE stitchline_collector_requests counter
stitchline_collector_requests_total{path="/v1/batch",status="200"} 3.0
stitchline_collector_requests_total{path="/v1/batch",status="503"} 1.0
"""
    assert at_the_door(metrics) == AtTheDoor(passed_on=7, turned_away=1)


def changed(value: Any) -> Any:
    match value:
        case int():
            return value + 1
        case dict():
            return value | {"no_identifier": 1}
        case _:
            return value[1:]


def parameters(name: str, now: datetime) -> dict[str, str | list[str]]:
    """Its defaults, which are a shop's, and a person where it wants one."""
    query = queries.ready(name)
    return query.filled({each.name: PERSON for each in query.parameters if each.default is None}, now)


def test_every_ready_query_has_an_answer_over_http(left: Left) -> None:
    """As the README says: the file as it is, posted to ClickHouse."""
    for name in queries.names():
        asked = {"database": "stitchline", "default_format": "JSON"}
        asked |= {f"param_{each}": str(value) for each, value in parameters(name, left.now).items()}
        text = queries.ready(name).text.encode()
        with urllib.request.urlopen(
            f"{left.clickhouse}/?{urllib.parse.urlencode(asked)}", text, 60
        ) as answer:
            assert msgspec.json.decode(answer.read())["data"], name


def test_every_ready_query_is_a_table_on_the_command_line(left: Left) -> None:
    settings = ClickHouseSettings(url=left.clickhouse)
    for name in queries.names():
        given = {each: value for each, value in parameters(name, left.now).items() if isinstance(value, str)}
        assert "┌" in queries.ask(settings, name, given, left.now), name


@pytest.mark.parametrize("said", [PERSON, "user-0000@mail.example"])
def test_a_journey_is_found_by_what_names_the_person(said: str, left: Left) -> None:
    rows = left.client.query(queries.ready("journey").sql, parameters={"person": said}).result_rows
    assert len(rows) == len(left.expected.journey)


def test_a_journey_is_found_by_a_device(left: Left) -> None:
    device = left.expected.journey[0].device
    rows = left.client.query(queries.ready("journey").sql, parameters={"person": device}).result_rows
    assert len(rows) == len(left.expected.journey)


def test_the_latest_people_and_minutes_add_up(left: Left) -> None:
    people = left.client.query(queries.ready("people").sql).result_rows
    assert [row[5] for row in people] == sorted((row[5] for row in people), reverse=True)
    minutes = left.client.query(queries.ready("events_per_minute").sql).result_rows
    assert sum(row[1] for row in minutes) == left.expected.stored


def test_the_demonstration_refuses_a_folder_that_is_not_new(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = subprocess.run(
        [*DEMO, "--data", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert "is not empty" in ran.stderr


def test_a_demonstration_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        DEMO, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={"TMPDIR": str(tmp_path)}
    )
    assert process.stderr
    assert "starting" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    told = process.stderr.read()
    assert process.wait(60) == 130, told
    process.stderr.close()
    assert "stopped before the end" in told
    assert not list(tmp_path.iterdir())
