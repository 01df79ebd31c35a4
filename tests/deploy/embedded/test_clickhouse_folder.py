"""A data folder that is not as it should be: every start that cannot work says what, where and how to mend it, in two
lines at most, and ends with code 2. None begins with less than there was."""

import contextlib
import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.embedded.clickhouse.blocks import unpacked
from deploy.embedded.clickhouse.folder import cause
from tests.deploy.embedded.asking import code, post, refusal, server_on
from tests.engines import free_port

MOUNT = shutil.which("mount")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as it should be: a table of one part with a view onto it, and a function."""
    folder = tmp_path_factory.mktemp("whole")
    with server_on(folder) as (url, _):
        for statement in (
            b"CREATE DATABASE shop",
            b"CREATE TABLE shop.events (a UInt64, b String) ENGINE = MergeTree ORDER BY a",
            b"INSERT INTO shop.events SELECT number, toString(number) FROM numbers(10000)",
            b"CREATE VIEW shop.seen AS SELECT * FROM shop.events",
            b"CREATE FUNCTION plus_one AS x -> x + 1",
        ):
            assert post(url, statement)[0] == 200
    return folder / "clickhouse"


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "clickhouse", symlinks=True)
    return tmp_path / "clickhouse"


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


def write(pattern: str, text: str) -> Callable[[Path], None]:
    return lambda folder: void(only(folder, pattern).write_text(text))


def void(_: object) -> None: ...


def newer(folder: Path) -> None:
    path = only(folder, "store/*/*/events.sql")
    path.write_text(path.read_text().replace("ENGINE = MergeTree", "ENGINE = TreeOfTomorrow"))


def no_folder(folder: Path) -> None:
    shutil.rmtree(folder / "store")
    (folder / "store").write_text("")


def cut_data(folder: Path) -> None:
    os.truncate(only(folder, "store/*/*/all_1_1_0/data.bin"), 10)


DAMAGES: dict[str, tuple[Callable[[Path], None], str]] = {
    "a table's definition is garbage": (write("store/*/*/events.sql", "garbage"), "events.sql"),
    "a database's definition is garbage": (write("metadata/shop.sql", "garbage"), "shop.sql"),
    "a newer version wrote it": (newer, "Unknown table engine TreeOfTomorrow"),
    "a table's format is garbage": (write("store/*/*/format_version.txt", "x"), "format_version.txt"),
    "a part's data is cut off": (cut_data, "broken-on-start_all_1_1_0"),
    "a function is garbage": (write("user_defined/function_plus_one.sql", "x"), "function_plus_one.sql"),
    "a folder of the engine is a file": (no_folder, "Not a directory"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_folder_is_told_with_what_where_and_how_to_mend_it(folder: Path, damage: str) -> None:
    harm, word = DAMAGES[damage]
    harm(folder)
    ended, said = refusal(folder, free_port())
    assert ended == 2
    assert len(said) <= 2
    assert str(folder) in said[0]
    assert word in "\n".join(said)
    assert "Traceback" not in "\n".join(said)


def test_the_engines_own_files_are_read_as_its_compressed_blocks(whole: Path) -> None:
    """What the engine compressed itself, checksums included: a reader that shares the writer's mistakes proves nothing."""
    packed = only(whole, "store/*/*/all_1_1_0/data.bin").read_bytes()
    content = b"".join(unpacked([packed]))
    assert struct.pack("<8192Q", *range(8192)) in content
    assert b"99989999" in content


