"""`stitchline up` as a user runs it: an event goes in by HTTP and is a person in SQL; a killed start carries on and leaves
nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path
from typing import Any

import clickhouse_connect
import psutil
import pytest

SETTLE_S = 60
START_S = 90
pytestmark = pytest.mark.timeout(300)


class Up:
    """One `stitchline up` on free ports."""

    def __init__(self, data: Path) -> None:
        environ = {
            key: value
            for key, value in os.environ.items()
            if key not in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
        }
        ports = ["--collector-port", "0", "--kafka-port", "0", "--clickhouse-port", "0"]
        self.log = (data.parent / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "up", "--data", str(data), *ports],
            env=environ, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, (data.parent / "up.log").read_text()[-3000:]
        self.addresses: dict[str, Any] = json.loads(line)
        self.family = psutil.Process(self.process.pid).children(recursive=True)
        self.sql = clickhouse_connect.get_client(dsn=self.addresses["clickhouse"], database="stitchline")

    def post(self, path: str, body: object) -> int:
        request = urllib.request.Request(
            self.addresses["collector"] + path,
            data=json.dumps(body).encode(),
            headers={"Authorization": "Basic " + b64encode(b"dev:").decode()},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)

    def ask(self, sql: str) -> list[Any]:
        return [list(row) for row in self.sql.query(sql).result_rows]

    def end(self, number: signal.Signals) -> None:
        """Returns when the process and all its descendants are gone."""
        self.process.send_signal(number)
        self.process.wait(60)
        assert self.process.stdout
        self.process.stdout.close()
        self.log.close()
        self.sql.close()
        _, alive = psutil.wait_procs(self.family, timeout=45)
        assert not alive, f"left behind: {[process.cmdline() for process in alive]}"


def until(ask: Callable[[], object], wanted: object) -> None:
    end = time.monotonic() + SETTLE_S
    while (found := ask()) != wanted:
        assert time.monotonic() < end, f"found {found}, wanted {wanted}"
        time.sleep(0.1)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


JOURNEY = """
SELECT type, anonymous_id, user_id FROM events_resolved
WHERE profile_id = (SELECT profile_id FROM profiles WHERE user_id = 'ann') ORDER BY timestamp"""


def test_a_stack_survives_its_own_death_and_keeps_what_it_accepted(data: Path) -> None:
    up = Up(data)
    assert set(up.addresses) == {"collector", "console", "clickhouse", "kafka", "write_key", "data"}
    assert (
        up.post("/v1/page", {"anonymousId": "d1", "name": "Home", "timestamp": "2026-01-01T10:00:00Z"}) == 200
    )
    assert (
        up.post("/v1/identify", {"anonymousId": "d1", "userId": "ann", "timestamp": "2026-01-02T10:00:00Z"})
        == 200
    )
    until(lambda: up.ask(JOURNEY), [["page", "d1", ""], ["identify", "d1", "ann"]])

    for number in range(200):  # some are on their way when everything is killed
        assert up.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": f"m{number}"}) == 200
    up.end(signal.SIGKILL)

    again = Up(data)
    until(lambda: again.ask("SELECT count(), uniqExact(message_id) FROM events_resolved"), [[202, 202]])
    assert again.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": "m7"}) == 200
    assert again.post("/v1/track", {"userId": "ann", "event": "Clicked Again", "messageId": "m200"}) == 200
    until(lambda: again.ask("SELECT count() FROM events_resolved WHERE event = 'Clicked Again'"), [[1]])
    assert again.ask("SELECT count() FROM events_resolved") == [[203]], "what was sent again is a duplicate"
    again.end(signal.SIGTERM)

    third = Up(data)
    assert third.ask("SELECT count() FROM events_resolved") == [[203]]
    assert third.post("/v1/page", {"anonymousId": "d1", "name": "Home"}) == 200
    until(lambda: third.ask("SELECT events FROM profiles WHERE user_id = 'ann'"), [[204]])
    third.end(signal.SIGINT)


def test_a_child_that_is_killed_is_started_again_and_loses_nothing(data: Path) -> None:
    up = Up(data)
    for number, stage in enumerate(("processor", "sink", "collector")):
        victim = next(p for p in up.family if p.is_running() and stage in p.cmdline())
        victim.kill()
        until(lambda stage=stage, number=number: _accepted(up, f"{stage}-{number}"), True)  # type: ignore[misc]
    until(lambda: up.ask("SELECT count() FROM events_resolved"), [[3]])
    up.family = psutil.Process(up.process.pid).children(recursive=True)
    up.end(signal.SIGTERM)


def _accepted(up: Up, message_id: str) -> bool:
    try:
        return up.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": message_id}) == 200
    except OSError:
        return False
