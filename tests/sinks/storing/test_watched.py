"""Sink processes show how far behind they are, and end themselves when an insert never ends."""

import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.engines import free_port, wait_until
from tests.sinks.stage import PATIENCE_S, Stage, Tables, Topics, event

EVENTS = "events.resolved"


@pytest.fixture
def stage(kafka: str, topic_prefix: str, clickhouse: str, database: str, tmp_path: Path) -> Stage:
    return Stage(Topics(kafka, topic_prefix), Tables(clickhouse, database), tmp_path)


class Trickle:
    """An HTTP server whose answers never end: a byte now and then, so that no time-out strikes."""

    def __init__(self) -> None:
        self._ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def close(self) -> None:
        self._ended.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self._threads.append(threading.Thread(target=self._answer, args=(connection,)))
                self._threads[-1].start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.recv(1 << 16)
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self._ended.wait(0.1):
                connection.sendall(b"1\r\nx\r\n")


@pytest.fixture
def trickle() -> Iterator[Trickle]:
    server = Trickle()
    yield server
    server.close()


def shown(port: int, name: str) -> dict[str, float]:
    """One metric's values by partition or phase; nothing while the process does not answer."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
            text = answer.read().decode()
    except OSError:
        return {}
    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    return {
        sample.labels.get("partition") or sample.labels["phase"]: sample.value
        for sample in samples
        if sample.name == name
    }


def ages(port: int) -> list[float]:
    return list(shown(port, "stitchline_sink_lag_seconds").values())


def test_an_insert_that_never_ends_ends_the_process(stage: Stage, trickle: Trickle) -> None:
    stage.topics.send(EVENTS, [event(number) for number in range(4)])
    limits = {"SINK_INSERT_TIMEOUT_S": "2", "WATCHDOG_STALL_S_MAX": "1"}
    with stage.sink("events", CLICKHOUSE_URL=trickle.url, **limits) as process:
        assert process.wait(60) == 70
        said = process.said()
    assert '"this process hangs, and ends"' in said
    assert "of sink events: no sign of life" in said
    assert "attended.py" in said


def test_lag_is_shown_while_clickhouse_is_away_and_gone_when_all_is_stored(stage: Stage) -> None:
    count, port = 20, free_port()
    watched = {"SINK_METRICS_PORT": str(port), "WATCHDOG_SURVEY_S": "0.3"}
    stage.topics.send(EVENTS, [event(number) for number in range(count)])
    nowhere = f"http://127.0.0.1:{free_port()}"
    with stage.sink("events", CLICKHOUSE_URL=nowhere, **watched):
        each = count // 2 + 1  # with the transaction's marker
        lags = {"0": each, "1": each}
        wait_until(lambda: shown(port, "stitchline_sink_lag_rows") == lags, PATIENCE_S, "lag is shown")
        wait_until(lambda: len(ages(port)) == 2 and min(ages(port)) > 0, PATIENCE_S, "lag has an age")
        wait_until(
            lambda: shown(port, "stitchline_sink_partitions").get("held") == 2, PATIENCE_S, "they are held"
        )
    with stage.sink("events", **watched):
        none = {"0": 0.0, "1": 0.0}
        wait_until(lambda: shown(port, "stitchline_sink_lag_rows") == none, PATIENCE_S, "nothing is behind")
        assert ages(port) == [0.0, 0.0]
    assert stage.tables.row("SELECT count() FROM events_resolved") == (count,)
