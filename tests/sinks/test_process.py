"""Whole sink processes between a real broker and a real engine: every record once, whatever dies."""

import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from schemas.wire.codec import encode_dead_letter, encode_ledger_entry
from sinks.storing.tables import SINKS
from tests import plain_http
from tests.engines import free_port
from tests.sinks.stage import START_MS, Stage, Tables, Topics, event, pointer, stop, until

COUNT = "SELECT count(), uniqExact(message_id) FROM events_resolved"
EVENTS = "events.resolved"


@pytest.fixture
def stage(kafka: str, topic_prefix: str, clickhouse: str, database: str, tmp_path: Path) -> Stage:
    return Stage(Topics(kafka, topic_prefix), Tables(clickhouse, database), tmp_path)


class Door:
    """An address that can be shut: what a client sees while a server is away."""

    def __init__(self, target: str) -> None:
        host, port = target.removeprefix("http://").split(":")
        self._target = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._is_open = threading.Event()
        self._pairs: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def open(self) -> None:
        self._is_open.set()

    def shut(self) -> None:
        self._is_open.clear()
        while self._pairs:
            self._end(self._pairs.pop())

    def close(self) -> None:
        self._end(self._listener)
        self.shut()
        self._thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            if not self._is_open.is_set():
                near.close()
                continue
            far = socket.create_connection(self._target)
            self._pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, sink), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        self._end(source)
        self._end(sink)

    def _end(self, connection: socket.socket) -> None:
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()


@pytest.fixture
def door(clickhouse: str) -> Iterator[Door]:
    made = Door(clickhouse)
    yield made
    made.close()


def test_every_event_of_committed_transactions_is_stored_once_and_no_other(stage: Stage) -> None:
    for batch in range(4):
        stage.topics.send(EVENTS, [event(n) for n in range(batch * 500, batch * 500 + 500)])
        stage.topics.send(EVENTS, [event(n) for n in range(9_000, 9_100)], commit=False)
    with stage.sink("events") as process:
        stage.until(COUNT, 2000, 2000)
        stage.topics.send(EVENTS, [event(n) for n in range(2000, 2010)])
        stage.until(COUNT, 2010, 2010)
        assert stop(process) == 0
    with stage.sink("events") as process:  # nothing is read again
        stage.topics.send(EVENTS, [event(2010)])
        stage.until(COUNT, 2011, 2011)
        assert stop(process) == 0


def test_all_sinks_run_in_one_process(stage: Stage) -> None:
    letter = dict.fromkeys(
        ("workspace", "source", "stage", "reason", "detail", "fingerprint", "message_id"), "x"
    )
    place = {"received_at": START_MS, "payload": b"{", "raw_partition": -1, "raw_offset": 0, "raw_index": 0}
    entry = {"workspace": "w", "source": "s", "stage": "resolve", "minute": START_MS, "outcome": "resolved"}
    with stage.sink(*SINKS) as process:
        stage.topics.send(EVENTS, [event(n) for n in range(100)])
        stage.topics.send("events.dead", [encode_dead_letter(letter | place)] * 30)
        stage.topics.send("ledger", [encode_ledger_entry(entry | {"events": n}) for n in range(100)])
        stage.until(COUNT, 100, 100)
        stage.until("SELECT count() FROM dead_letters", 30)
        stage.until("SELECT sum(events) FROM ledger", 4950)
        assert stop(process) == 0


def test_the_ledger_waits_for_more_rows_while_events_do_not(stage: Stage) -> None:
    entry = {"workspace": "w", "source": "s", "stage": "resolve", "minute": START_MS, "outcome": "resolved"}
    stage.topics.send("ledger", [encode_ledger_entry(entry | {"events": 1})] * 10)
    with stage.sink("events", "ledger", SINK_LEDGER_AGE_MS_MAX="3600000") as process:
        stage.topics.send(EVENTS, [event(n) for n in range(10)])
        stage.until(COUNT, 10, 10)
        assert stage.tables.row("SELECT count() FROM ledger") == (0,)
        assert stop(process) == 0
    with stage.sink("ledger"):
        stage.until("SELECT sum(events) FROM ledger", 10)


