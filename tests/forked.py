"""Processes of ours, forked from one that has imported them: `python -m MODULE` costs a third to a whole second of CPU in imports
alone, and tests start hundreds.

All forks of a process have its seed of hashes, and go through sets in the same order. So there are two to fork from, by turns:
what depends on that order, between stages or a stage and its successor, is not hidden.

What runs is the same module with the same arguments, environment, folder and streams, to the same end of the interpreter. What
differs: its parent is the process that forked it, its command line is that one's, and modules were imported in the environment of
the tests. So what is said of a command line, of imports or of a start itself has a process of its own (tests/deploy/test_cli.py,
and every stage below `stitchline up`).
"""

import atexit
import contextlib
import gc
import importlib
import itertools
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NoReturn

import psutil

ROOT = Path(__file__).parents[1]
IMPORTED = (
    "collector.server",
    "console.refreshing.refresh_worker",
    "console.server",
    "deploy.cli",
    "processors.rules_worker",
    "processors.worker",
    "sinks.deliver",
    "sinks.worker",
)
REQUEST_BYTES_MAX = 1 << 18
STARTED_S_MAX = 60
ASKED_S = 0.5
FIRST_FD = 3
HASH_SEED = "PYTHONHASHSEED"  # read at a start alone


class Forked:
    """As a `subprocess.Popen` of `python -m MODULE ARGUMENTS` is used; its methods may be called from several threads."""

    def __init__(
        self,
        module: str,
        *arguments: str,
        env: Mapping[str, str],
        stdin: int | None = None,
        stdout: IO[bytes] | None = None,
        start_new_session: bool = False,
    ) -> None:
        """`stdin` is PIPE or nothing; standard error goes where `stdout` goes."""
        self.stdin: IO[bytes] | None = None
        self.returncode: int | None = None
        self._lock = threading.Lock()
        self._told, telling = os.pipe()
        self._words: list[bytes] = []
        reading = os.open(os.devnull, os.O_RDONLY)
        if stdin == subprocess.PIPE:
            os.close(reading)
            reading, writing = os.pipe()
            self.stdin = open(writing, "wb", buffering=0)  # noqa: SIM115 - closed by whoever asked for it
        out = (1, 2) if stdout is None else (stdout.fileno(),) * 2
        asked = {"module": module, "arguments": arguments, "env": dict(env), "session": start_new_session}
        try:
            next(_SOURCES).send(json.dumps(asked).encode(), [reading, *out, telling])
        finally:
            os.close(reading)
            os.close(telling)
        self.pid = int(self._word(STARTED_S_MAX) or _gone())

    def poll(self) -> int | None:
        with self._lock:
            if self.returncode is None and (word := self._word(0)):
                self.returncode = int(word)
                os.close(self._told)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Raises subprocess.TimeoutExpired."""
        end = None if timeout is None else time.monotonic() + timeout
        while self.poll() is None:
            left = ASKED_S if end is None else end - time.monotonic()
            if left <= 0:
                raise subprocess.TimeoutExpired(str(self.pid), timeout or 0.0)
            with contextlib.suppress(OSError):  # another thread has heard its end
                select.select([self._told], [], [], min(left, ASKED_S))
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        """To a process that has not ended: until its end is heard its number is nobody else's."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def _word(self, timeout_s: float) -> bytes:
        """A line of the source's: the process's number first, how it ended last."""
        if not self._words and select.select([self._told], [], [], timeout_s)[0]:
            self._words = os.read(self._told, 64).split() or _gone()
        return self._words.pop(0) if self._words else b""


def _gone() -> NoReturn:
    raise AssertionError("the process that forks others has ended")


class _Source:
    """The client's end of a process that forks, which is started with the first request and ends with us."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None

    def send(self, request: bytes, descriptors: Sequence[int]) -> None:
        with self._lock:
            self._socket = self._socket or self._started()
            socket.send_fds(self._socket, [request], list(descriptors))

    def _started(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, REQUEST_BYTES_MAX)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                env={name: value for name, value in os.environ.items() if name != HASH_SEED},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(_end, ours, process)
        return ours


def _end(control: socket.socket, process: "subprocess.Popen[bytes]") -> None:
    control.close()
    process.wait(STARTED_S_MAX)


_SOURCES = itertools.cycle([_Source(), _Source()])


class _Forking:
    """The source itself: one thread, which forks and hears of ends."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._telling: dict[int, int] = {}  # of each child that lives, where its end is told
        self._woken, self._waking = os.pipe()
        os.set_blocking(self._waking, False)

    def job(self) -> dict[str, Any] | None:
        """In a child, what it is to be; in the source nothing, when nobody asks any more."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.set_wakeup_fd(self._waking, warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._control.fileno(), self._woken], [], [])
            if self._woken in ready:
                os.read(self._woken, 4096)
                self._hear()
            if self._control.fileno() in ready:
                request, descriptors, _, _ = socket.recv_fds(self._control, REQUEST_BYTES_MAX, 4)
                if not request:
                    return None
                if job := self._forked(request, descriptors):
                    return job

    def _forked(self, request: bytes, descriptors: Sequence[int]) -> dict[str, Any] | None:
        *streams, telling = descriptors
        become, becoming = os.pipe()
        child = os.fork()
        if not child:
            self._control.detach()  # or its end would close what has its number then
            job: dict[str, Any] = json.loads(request)
            _become(streams, job["session"])
            return job
        for unused in (*streams, becoming):
            os.close(unused)
        os.read(become, 1)  # its end comes when the child has closed its own, or has ended
        os.close(become)
        self._telling[child] = telling
        _tell(telling, child)
        return None

    def _hear(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                is_exit = ended.si_code == os.CLD_EXITED
                telling = self._telling.pop(ended.si_pid)
                _tell(telling, ended.si_status if is_exit else -ended.si_status)
                os.close(telling)
                os.waitpid(ended.si_pid, 0)  # told first: its number is nobody else's before


def _tell(telling: int, number: int) -> None:
    with contextlib.suppress(BrokenPipeError):
        os.write(telling, b"%d\n" % number)


def _become(streams: Sequence[int], is_session: bool) -> None:
    """A process that has nothing of the source's but its modules, before its number is told."""
    if is_session:
        os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.closerange(FIRST_FD, os.sysconf("SC_OPEN_MAX"))


def _run(job: Mapping[str, Any]) -> None:
    """To the interpreter's end, by its own way."""
    os.environ.clear()
    os.environ.update(job["env"])
    tempfile.tempdir = None
    sys.argv = [job["module"], *job["arguments"]]
    runpy.run_module(job["module"], run_name="__main__", alter_sys=True)


def main(control: socket.socket) -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    threads = psutil.Process().num_threads()
    assert threads == 1, f"{threads} threads: a fork would have one of them"
    gc.freeze()  # what all have stays in the pages that all share
    if job := _Forking(control).job():
        _run(job)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
