"""A real console as a process of its own, over tables of its own and a control topic of its own."""

import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from schemas.configuration.configuration_file import parse_file
from tests import plain_http
from tests.engines import free_port, wait_until
from tests.forked import Forked

WAIT_S = 60.0
KEY = "a-server-key"


class Console(msgspec.Struct):
    url: str
    process: Forked
    log: Path

    def ask(self, path: str, *, key: str = KEY, method: str = "GET", **more: Any) -> httpx.Response:
        auth = (key, "") if key else None
        return plain_http.request(method, self.url + path, auth=auth, timeout=WAIT_S, **more)

    def answers(self, path: str) -> int:
        """The status, 0 while nobody answers."""
        try:
            return self.ask(path).status_code
        except httpx.TransportError:
            return 0


@contextmanager
def console(environ: Mapping[str, str], log: Path, *, ready: bool = True) -> Iterator[Console]:
    port = free_port()
    own = os.environ | dict(environ) | {"CONSOLE_PORT": str(port)}
    with log.open("ab") as out:
        process = Forked("console", env=own, stdin=subprocess.PIPE, stdout=out)
    found = Console(f"http://127.0.0.1:{port}", process, log)
    try:
        wait_until(
            lambda: found.answers("/ready" if ready else "/healthz") == 200, WAIT_S, "the console answers"
        )
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)
        assert process.stdin is not None
        process.stdin.close()


def add_keys(kafka: KafkaSettings, *keys: dict[str, Any]) -> None:
    write_control(kafka, dict(parse_file({"server_keys": list(keys)})), "test")