def test_a_sink_that_is_killed_in_mid_flight_loses_and_doubles_nothing(stage: Stage) -> None:
    total = 1200
    stage.topics.send(EVENTS, [event(n) for n in range(total)])
    for share in (1, 3, 5):
        with stage.sink("events", SINK_BLOCK_ROWS_MAX="50") as process:
            reached = total * share // 10
            until(lambda floor=reached: stage.tables.row("SELECT count() FROM events")[0] >= floor, True)  # type: ignore[misc]
            process.kill()
    with stage.sink("events"):
        stage.until(COUNT, total, total)
    assert stage.tables.row("SELECT count() FROM identifiers FINAL") == (50,)


def test_a_frozen_sink_that_wakes_up_after_its_successor_doubles_nothing(stage: Stage) -> None:
    stage.topics.send(EVENTS, [event(n) for n in range(1000)])
    settings = {"SINK_BLOCK_ROWS_MAX": "50"}
    with stage.sink("events", **settings, SINK_INSTANCE_ID="a") as frozen:
        until(lambda: stage.tables.row("SELECT count() FROM events")[0] > 150, True)
        frozen.signal(signal.SIGSTOP)
        with stage.sink("events", **settings, SINK_INSTANCE_ID="b") as heir:
            until(lambda: "partitions assigned" in heir.said(), True)
            frozen.signal(signal.SIGCONT)
            stage.until(COUNT, 1000, 1000)
            stage.topics.send(EVENTS, [event(n) for n in range(1000, 1100)])
            stage.until(COUNT, 1100, 1100)


def test_a_sink_whose_name_another_one_took_ends_and_the_other_goes_on(stage: Stage) -> None:
    """A broker that was restarted may take a sink's own earlier self for the other: a new process mends that."""
    stage.topics.send(EVENTS, [event(n) for n in range(100)])
    with stage.sink("events", SINK_INSTANCE_ID="a") as first:
        stage.until(COUNT, 100, 100)
        with stage.sink("events", SINK_INSTANCE_ID="a"):
            assert first.wait(60) == 70
            assert "sink failed" in first.said()
            stage.topics.send(EVENTS, [event(n) for n in range(100, 200)])
            stage.until(COUNT, 200, 200)


def test_two_sinks_share_the_partitions_and_one_takes_over(stage: Stage) -> None:
    stage.topics.send(EVENTS, [event(n) for n in range(1000)])
    with (
        stage.sink("events", SINK_INSTANCE_ID="a", SINK_BLOCK_ROWS_MAX="50") as first,
        stage.sink("events", SINK_INSTANCE_ID="b", SINK_BLOCK_ROWS_MAX="50"),
    ):
        until(lambda: stage.tables.row("SELECT count() FROM events")[0] > 150, True)
        first.kill()
        stage.until(COUNT, 1000, 1000)


def test_while_clickhouse_is_away_the_sink_waits_and_then_stores_everything_once(
    stage: Stage, door: Door
) -> None:
    stage.topics.send(EVENTS, [event(n) for n in range(1000)])
    with stage.sink("events", CLICKHOUSE_URL=door.url, SINK_BLOCK_ROWS_MAX="100") as process:
        until(lambda: process.said().count("waiting to store") > 2, True)
        door.open()
        until(lambda: stage.tables.row("SELECT count() FROM events")[0] > 0, True)
        door.shut()
        stage.topics.send(EVENTS, [event(n) for n in range(1000, 1500)])
        door.open()
        stage.until(COUNT, 1500, 1500)
        assert stop(process) == 0


def test_strangers_on_the_topic_become_dead_letters_and_stop_nobody(stage: Stage) -> None:
    good = [event(n) for n in range(100)]
    broken = good[7][:-9]
    strangers = [b"", b"{}", b"\x00\x00\x00\x00\x63body", pointer(1, 2), broken]
    stage.topics.send(EVENTS, [*good[:50], *strangers, None, *good[50:]])
    with stage.sink("events"):
        stage.until(COUNT, 100, 100)
        stage.until("SELECT count() FROM dead_letters", len(strangers))
    found = stage.tables.rows("SELECT hex(payload), reason, stage FROM dead_letters")
    assert sorted(found) == sorted(
        (value.hex().upper(), "refused_row" if value is broken else "unreadable_record", "sink")
        for value in strangers
    )


