"""A deployment's own steps, run in a process of their own: whatever happens there costs one event, never a partition.

One process runs all steps of a worker; chunks take turns. For each event it answers at once, so the one that it dies of or
stays at is known: that event's answer is a failure, and a new process gets the events behind it. Without steps nothing is
started.

Deliberately absent: retrying an event. A step is a pure function, so it would fail again; the dead letter can be sent again.
"""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import entry_points
from typing import Any

import structlog

from runtime import metrics
from runtime.environment.settings import ALL, SettingsError, UserStepSettings
from runtime.user_step_frames import (
    AT,
    BEGUN,
    BROKEN,
    CHANGED,
    DONE,
    FAILED,
    HELLO,
    SAME,
    Frames,
    Gone,
)
from schemas.events.reasons import Reason
from schemas.events.user_steps import DROPPED, STEP_GROUP, UNCHANGED, Answer

START_S_MAX = 60.0
STARTS_MAX = 3  # in a row, without the process taking a single list
_GONE, _SLOW, _LATE, _FULL = range(-4, 0)  # how a turn ends that is not DONE
LOG_S = 10.0  # one line at most per step and kind of failure in this time

log = structlog.get_logger()


@contextmanager
def user_steps(settings: UserStepSettings, environ: Mapping[str, str]) -> Iterator["UserSteps | None"]:
    """None when no step is installed. Raises SettingsError when one cannot be loaded."""
    if not entry_points(group=STEP_GROUP):
        yield None
        return
    steps = UserSteps(settings, environ)
    steps.open()
    try:
        yield steps
    finally:
        steps.close()


