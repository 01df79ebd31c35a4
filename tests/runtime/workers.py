"""Worker processes for the tests: toy_worker.py, started, killed and waited for."""

import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from tests.forked import Forked
from tests.runtime.topic_log import eventually

TOY = "tests.runtime.toy_worker"


class WorkerProcess:
    """One worker; its log goes to a file, which a failing test shows."""

    def __init__(self, environ: Mapping[str, str], log: Path) -> None:
        self._log = log.open("ab")
        self.log_path = log
        self._process = Forked(TOY, env=os.environ | environ, stdin=subprocess.PIPE, stdout=self._log)
        self._url = f"http://127.0.0.1:{environ['PROCESSOR_METRICS_PORT']}"

    def wait_ready(self) -> None:
        eventually(self._answers)

    def _answers(self) -> bool:
        assert self._process.poll() is None, self.log_path.read_text()[-4000:]
        try:
            with urllib.request.urlopen(f"{self._url}/readyz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def metric(self, name: str) -> dict[frozenset[tuple[str, str]], float]:
        """The samples of one name, by their labels."""
        with urllib.request.urlopen(f"{self._url}/metrics", timeout=10) as answer:
            families = list(text_string_to_metric_families(answer.read().decode()))
        samples = [sample for family in families for sample in family.samples if sample.name == name]
        return {frozenset(sample.labels.items()): sample.value for sample in samples}

    def kill(self) -> None:
        self._process.kill()
        self.wait()

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self.wait()

    def signal(self, number: int) -> None:
        self._process.send_signal(number)

    def let_go(self) -> int:
        """Close the pipe that a leashed process watches."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        return self.wait()

    def wait(self, timeout_s: float = 60) -> int:
        return self._process.wait(timeout_s)

    def close(self) -> None:
        if self._process.poll() is None:
            self.kill()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._log.close()


@contextmanager
def worker(environ: Mapping[str, str], log: Path) -> Iterator[WorkerProcess]:
    process = WorkerProcess(environ, log)
    try:
        yield process
    finally:
        process.close()