def test_up_repeats_what_is_wrong_and_ends(folder: Path) -> None:
    newer(folder)
    # A Kafka of somebody else's: none is started.
    environ = os.environ | {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    environ.pop("CLICKHOUSE_URL", None)
    argv = ["up", "--data", str(folder.parent), "--collector-port", "0", "--clickhouse-port", "0"]
    argv += ["--console-port", "0"]
    ended = subprocess.run(
        [sys.executable, "-m", "deploy", *argv],
        capture_output=True,
        text=True,
        timeout=100,
        env=environ,
        check=False,
    )
    assert ended.returncode == 2
    assert f"ClickHouse cannot open the data folder {folder}" in ended.stderr
    assert "Unknown table engine TreeOfTomorrow" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_without_what_was_set_aside_the_rest_is_there_again(folder: Path) -> None:
    only(folder, "store/*/*/all_1_1_0/checksums.txt").write_text("x")
    ended, said = refusal(folder, free_port())
    assert (ended, "1 part(s) of shop.events" in said[0]) == (2, True)
    shutil.rmtree(only(folder, "store/*/*/detached/broken-on-start_all_1_1_0"))
    with server_on(folder.parent) as (url, _):
        assert post(url, b"SELECT count() FROM shop.seen")[2] == b"0\n"


def test_a_part_with_wrong_content_is_told_when_it_is_read(folder: Path) -> None:
    data = only(folder, "store/*/*/all_1_1_0/data.bin")
    content = bytearray(data.read_bytes())
    content[100:200] = bytes(100)
    data.write_bytes(content)
    with server_on(folder.parent) as (url, _):
        reply = post(url, b"SELECT sum(a) FROM shop.events")
        assert code(reply) == "40"
        assert b"all_1_1_0" in reply[2]
        assert post(url, b"CHECK TABLE shop.events")[2].startswith(b"all_1_1_0\t0\t")
        assert post(url, b"SELECT 1")[2] == b"1\n"


def test_a_folder_in_use_is_told_with_its_owner(tmp_path: Path) -> None:
    with server_on(tmp_path) as (_, process):
        ended, said = refusal(tmp_path / "clickhouse", free_port())
    assert (ended, len(said)) == (2, 1)
    assert f"is in use by process {process.pid}" in said[0]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    ended, said = refusal(tmp_path / "file", free_port())
    assert (ended, len(said)) == (2, 1)
    assert f"the data folder {tmp_path / 'file'} cannot be used" in said[0]


@contextlib.contextmanager
def disk(at: Path, megabytes: int) -> Iterator[Path]:
    """A disk of its own in memory. Skips the test where this user may not make one."""
    at.mkdir()
    argv = [MOUNT or "mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(at)]
    if MOUNT is None or subprocess.run(argv, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    try:
        yield at
    finally:
        subprocess.run(["umount", str(at)], check=True)  # noqa: S607 - beside `mount`


def test_a_read_only_disk_is_told(whole: Path, tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 50) as at:
        shutil.copytree(whole, at / "clickhouse", symlinks=True)
        subprocess.run([MOUNT or "mount", "-o", "remount,ro", str(at)], check=True)
        ended, said = refusal(at / "clickhouse", free_port())
    assert (ended, len(said)) == (2, 1)
    assert "Read-only file system" in said[0]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_the_right_to_write_is_told(folder: Path) -> None:
    folder.chmod(0o500)
    try:
        ended, said = refusal(folder, free_port())
    finally:
        folder.chmod(0o700)
    assert (ended, len(said)) == (2, 1)
    assert "Permission denied" in said[0]


def test_a_full_disk_refuses_the_insert_and_keeps_what_is_there(tmp_path: Path) -> None:
    with disk(tmp_path / "disk", 24) as at, server_on(at) as (url, _):
        post(url, b"CREATE TABLE t (a String) ENGINE = MergeTree ORDER BY a")
        assert post(url, b"kept\n", query="INSERT INTO t FORMAT TSV")[0] == 200
        reply = post(url, b"x" * 40_000_000 + b"\n", query="INSERT INTO t FORMAT TSV")
        assert code(reply) == "243"
        assert b"no space left" in reply[2].lower()
        assert post(url, b"more\n", query="INSERT INTO t FORMAT TSV")[0] == 200
        assert post(url, b"SELECT a FROM t ORDER BY a")[2] == b"kept\nmore\n"


SYNTAX = "Code: 62. DB::Exception: Syntax error (in file a.sql): failed at 1. Expected one of: X"
WRAPPED = (
    "Code: 722. DB::Exception: Waited job failed: Code: 695. DB::Exception: Load job 'load table s.e' failed: Code: 56. "
    "DB::Exception: Unknown table engine F: Cannot attach `s`.`e` from file e.sql from query ATTACH"
)
TOLD_BEFORE = (
    "Code: 1. DB::Exception: The reason.\nFailed to create connection: Code: 36. DB::Exception: Error initializing "
    "EmbeddedServer: . (BAD_ARGUMENTS)"
)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (SYNTAX, "Syntax error (in file a.sql): failed at 1."),
        (WRAPPED, "Unknown table engine F: Cannot attach `s`.`e` from file e.sql"),
        (TOLD_BEFORE, "The reason"),
        ("no code at all", "no code at all"),
    ],
)
def test_the_innermost_cause_is_told(text: str, told: str) -> None:
    assert cause(text).startswith(told)
