"""One process of the fleet: started, killed, frozen, and started again when it dies, as a supervisor does.

Each ends with us, however we end: its standard input is a pipe of ours. Deliberately absent: what the process is, back-off.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import psutil

from tests.forked import Forked

RESTART_S = 0.5
WATCH_S = 0.05
STOP_S = 30.0
STAGE = [sys.executable, "-m", "deploy"]


class Spec(msgspec.Struct, frozen=True, kw_only=True):
    """`stage`: what kind it is; `child` says that the program is a child of the process (a leash)."""

    name: str
    stage: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    child: bool = False


class Exit(msgspec.Struct, frozen=True):
    """An end that nobody asked for."""

    name: str
    code: int


class Supervised:
    """A process that is kept alive until `end`. Its methods may be called from several threads."""

    def __init__(self, spec: Spec, tell: Callable[[Exit], None]) -> None:
        self.spec = spec
        self._tell = tell
        self._lock = threading.RLock()
        self._expected = False  # the next end is ours
        self._not_before = 0.0
        self._wanted = True
        self._process = self._spawn()
        self._watcher = threading.Thread(target=self._watch, name=f"watch {spec.name}", daemon=True)
        self._watcher.start()

    @property
    def pid(self) -> int:
        """Of the program itself."""
        if not self.spec.child:
            return self._process.pid
        children = psutil.Process(self._process.pid).children()
        return int(children[0].pid) if children else self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def kill(self, down_s: float = 0.0) -> None:
        """SIGKILL; started again no sooner than `down_s` from now."""
        self._end(signal.SIGKILL, down_s)

    def stop(self, down_s: float = 0.0) -> None:
        """SIGTERM; returns when it has ended."""
        self._end(signal.SIGTERM, down_s)

    def freeze(self) -> None:
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def send(self, number: signal.Signals) -> None:
        """To the program, if it is there."""
        with self._lock:
            if self.is_alive:
                try:
                    os.kill(self.pid, number)
                except (ProcessLookupError, psutil.NoSuchProcess):
                    return

    def end(self, number: signal.Signals = signal.SIGTERM) -> None:
        """For good; a frozen one too."""
        with self._lock:
            self._wanted = False
            self._expected = True
        self.thaw()
        self.send(number)
        self._await_end()
        self._watcher.join()
        self._let_go()

    def hold(self) -> None:
        """Not started again until `release`."""
        with self._lock:
            self._not_before = float("inf")

    def release(self) -> None:
        with self._lock:
            self._not_before = 0.0

    def _end(self, number: signal.Signals, down_s: float) -> None:
        with self._lock:
            self._expected = True
            self._not_before = max(self._not_before, time.monotonic() + max(RESTART_S, down_s))
            self.send(number)
        self._await_end()

    def _await_end(self) -> None:
        process = self._process
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            process.wait(STOP_S)

    def _watch(self) -> None:
        while True:
            time.sleep(WATCH_S)
            with self._lock:
                if not self.is_alive:
                    if not self._wanted:
                        return
                    self._note_end()
                    if time.monotonic() >= self._not_before:
                        self._let_go()
                        self._process = self._spawn()
                        self._expected = False

    def _note_end(self) -> None:
        if not self._expected:
            self._expected = True
            self._not_before = max(self._not_before, time.monotonic() + RESTART_S)
            self._tell(Exit(self.spec.name, self._process.wait()))

    def _let_go(self) -> None:
        if self._process.stdin:
            self._process.stdin.close()

    def _spawn(self) -> "Forked | subprocess.Popen[bytes]":
        spec = self.spec
        with spec.log.open("ab") as out:
            if spec.argv[: len(STAGE)] == STAGE:
                arguments = spec.argv[len(STAGE) :]
                return Forked(
                    "deploy",
                    *arguments,
                    env=spec.environ,
                    stdin=subprocess.PIPE,
                    stdout=out,
                    start_new_session=True,
                )
            return subprocess.Popen(
                self.spec.argv,
                env=dict(self.spec.environ),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
