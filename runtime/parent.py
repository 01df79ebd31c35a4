"""The end of a process whose parent is gone, even by SIGKILL: its standard input is a pipe that the parent holds open.

For composition roots. A process that was started without the mark in its environment is left alone.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping

LEASHED = "STITCHLINE_LEASHED"
STDIN = 0
CHUNK_BYTES = 4096


def end_with_parent(environ: Mapping[str, str], on_end: Callable[[], None]) -> None:
    """Call `on_end` from a thread of its own when standard input ends, if the environment says that it is a leash."""
    if environ.get(LEASHED) == "1":
        threading.Thread(target=_watch, args=(on_end,), name="parent", daemon=True).start()


def _watch(on_end: Callable[[], None]) -> None:
    # Not sys.stdin: its lock, held by a waiting thread, would hang the interpreter's end.
    with contextlib.suppress(OSError):
        while os.read(STDIN, CHUNK_BYTES):
            pass
    on_end()
