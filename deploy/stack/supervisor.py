"""Starts children, starts again those that die, stops them in order. Knows nothing about what they are.

Every child's standard input is a pipe that nobody writes to: when this process ends, even by SIGKILL, the pipe closes and the
child ends itself. Children get a session of their own, so that Ctrl-C reaches only us and the order of stopping is ours.
"""

import asyncio
import os
import signal
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec
import structlog

log = structlog.get_logger()

LOG_BYTES_MAX = 20_000_000
LOG_TAIL_BYTES = 2_000
RESTART_DELAY_S_MAX = 10.0
RESTART_DELAY_S_MIN = 0.5
QUIET_AFTER_S = 60.0  # a child that lived this long starts again after the shortest delay
READY_POLL_S = 0.05

Ready = Callable[[], Awaitable[bool]]


class ChildFailed(Exception):
    """A child ended, or did not become ready in time; the text has the end of its log."""


class ChildSpec(msgspec.Struct, frozen=True, kw_only=True):
    """`ready` is asked until it says yes; `stop_s` is the time between SIGTERM and SIGKILL."""

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    log: Path
    ready: Ready
    ready_s: float = 60
    stop_s: float = 30  # more than a stage's own limit (PROCESSOR_STOP_TIMEOUT_S, COLLECTOR_STOP_TIMEOUT_S)


class Child:
    """One supervised process. `start` returns when it is ready; `keep` runs until `stop`."""

    def __init__(self, spec: ChildSpec, say: Callable[[str], None], inherit: Sequence[int] = ()) -> None:
        """`say` is told what a person should know; `inherit`: file descriptors that the child keeps open as long as it lives."""
        self.spec = spec
        self._say = say
        self._inherit = inherit
        self._process: Process | None = None
        self._stopping = False
        self._keeper: asyncio.Task[None] | None = None
        self._log_begins = 0  # where this start's part of the log does

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process and self._process.returncode is None else None

    async def start(self) -> None:
        """Raises ChildFailed."""
        spawning = asyncio.ensure_future(self._spawn())
        try:
            self._process = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            self._process = await spawning  # it is there, and `stop` must know it
            raise
        await self._wait_ready(self._process)
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """SIGTERM, then SIGKILL after `stop_s`. Harmless when the child is gone."""
        self._stopping = True
        if self._keeper:
            self._keeper.cancel()
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(process.wait(), self.spec.stop_s)
        except TimeoutError:
            log.warning("child did not stop in time", child=self.spec.name, seconds=self.spec.stop_s)
            self._say(f"{self.spec.name} did not stop within {self.spec.stop_s:.0f} s and is killed")
            process.kill()
            await process.wait()

    async def _spawn(self) -> Process:
        rotate(self.spec.log)
        self._log_begins = self.spec.log.stat().st_size if self.spec.log.exists() else 0
        with self.spec.log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                *self.spec.argv,
                env=dict(self.spec.environ),
                stdin=PIPE,
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=self._inherit,
            )
        log.info("child started", child=self.spec.name, pid=process.pid)
        return process

    async def _wait_ready(self, process: Process) -> None:
        end = time.monotonic() + self.spec.ready_s
        while not await self.spec.ready():
            if process.returncode is not None:
                raise ChildFailed(f"{self.spec.name} ended with code {process.returncode}\n{self._tail()}")
            if time.monotonic() > end:
                raise ChildFailed(
                    f"{self.spec.name} was not ready after {self.spec.ready_s:.0f} s\n{self._tail()}"
                )
            await asyncio.sleep(READY_POLL_S)

    async def _keep(self) -> None:
        delay = RESTART_DELAY_S_MIN
        while not self._stopping:
            started = time.monotonic()
            assert self._process
            code = await self._process.wait()
            if self._stopping:
                return
            delay = next_delay(delay, time.monotonic() - started)
            log.warning("child died, starting it again", child=self.spec.name, code=code, delay_s=delay)
            self._say(f"{self.spec.name} {ending(code)}; starting it again. Its log: {self.spec.log}")
            await asyncio.sleep(delay)
            self._process = await self._spawn()

    def _tail(self) -> str:
        """What this start wrote: what earlier ones did explains nothing."""
        written = self.spec.log.read_bytes() if self.spec.log.exists() else b""
        text = written[self._log_begins :][-LOG_TAIL_BYTES:].decode(errors="replace")
        return f"the end of {self.spec.log}:\n{text}" if text else f"it wrote nothing to {self.spec.log}"


def ending(code: int) -> str:
    """How a process ended, in words."""
    return f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"


def next_delay(last_s: float, lived_s: float) -> float:
    """Doubles up to a limit, starts small again after a quiet time."""
    if lived_s >= QUIET_AFTER_S:
        return RESTART_DELAY_S_MIN
    return min(last_s * 2, RESTART_DELAY_S_MAX)


def rotate(path: Path) -> None:
    """Keep one earlier log; a log is turned over when its child starts and it is large."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.stat().st_size > LOG_BYTES_MAX:
        os.replace(path, path.with_suffix(path.suffix + ".1"))
