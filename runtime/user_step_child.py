"""The process that runs a deployment's own steps: documents in, for each what they make of it. Its parent is user_steps.py.

It is a composition root, and the only place where code that is not ours runs: whatever a step raises is that event's failure.
What it prints goes to standard error. The process ends with its parent, and when memory has run out.

    python -m runtime.user_step_child SOCKET MEMORY_MB
"""

import contextlib
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

import msgspec

from runtime.parent import watch_parent
from runtime.user_step_frames import (
    AT,
    BEGUN,
    BROKEN,
    CHANGED,
    DONE,
    DROPPED,
    FAILED,
    HELLO,
    SAME,
    Frames,
    Gone,
)
from schemas.events.user_steps import CHANGEABLE, STEP_GROUP

DROP = "drop"
TYPE_CHARS_MAX = 100
MEGABYTE = 1024 * 1024

Step = Callable[[dict[str, Any]], Any]

_decode, _encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode


class BadAnswer(TypeError):
    """A step returned what it may not."""


class Steps:
    """The steps one after another, each called with what those before it have made of the event."""

    def __init__(self, steps: Sequence[tuple[str, Step]], frames: Frames) -> None:
        self._steps = steps
        self._frames = frames
        self._calls = [0] * len(steps)
        self._seconds = [0.0] * len(steps)

    def all(self, documents: Sequence[bytes]) -> None:
        self._frames.send(BEGUN)
        for document in documents:
            self._one(document)
        self._frames.send(DONE, self._calls, self._seconds)
        self._calls, self._seconds = [0] * len(self._steps), [0.0] * len(self._steps)

    def _one(self, document: bytes) -> None:
        at = 0
        try:
            event = _decode(document)
            changed: dict[str, str] = {}
            for at in range(len(self._steps)):
                if self._drops(at, event, changed):
                    self._frames.send(DROPPED)
                    return
            self._frames.send(CHANGED, changed) if changed else self._frames.send(SAME)
        except Gone:
            raise
        except BaseException as error:  # a step may raise anything, also what ends a program
            self._frames.send(FAILED, at, type(error).__name__[:TYPE_CHARS_MAX])
            if isinstance(error, MemoryError):
                raise

    def _drops(self, at: int, event: dict[str, Any], changed: dict[str, str]) -> bool:
        """Calls one step; whether it drops the event."""
        if len(self._steps) > 1:
            self._frames.send(AT, at)
        began = time.perf_counter()
        try:
            answer = self._steps[at][1](event)
        finally:
            self._calls[at] += 1
            self._seconds[at] += time.perf_counter() - began
        if answer is None:
            return False
        return _taken(answer, event, changed)


def _taken(answer: object, event: dict[str, Any], changed: dict[str, str]) -> bool:
    if not isinstance(answer, dict) or not answer.keys() <= {DROP, *CHANGEABLE}:
        raise BadAnswer
    if answer.get(DROP) is True:
        return True
    for name in CHANGEABLE:
        if (additions := answer.get(name)) is not None:
            if not isinstance(additions, dict):
                raise BadAnswer
            event[name] = {**event[name], **additions}
            changed[name] = _encode(event[name]).decode()
    return False


def _found() -> list[tuple[str, Step]]:
    """In the order of their names."""
    return [
        (point.name, point.load())
        for point in sorted(entry_points(group=STEP_GROUP), key=lambda point: point.name)
    ]


def main(arguments: Sequence[str]) -> None:
    descriptor, memory_mb = int(arguments[0]), int(arguments[1])
    os.dup2(2, 1)
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C is for the parent, which ends this process when it is done
    watch_parent(lambda: os._exit(0), 0)
    frames = Frames(socket.socket(fileno=descriptor))
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb * MEGABYTE,) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what is in memory is events
    try:
        steps = _found()
    except BaseException as error:
        frames.send(BROKEN, f"{type(error).__name__}: {error}")
        return
    frames.send(HELLO, [name for name, _ in steps])
    running = Steps(steps, frames)
    with contextlib.suppress(Gone, MemoryError):
        for request in frames.all():
            running.all(request[0])
    os._exit(0)  # threads of a step hold nothing up


if __name__ == "__main__":
    main(sys.argv[1:])
