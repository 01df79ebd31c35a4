"""The watchdog of a process: a thread that looks every second whether all moves that should, and ends a process that hangs.

Judgement is in judgement.py; here is what it is fed with and what follows. On a suspicion the stacks of all threads and
tasks go to the log and `/livez` fails; on a final verdict they go there again, and the process ends with exit status 70 at once:
whoever supervises it starts a new one, which goes on at the last commit.

Nothing here needs what may hang: not the event loop (`os._exit` from this thread), not Kafka (a survey has its own thread), not
the log (what is written there has five seconds; then the interpreter writes the stacks to standard error without any lock).
Deliberately absent: a native call that never gives the interpreter back. No thread runs then, so `/livez` does not answer at all.
"""

import asyncio
import faulthandler
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import NoReturn

import structlog

from runtime.environment.watchdog_settings import WatchdogSettings
from runtime.watch import stacks
from runtime.watch.judgement import Limits, Look, Pulse, Survey, Verdict, Watch, concerns

log = structlog.get_logger()

EXIT_HANGS = 70
INTERVAL_S = 1.0
LOG_S = 5.0


class LoopPulse:
    """Whether an event loop still runs what it is given. `beat` is called from another thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._answered = True
        self._beats = 0

    def beat(self) -> int:
        """Grows as long as the loop has answered since the last call, or is closed."""
        if self._answered or self.loop.is_closed():
            self._beats += 1
            self._answered = False
            with suppress(RuntimeError):  # closed meanwhile
                self.loop.call_soon_threadsafe(self._answer)
        return self._beats

    def _answer(self) -> None:
        self._answered = True


class LoopPulses:
    """The event loops of a process by name, given anew at each look: some begin later, or are replaced."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._known: dict[str, LoopPulse] = {}

    def pulses(self, loops: Mapping[str, asyncio.AbstractEventLoop]) -> list[Pulse]:
        for name, loop in loops.items():
            if name not in self._known or self._known[name].loop is not loop:
                self._known[name] = LoopPulse(loop)
        return [Pulse(name, self._known[name].beat(), self._limit_s) for name in loops]


class Watchdog:
    """`look` is called in the watchdog's thread and must not wait; `fail` is called with what nobody expected."""

    def __init__(
        self,
        settings: WatchdogSettings,
        look: Callable[[], Look],
        survey: Callable[[], Survey],
        loops: Callable[[], Sequence[asyncio.AbstractEventLoop]],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._limits = Limits(settings.stall_s_max, settings.recovery_stall_s_max, settings.rebalance_s_max)
        self._look = look
        self._survey = survey
        self._loops = loops
        self._fail = fail
        self._watch = Watch(INTERVAL_S)
        self._stop = threading.Event()
        self._suspected = ""
        self.complaint = ""  # what `/livez` says: empty while all is well

    def start(self) -> None:
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        while not self._stop.wait(INTERVAL_S):
            try:
                looked_at = concerns(self._look(), self._survey(), self._limits)
                self._heed(self._watch.observe(time.monotonic(), list(looked_at)))
            except Exception as error:  # a thread's root: a process without its watchdog must not go on
                self._fail(error)

    def _heed(self, verdict: Verdict | None) -> None:
        self.complaint = "" if verdict is None else verdict.sentence
        if verdict is None:
            self._suspected = ""
        elif verdict.is_final:
            _end(verdict, self._loops())
        elif self._suspected != verdict.subject:
            self._suspected = verdict.subject
            _in_time(lambda: _tell("this process seems to hang", verdict, self._loops()))


def _end(verdict: Verdict, loops: Sequence[asyncio.AbstractEventLoop]) -> NoReturn:
    if not _in_time(lambda: _tell("this process hangs, and ends", verdict, loops)):
        os.write(2, f"watchdog: {verdict.sentence}\n".encode())
        faulthandler.dump_traceback(file=sys.__stderr__ or 2, all_threads=True)
    os._exit(EXIT_HANGS)


def _tell(event: str, verdict: Verdict, loops: Sequence[asyncio.AbstractEventLoop]) -> None:
    tasks = [stacks.of_tasks(loop) for loop in loops]
    log.critical(event, cause=verdict.sentence, threads=stacks.of_threads(), tasks=tasks)


def _in_time(act: Callable[[], None]) -> bool:
    """Whether it could be done: the log's lock may be what a thread hangs with."""
    acting = threading.Thread(target=act, name="watchdog's log", daemon=True)
    acting.start()
    acting.join(LOG_S)
    return not acting.is_alive()
