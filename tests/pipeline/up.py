"""One `stitchline up` on free ports, as a test runs and asks it."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import clickhouse_connect
import psutil

from tests.engines import asking, delete_topics

SETTLE_S = 60


@contextmanager
def deployment(kafka: str, clickhouse: str) -> Iterator[dict[str, str]]:
    """Settings of a stack with topics and a database of its own on engines that are there: a third of a start's CPU is theirs."""
    name = uuid.uuid4().hex[:8]
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "CLICKHOUSE_URL": clickhouse,
        "STITCHLINE_TOPIC_PREFIX": f"up-{name}-",
        "STITCHLINE_DATABASE": f"up_{name}",
        "STITCHLINE_PARTITIONS": "2",
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
    }
    yield settings
    delete_topics(kafka, settings["STITCHLINE_TOPIC_PREFIX"])
    client = clickhouse_connect.get_client(dsn=clickhouse, autogenerate_session_id=False)
    client.command(f"DROP DATABASE IF EXISTS {settings['STITCHLINE_DATABASE']} SYNC")
    client.close()


class Up:
    """One `stitchline up` on free ports; `settings` are further variables, engines that are there already among them."""

    def __init__(self, data: Path, **settings: str) -> None:
        environ = {
            key: value
            for key, value in os.environ.items()
            if key not in ("KAFKA_BOOTSTRAP_SERVERS", "CLICKHOUSE_URL")
        } | settings
        ports = [
            "--collector-port",
            "0",
            "--console-port",
            "0",
            "--kafka-port",
            "0",
            "--clickhouse-port",
            "0",
        ]
        self.log = (data.parent / "up.log").open("ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deploy", "up", "--data", str(data), *ports],
            env=environ, stdout=subprocess.PIPE, stderr=self.log,
        )  # fmt: skip
        assert self.process.stdout
        line = self.process.stdout.readline()
        assert line, (data.parent / "up.log").read_text()[-3000:]
        self.addresses: dict[str, Any] = json.loads(line)
        self.renew_family()
        database = settings.get("STITCHLINE_DATABASE", "stitchline")
        self.sql = clickhouse_connect.get_client(dsn=self.addresses["clickhouse"], database=database)

    def renew_family(self) -> None:
        """Who must be gone in the end: all descendants of now."""
        self.family = psutil.Process(self.process.pid).children(recursive=True)

    def post(self, path: str, body: object, key: str = "dev") -> int:
        """The answer's status; raises OSError where nobody answers, HTTPError for another status than 200.

        Bytes are sent as they are.
        """
        headers = {"Authorization": "Basic " + b64encode(f"{key}:".encode()).decode()} if key else {}
        url = self.addresses["collector"] + path
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(url, data=content, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as reply:
            return int(reply.status)

    def status(self, path: str, body: object) -> int:
        """The status, whatever it is, of a call whose key is in the body."""
        try:
            return self.post(path, body, key="")
        except urllib.error.HTTPError as error:
            error.close()
            return error.code

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


def until(ask: Callable[[], object], wanted: object, patience_s: float = SETTLE_S) -> None:
    end = time.monotonic() + patience_s
    for _ in asking(it_stays=True):
        if (found := ask()) == wanted:
            return
        assert time.monotonic() < end, f"found {found}, wanted {wanted}"
