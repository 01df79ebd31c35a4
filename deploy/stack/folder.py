"""The data folder of an embedded stack: who owns it, its secret, its logs.

The lock is inherited by every child. So a folder is free only when the last process of an earlier start has ended, however that
start ended, and no second stack can open it meanwhile.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import psutil

ORPHANS_S_MAX = 90.0  # stages, then the broker that waits for them
POLL_S = 0.1
# One worker has them all: a second lets it work while the first commits, more make packs, transactions and blocks smaller.
PARTITIONS = "2"
PARTITIONS_BEFORE_NOTED = "4"  # of a folder that is older than the note


class FolderInUse(Exception):
    """Another stack runs on the folder."""


class FolderUnusable(Exception):
    """The folder cannot be made or written."""


class DataFolder:
    """`data` with `lock` (held while we live), `hash.key`, `partitions`, `logs/`, `tmp/` (emptied at each start) and what the
    engines keep."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().resolve()
        self._lock: int | None = None
        self._stages: int | None = None

    @property
    def lock_fd(self) -> int:
        """To be passed to every child."""
        assert self._lock is not None
        return self._lock

    @property
    def stages_fd(self) -> int:
        """To be passed to every stage, and to no engine: who holds `stages.lock` still needs the engines."""
        if self._stages is None:
            raise RuntimeError("the folder is not ours")
        return self._stages

    @property
    def stages_lock(self) -> Path:
        return self.path("stages.lock")

    def emptied(self, name: str) -> Path:
        """A folder for what a process leaves behind that is killed while it starts: chdb makes one when it is imported."""
        path = self.path(name)
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(exist_ok=True)
        return path

    async def acquire(self, say: Callable[[str], None]) -> None:
        """Own the folder, made if it is missing; wait for the children of a start that was killed. Raises FolderInUse
        or FolderUnusable."""
        descriptor = self._open_lock()
        end = time.monotonic() + ORPHANS_S_MAX
        told = False
        while not _try_lock(descriptor):
            owner = _owner(descriptor)
            if owner is not None or time.monotonic() > end:
                os.close(descriptor)
                raise FolderInUse(_in_use(self.root, owner))
            if not told:
                say("waiting for the processes of an earlier start to end")
                told = True
            await asyncio.sleep(POLL_S)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, _identity(os.getpid()).encode(), 0)
        self._lock = descriptor
        self._stages = os.open(self.stages_lock, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._stages, fcntl.LOCK_EX)

    def _open_lock(self) -> int:
        try:
            self.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            return os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise FolderUnusable(
                f"{self.root} cannot be a data folder ({error.strerror}): choose another with --data DIR"
            ) from error

    def owner(self) -> int | None:
        """The process that owns the folder now, if one does. Changes nothing."""
        lock = self.root / "lock"
        if not lock.exists():
            return None
        descriptor = os.open(lock, os.O_RDWR)
        try:
            return None if _try_lock(descriptor) else _owner(descriptor) or _any_holder(lock)
        finally:
            os.close(descriptor)

    def release(self) -> None:
        for descriptor in (self._lock, self._stages):
            if descriptor is not None:
                os.close(descriptor)
        self._lock = self._stages = None

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    def hash_key(self) -> str:
        """The folder's secret: 32 hex digits, made once, readable by its owner only."""
        path = self.path("hash.key")
        if not path.exists():
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as out:
                out.write(secrets.token_hex(16))
        return path.read_text().strip()

    def partitions(self) -> str:
        """Of each keyed topic of the embedded broker, noted at the first start, since they cannot be changed in place."""
        path = self.path("partitions")
        if not path.exists():
            noted = path.with_suffix(".new")
            noted.write_text(PARTITIONS_BEFORE_NOTED if self.path("kafka").exists() else PARTITIONS)
            noted.rename(path)
        return path.read_text().strip()


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _identity(pid: int) -> str:
    return f"{pid} {psutil.Process(pid).create_time()}"


def _owner(descriptor: int) -> int | None:
    """The pid that wrote the lock file, if that very process still lives."""
    written = os.pread(descriptor, 100, 0).decode(errors="replace")
    pid = written.split(" ")[0]
    if not pid.isdecimal():
        return None
    try:
        return int(pid) if _identity(int(pid)) == written else None
    except psutil.NoSuchProcess:
        return None


def _any_holder(lock: Path) -> int | None:
    """A child of an earlier start that still has the lock open."""
    for process in psutil.process_iter():
        try:
            if any(Path(opened.path) == lock for opened in process.open_files()):
                return int(process.pid)
        except psutil.Error:
            continue
    return None


def _in_use(root: Path, owner: int | None) -> str:
    if owner is not None:
        return (
            f"{root} is in use by process {owner}: stop that one, or start with another folder (--data DIR)"
        )
    return f"{root} is held by processes of an earlier start that do not end: `stitchline doctor` names one"
