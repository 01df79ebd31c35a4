"""A data folder has one owner, and is free only when the last of its processes has ended."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from deploy.stack.folder import DataFolder, FolderInUse


def silent(_line: str) -> None:
    """Progress that nobody reads."""


def test_a_second_owner_is_refused_with_the_pid_of_the_first(tmp_path: Path) -> None:
    first = DataFolder(tmp_path)
    asyncio.run(first.acquire(silent))
    with pytest.raises(FolderInUse, match=r"in use by process \d+.*--data"):
        asyncio.run(DataFolder(tmp_path).acquire(silent))
    first.release()
    second = DataFolder(tmp_path)
    asyncio.run(second.acquire(silent))
    second.release()


def test_a_folder_is_waited_for_until_the_children_of_a_killed_owner_end(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, subprocess, sys; from pathlib import Path; from deploy.stack.folder import DataFolder\n"
        f"folder = DataFolder(Path({str(tmp_path)!r})); asyncio.run(folder.acquire(print))\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import sys; sys.stdin.read()'], pass_fds=[folder.lock_fd])\n"
        "os._exit(9)"
    )
    # The child ends when its input does, which is the killed owner's, too.
    owner = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    owner.wait()
    told: list[str] = []

    def say(line: str) -> None:
        assert owner.stdin
        told.append(line)
        owner.stdin.close()

    folder = DataFolder(tmp_path)
    assert folder.owner() is not None
    asyncio.run(folder.acquire(say))
    folder.release()
    assert told == ["waiting for the processes of an earlier start to end"]
    assert folder.owner() is None


def test_the_secret_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    folder = DataFolder(tmp_path)
    secret = folder.hash_key()
    assert len(bytes.fromhex(secret)) == 16
    assert DataFolder(tmp_path).hash_key() == secret
    assert (tmp_path / "hash.key").stat().st_mode & 0o777 == 0o600


def test_a_folder_keeps_the_partitions_it_began_with(tmp_path: Path):
    new, older = tmp_path / "new", tmp_path / "older"
    new.mkdir()
    (older / "kafka").mkdir(parents=True)  # made before the number was noted

    assert [DataFolder(new).partitions(), DataFolder(older).partitions()] == ["2", "4"]

    (new / "kafka").mkdir()
    assert [DataFolder(new).partitions(), DataFolder(older).partitions()] == ["2", "4"]
