"""More than one worker: the collector's process again and again on one port, which the kernel shares out (Linux).

Each worker's standard input is a pipe of ours, so that it ends when we do, even by SIGKILL. A worker that dies ends all,
so that whoever supervises us sees it and starts us again.
"""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from types import FrameType

import structlog

from collector.siblings import open_meeting
from runtime.environment.settings import CollectorSettings
from runtime.parent import LEASHED, end_with_parent
from runtime.ports import refuse_taken_port as refuse_taken

log = structlog.get_logger()

SHARES_PORT = "STITCHLINE_COLLECTOR_WORKER"
POLL_S = 0.1
GRACE_S = 10  # beyond a worker's own stop_timeout_s


def refuse_taken_port(host: str, port: int, environ: Mapping[str, str]) -> None:
    """Raises PortTaken, except for a worker, whose port is shared on purpose."""
    if environ.get(SHARES_PORT) != "1":
        refuse_taken(host, port, "COLLECTOR_PORT")


def run_workers(environ: Mapping[str, str], settings: CollectorSettings) -> int:
    """Start the workers and wait until told to stop or one of them ends; the exit code."""
    refuse_taken_port(settings.host, settings.port, environ)
    stopping: list[int] = []

    def on_signal(number: int, _frame: FrameType | None) -> None:
        stopping.append(number)

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    end_with_parent(environ, lambda: stopping.append(signal.SIGTERM))
    own = dict(environ) | {"COLLECTOR_WORKERS": "1", SHARES_PORT: "1", LEASHED: "1"}
    meeting = open_meeting(settings.workers)
    workers = [
        _start(own | meeting.environment(place), heard_at.fileno())
        for place, heard_at in enumerate(meeting.sockets)
    ]
    log.info("workers started", pids=[worker.pid for worker in workers])
    while not stopping and all(worker.poll() is None for worker in workers):
        time.sleep(POLL_S)
    return _stop(workers, settings.stop_timeout_s + GRACE_S) if stopping else _stop(workers, GRACE_S) or 1


def _start(environ: Mapping[str, str], inherited: int) -> "subprocess.Popen[bytes]":
    argv = [sys.executable, "-m", "collector"]
    return subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE, pass_fds=[inherited])


def _stop(workers: "list[subprocess.Popen[bytes]]", timeout_s: float) -> int:
    for worker in workers:
        worker.terminate()
    deadline = time.monotonic() + timeout_s
    for worker in workers:
        try:
            worker.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
    codes: list[int] = [worker.returncode for worker in workers]
    return max(map(abs, codes))
