"""What every thread and every task of this process is doing, as data for one log line: file, line and function, never a value.

Read from outside, while they run or hang: nothing here waits for an event loop.
"""

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterable
from types import FrameType

FRAMES_MAX = 30  # the innermost


def of_threads() -> dict[str, list[str]]:
    """Outermost call first."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return {
        f"{names.get(ident, '?')} ({ident})": _lines(frame) for ident, frame in sys._current_frames().items()
    }


def of_tasks(loop: asyncio.AbstractEventLoop) -> dict[str, list[str]]:
    """Where each task of the loop waits, or runs."""
    return {task.get_name(): _task_lines(task) for task in asyncio.all_tasks(loop)}


def _task_lines(task: asyncio.Task[object]) -> list[str]:
    return [
        _line(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name) for frame in _awaiting(task)
    ]


def _awaiting(task: asyncio.Task[object]) -> Iterable[FrameType]:
    """The coroutines from the task's own down to the innermost; `get_stack` gives the first of a suspended task alone."""
    coroutine: object = task.get_coro()
    for _ in range(FRAMES_MAX):
        frame = getattr(coroutine, "cr_frame", None) or getattr(coroutine, "gi_frame", None)
        if frame is None:
            return
        yield frame
        coroutine = getattr(coroutine, "cr_await", None) or getattr(coroutine, "gi_yieldfrom", None)


def _lines(frame: FrameType) -> list[str]:
    walked = [
        _line(inner.f_code.co_filename, number, inner.f_code.co_name)
        for inner, number in traceback.walk_stack(frame)
    ]
    return walked[:FRAMES_MAX][::-1]


def _line(path: str, number: int | None, function: str) -> str:
    return f"{path}:{number} {function}"
