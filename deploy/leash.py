"""A foreign program on a leash: `python -m deploy.leash -- ARGV...` runs it and ends it when our own parent is gone.

For programs that do not know the convention of `runtime.parent` (the Java machine). Standard library only, and the little of ours
that is too: it must start in a few milliseconds. File descriptors that the leash was told to keep open are handed on, so that a
lock held by them lives as long as the program.
"""

import argparse
import contextlib
import ctypes
import fcntl
import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

from runtime.parent import STDIN, watch_parent

GRACE_S = 20.0
AFTER_S_MAX = 30.0  # more than any stage's own limit for its stop
AFTER_POLL_S = 0.05
PR_SET_PDEATHSIG = 1  # from <sys/prctl.h>


def run(argv: Sequence[str], grace_s: float, after: Path | None = None) -> int:
    """Run a program to its end and return its exit code, 128 + N for signal N.

    `after`: when our parent is gone, wait until nobody holds a lock on this file any more, then end the program.
    """
    child = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        close_fds=False,
        process_group=0,  # a Ctrl-C at the terminal reaches us only, and we end it in order
        preexec_fn=_die_with_us(os.getpid()) if sys.platform == "linux" else None,
    )
    ending = _Ending(child.pid, grace_s)
    signal.signal(signal.SIGTERM, ending.on_signal)
    signal.signal(signal.SIGINT, ending.on_signal)
    if _is_pipe(STDIN):
        watch_parent(lambda: _end_after(after), grace_s * 2 + AFTER_S_MAX)
    code = child.wait()
    return code if code >= 0 else 128 - code


def main(argv: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deploy.leash", description="Run a program that ends when our parent does."
    )
    parser.add_argument("--grace-s", type=float, default=GRACE_S, help="time between SIGTERM and SIGKILL")
    parser.add_argument("--after", type=Path, help="file whose lock is held by those that need the program")
    parser.add_argument("program", nargs="+", metavar="ARGV")
    options = parser.parse_args(argv)
    try:
        return run(options.program, options.grace_s, options.after)
    except FileNotFoundError as error:
        sys.stderr.write(f"leash: {error.filename} does not exist\n")
        return 127


def _end_after(held: Path | None) -> None:
    """SIGTERM to ourselves, once those that use the program have ended, or have had their time."""
    end = time.monotonic() + AFTER_S_MAX
    while held is not None and time.monotonic() < end and _is_locked(held):
        time.sleep(AFTER_POLL_S)
    os.kill(os.getpid(), signal.SIGTERM)


def _is_locked(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False  # no such file: nobody waits
    return False


class _Ending:
    """SIGTERM to the program's process group, SIGKILL after the grace; a second signal changes nothing."""

    def __init__(self, pid: int, grace_s: float) -> None:
        self._pid = pid
        self._last_resort = threading.Timer(grace_s, self._send, [signal.SIGKILL])
        self._last_resort.daemon = True
        self._begun = False

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        if self._begun:
            return
        self._begun = True
        self._send(signal.SIGTERM)
        self._last_resort.start()

    def _send(self, number: signal.Signals) -> None:
        # macOS says EPERM for a group that is just ending.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._pid, number)


def _is_pipe(descriptor: int) -> bool:
    try:
        mode = os.fstat(descriptor).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


def _die_with_us(us: int) -> Callable[[], None]:
    """Linux: the kernel kills the program when the leash itself was killed and can no longer do it."""
    libc = ctypes.CDLL(None)

    def prepare() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != us:  # we died between fork and here
            os._exit(1)

    return prepare


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