class UserSteps:
    """A callable of schemas/events/user_steps.py. Its process is started when it is missing; `close` ends it."""

    def __init__(self, settings: UserStepSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        ours = {field for kind in ALL for field in kind.__struct_encode_fields__}
        self._environ = {name: value for name, value in environ.items() if name not in ours}
        self._lock = threading.Lock()
        self._child: _Child | None = None
        self._said: dict[tuple[str, str], tuple[float, int]] = {}

    def open(self) -> None:
        """Raises SettingsError."""
        self._child = _Child(self._settings, self._environ)
        log.info("user steps started", steps=self._child.names)

    def close(self) -> None:
        with self._lock:
            self._end_child()

    def __call__(self, documents: Sequence[bytes]) -> list[Answer]:
        """An answer to each. Raises SettingsError when the process can no longer be started."""
        with self._lock:
            return self._answers(documents)

    def _answers(self, documents: Sequence[bytes]) -> list[Answer]:
        answers: list[Answer] = []
        deadline = time.monotonic() + self._settings.chunk_s_max
        starts = 0
        while len(answers) < len(documents):
            if time.monotonic() >= deadline:
                left = len(documents) - len(answers)
                return answers + [self._failed(Reason.USER_STEP_TOO_SLOW, "", "chunk")] * left
            if self._child is None:
                if starts == STARTS_MAX:
                    raise SettingsError("the process of the user steps ends before it takes an event")
                starts += 1
                self.open()
            if self._ask(documents[len(answers) :], answers, deadline):
                starts = 0
        return answers

    def _ask(self, documents: Sequence[bytes], answers: list[Answer], deadline: float) -> bool:
        """Add the answers that come; whether the process took the list. It is gone afterwards if anything is missing."""
        child = self._child
        assert child is not None
        turn = _Turn(child, self._settings)
        ending = turn.run(documents, deadline)
        answers += [self._answer(kind, content, child.names) for kind, *content in turn.answers]
        if ending == DONE:
            self._measure(child.names, *turn.sums)
            return True
        if turn.has_begun and len(turn.answers) < len(documents):
            if ending == _GONE:
                what = f"its process ended: {child.ending()}"
                answers.append(self._failed(Reason.USER_STEP_FAILED, turn.step, what))
            elif ending == _SLOW:
                answers.append(self._failed(Reason.USER_STEP_TOO_SLOW, turn.step, ""))
        self._end_child()
        return turn.has_begun

    def _answer(self, kind: int, content: Sequence[object], names: Sequence[str]) -> Answer:
        if kind == SAME:
            return UNCHANGED
        if kind == CHANGED:
            (changes,) = content
            assert isinstance(changes, dict), "both ends are ours"
            return Answer(changes)
        if kind == FAILED:
            at, error = content
            assert isinstance(at, int), "both ends are ours"
            return self._failed(Reason.USER_STEP_FAILED, names[at], str(error))
        return DROPPED

    def _failed(self, reason: Reason, step: str, what: str) -> Answer:
        metrics.USER_STEP_FAILURES.labels(step, reason).inc()
        if reason == Reason.USER_STEP_FAILED:
            detail = f"step {step}: {what}"
        elif what == "chunk":
            detail = f"steps took {self._settings.chunk_s_max} s for a chunk before they came to this event"
        else:
            detail = f"step {step}: no answer within {self._settings.ms_max} ms"
        self._say(reason, detail)
        return Answer(reason=reason, detail=detail)

    def _say(self, reason: Reason, detail: str) -> None:
        """At a slow rate: a step that is wrong is wrong for every event."""
        last, held = self._said.get((reason, detail), (-LOG_S, 0))
        if time.monotonic() - last < LOG_S:
            self._said[reason, detail] = last, held + 1
            return
        log.warning("user step failed", reason=reason.value, detail=detail, not_told=held)
        self._said[reason, detail] = time.monotonic(), 0

    def _measure(self, names: Sequence[str], calls: Sequence[int], seconds: Sequence[float]) -> None:
        for name, count, spent in zip(names, calls, seconds, strict=True):
            metrics.USER_STEP_CALLS.labels(name).inc(count)
            metrics.USER_STEP_SECONDS.labels(name).inc(spent)

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.close()
            self._child = None


class _Turn:
    """One list, and the answers as they come."""

    def __init__(self, child: "_Child", settings: UserStepSettings) -> None:
        self._child = child
        self._ms_max = settings.ms_max
        self.has_begun = False
        self.step = child.names[0]
        self.answers: list[list[Any]] = []
        self.sums: tuple[Sequence[int], Sequence[float]] = ((), ())

    def run(self, documents: Sequence[bytes], deadline: float) -> int:
        """How it ended."""
        frames = self._child.frames
        try:
            self._child.wait_at_most(START_S_MAX)
            frames.send(documents)
            self.has_begun = frames.receive() == [BEGUN]
            self._child.wait_at_most(self._ms_max / 1_000)
            while time.monotonic() < deadline:
                if ending := self._take(frames.receive()):
                    return ending
        except Gone:
            return _GONE
        except TimeoutError:
            return _SLOW
        return _LATE

    def _take(self, frame: list[Any]) -> int:
        """The ending, 0 when there is more to come."""
        if frame[0] == DONE:
            self.sums = (frame[1], frame[2])
            return DONE
        if frame[0] == AT:
            self.step = self._child.names[frame[1]]
            return 0
        self.answers.append(frame)
        # After that it ends by itself: what fills its memory would fail the next events, too.
        return _FULL if frame[0] == FAILED and frame[2] == MemoryError.__name__ else 0


class _Child:
    """The process, once it has said which steps it has."""

    def __init__(self, settings: UserStepSettings, environ: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-m",
                    "runtime.user_step_child",
                    str(theirs.fileno()),
                    str(settings.memory_mb_max),
                ],
                stdin=subprocess.PIPE,  # never written to: its end ends the process
                env=dict(environ),
                pass_fds=[theirs.fileno()],
            )
        self._socket = ours
        self.frames = Frames(ours)
        self.wait_at_most(START_S_MAX)
        self.names = self._hello()

    def wait_at_most(self, seconds: float) -> None:
        self._socket.settimeout(seconds)

    def ending(self) -> str:
        """How it ended."""
        code = self._process.wait()
        return f"killed by signal {-code}" if code < 0 else f"exit code {code}"

    def close(self) -> None:
        self._socket.close()
        self._process.kill()
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _hello(self) -> list[str]:
        try:
            kind, content = self.frames.receive()
        except (Gone, TimeoutError):
            kind, content = BROKEN, "their process did not start"
        if kind != HELLO:
            self.close()
            raise SettingsError(f"user steps: {content}")
        return [str(name) for name in content]
