"""chdb, and nothing else that knows it: one data folder, a connection of its own for every statement.

A connection costs a fifth of a millisecond and has its own settings, database and temporary tables: so nothing that one
request sets can reach another, and statements run beside each other. One connection stays open, which keeps the engine.
What an INSERT was acknowledged for is with the operating system: it survives the death of this process, not power loss.

A connection belongs to one thread at a time; every function here blocks and is called from worker threads.
"""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Generator, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import chdb
import msgspec
from chdb.state.sqlitelike import Connection

from deploy.embedded.clickhouse.failure import from_engine
from deploy.embedded.clickhouse.sql import Insert, quoted

VERSION: str = chdb.engine_version
LOCK = "stitchline.lock"
TEMPORARY = "stitchline.tmp"


class FolderUnusable(Exception):
    """The data folder cannot be owned; the text is one sentence for the user."""


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """A statement that ran to its end: its whole output, and the numbers of X-ClickHouse-Summary."""

    output: bytes = b""
    rows_read: int = 0
    bytes_read: int = 0
    rows_written: int = 0
    bytes_written: int = 0
    result_rows: int = 0
    elapsed_s: float = 0.0


class Engine:
    """Owns the folder from construction to `close`. Raises FolderUnusable."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._lock = _own(self._folder)
        _use_temporary(self._folder / TEMPORARY)
        try:
            self._anchor = Connection(str(self._folder))
            self.timezone = (
                self._anchor.query("SELECT timezone()", "TabSeparatedRaw").bytes().decode().strip()
            )
        except (RuntimeError, chdb.ChdbError) as error:
            self._lock.close()
            raise FolderUnusable(f"ClickHouse cannot open {self._folder}: {error}") from error

    def close(self) -> None:
        self._anchor.close()
        self._lock.close()

    @contextlib.contextmanager
    def prepared(self, setup: Sequence[str]) -> Iterator["Prepared"]:
        """A fresh connection on which `setup` has run. Raises ClickHouseError."""
        with _as_ours():
            connection = Connection(str(self._folder))
        try:
            prepared = Prepared(connection, self._folder / TEMPORARY)
            for statement in setup:
                prepared.execute(statement, "Null")
            yield prepared
        finally:
            connection.close()


class Prepared:
    """What one request does with its connection. Every method raises ClickHouseError."""

    def __init__(self, connection: Any, temporary: Path) -> None:  # chdb's classes are typed in part only
        self._connection = connection
        self._temporary = temporary

    def execute(self, statement: str, output_format: str) -> Done:
        with _as_ours():
            return _done(self._connection.query(statement, output_format))

    def pieces(self, statement: str, output_format: str) -> Generator[bytes, None, None]:
        """The output of a SELECT as it comes; closing the iterator cancels the query."""
        with _as_ours():
            stream = self._connection.send_query(statement, output_format)
        try:
            while True:
                with _as_ours():
                    piece = stream.fetch()
                if piece is None:
                    return
                yield piece.bytes()
        finally:
            stream.close()

    def insert(self, insert: Insert, data: Iterable[bytes]) -> Done:
        """Nothing is begun unless `data` came to its end; an error from it goes on.

        Through a file, not by chdb's send_insert: that one reports no error of a materialized view.
        """
        with tempfile.NamedTemporaryFile(dir=self._temporary, prefix="insert-") as spool:
            for chunk in data:
                spool.write(chunk)
            spool.flush()
            infile = f"FROM INFILE {quoted(spool.name)}"
            return self.execute(
                f"{insert.statement} {infile} {insert.settings} FORMAT {insert.format}", "Null"
            )


class _as_ours:
    """chdb raises RuntimeError here and its own error there."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        if isinstance(error, RuntimeError | chdb.ChdbError):
            raise from_engine(str(error)) from error


def _done(result: Any) -> Done:
    return Done(
        output=result.bytes() if result.size() else b"",
        rows_read=result.storage_rows_read(),
        bytes_read=result.storage_bytes_read(),
        rows_written=result.rows_written(),
        bytes_written=result.bytes_written(),
        result_rows=result.rows_read(),
        elapsed_s=result.elapsed(),
    )


def _use_temporary(folder: Path) -> None:
    """chdb makes a working folder for every start, and a process that is killed leaves it behind: so it is ours to remove."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    os.environ["TMPDIR"] = str(folder)


def _own(folder: Path) -> Any:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = (folder / LOCK).open("a+")
    except OSError as error:
        raise FolderUnusable(f"the data folder {folder} cannot be used: {error.strerror}") from error
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        held.seek(0)
        owner = held.read().strip() or "unknown"
        held.close()
        raise FolderUnusable(
            f"the data folder {folder} is in use by process {owner}: stop that one, or choose another folder"
        ) from None
    held.truncate(0)
    held.write(str(os.getpid()))
    held.flush()
    return held
