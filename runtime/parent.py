"""The end of a process whose parent is gone, even by SIGKILL: its standard input is a pipe that the parent holds open.

The parent writes nothing. The operating system closes the pipe whenever and however the parent ends, and the child reads the end
of its input: this works on every Unix. For composition roots; standard library only, so that a leash starts at once.
"""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping

LEASHED = "STITCHLINE_LEASHED"
GRACE_S = 40.0  # more than any stage's own limit for its stop
STDIN = 0
CHUNK_BYTES = 4096


def end_with_parent(environ: Mapping[str, str], on_end: Callable[[], None], grace_s: float = GRACE_S) -> None:
    """`watch_parent`, if the environment says that standard input is a leash; else the process is left alone."""
    if environ.get(LEASHED) == "1":
        watch_parent(on_end, grace_s)


def watch_parent(on_end: Callable[[], None], grace_s: float) -> None:
    """Call `on_end` in a thread of its own when standard input ends; a process that still lives `grace_s` later is killed."""
    threading.Thread(target=_watch, args=(on_end, grace_s), name="parent", daemon=True).start()


def _watch(on_end: Callable[[], None], grace_s: float) -> None:
    # Not sys.stdin: its lock, held by a waiting thread, would hang the interpreter's end.
    with contextlib.suppress(OSError):
        while os.read(STDIN, CHUNK_BYTES):
            pass
    on_end()
    time.sleep(grace_s)
    os.kill(os.getpid(), signal.SIGKILL)