def test_a_changed_pointer_shows_in_the_views_after_the_sinks_own_reload(stage: Stage) -> None:
    stage.topics.send(EVENTS, [event(1, subject=7), event(2, subject=8)])
    profiles = (
        "SELECT groupArray(profile_id) FROM (SELECT profile_id FROM events_resolved ORDER BY message_id)"
    )
    with stage.sink("events", "pointers"):
        stage.until(profiles, [f"{7:016x}", f"{8:016x}"])
        stage.topics.send("identity.pointers", [pointer(7, 9)])
        stage.until(profiles, [f"{9:016x}", f"{8:016x}"])
        stage.topics.send("identity.pointers", [pointer(8, 9), pointer(9, 3)])
        stage.until(profiles, [f"{3:016x}", f"{3:016x}"])
        stage.topics.send("identity.pointers", [pointer(7, 7, 2)])
        stage.until(profiles, [f"{7:016x}", f"{3:016x}"])


def test_a_sink_without_its_tables_ends_with_a_clear_line(stage: Stage) -> None:
    stage.tables.client.command("DROP TABLE events_in")
    stage.topics.send(EVENTS, [event(1)])
    with stage.sink("events") as process:
        assert process.wait() == 70
        assert "UNKNOWN_TABLE" in process.said()


def test_sinks_are_ready_when_their_groups_and_clickhouse_have_answered(stage: Stage, door: Door) -> None:
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    with stage.sink("events", "pointers", CLICKHOUSE_URL=door.url, SINK_METRICS_PORT=port) as process:
        until(lambda: process.said().count("partitions assigned"), 2)
        assert status(f"{url}/livez") == 200
        assert status(f"{url}/readyz") == 503
        until(lambda: "not ready: waiting for ClickHouse" in process.said(), True)
        door.open()
        until(lambda: status(f"{url}/readyz"), 200)
        assert status(f"{url}/metrics") == 200
        assert stop(process) == 0


def test_sinks_are_not_ready_before_kafka_has_answered(stage: Stage) -> None:
    port = str(free_port())
    url = f"http://127.0.0.1:{port}"
    nowhere = f"127.0.0.1:{free_port()}"
    with stage.sink("events", KAFKA_BOOTSTRAP_SERVERS=nowhere, SINK_METRICS_PORT=port) as process:
        until(lambda: status(f"{url}/livez"), 200)
        assert status(f"{url}/readyz") == 503
        assert stop(process) == 0


def status(url: str) -> int:
    """0 when nobody answers."""
    try:
        return plain_http.get(url, timeout=30).status_code
    except httpx.TransportError:
        return 0


def test_a_sink_ends_when_its_parent_does(stage: Stage) -> None:
    with stage.sink("events", STITCHLINE_LEASHED="1") as process:
        until(lambda: "partitions assigned" in process.said(), True)
        process.close_stdin()
        assert process.wait() == 0


def test_an_unknown_sink_is_named_with_those_there_are(stage: Stage) -> None:
    with stage.sink("evnets") as process:
        assert process.wait() != 0
        assert f"no sink is named 'evnets'; there are {', '.join(SINKS)}, abandoned" in process.said()


def test_personal_data_that_clickhouse_quotes_is_kept_in_the_letter_and_logged_nowhere(stage: Stage) -> None:
    stage.tables.client.command(
        "CREATE MATERIALIZED VIEW numbers_mv ENGINE = Memory AS SELECT toUInt32(message_id) AS n FROM events_in"
    )
    stage.topics.send(EVENTS, [event(1, message_id="ann@example.com")])
    with stage.sink("events", SINK_REFUSED_RECORDS_MAX="0") as process:
        assert process.wait() == 70
        assert "CANNOT_PARSE_TEXT" in process.said()
        assert "ann@" not in process.said()
    with stage.sink("events") as process:
        stage.until("SELECT count(), countIf(detail LIKE '%ann@example.com%') FROM dead_letters", 1, 1)
        assert stop(process) == 0
        assert "events.resolved-0-0-1" in process.said()
        assert "ann@" not in process.said()
