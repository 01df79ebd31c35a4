"""chdb, and nothing else that knows it: one data folder, and as many connections as there are statements and sessions.

A connection costs a fifth of a millisecond and has its own settings, database and temporary tables: so nothing that one
request sets can reach another, and statements run beside each other. Those that only read share them, one after the other
(spares.py). One connection stays open, which keeps the engine.
What an INSERT was acknowledged for is with the operating system: it survives the death of this process, not power loss.

A connection belongs to one thread at a time; every function here blocks and is called from worker threads.
"""

import json
from collections.abc import Generator, Mapping
from pathlib import Path
from typing import Any, Self

import chdb
import msgspec
from chdb.state.sqlitelike import Connection

from deploy.embedded.clickhouse import folder as data_folder
from deploy.embedded.clickhouse.failure import ClickHouseError, from_engine, refused
from deploy.embedded.clickhouse.folder import FolderUnusable

VERSION: str = chdb.engine_version
ROWS = "JSONCompactEachRow"
Params = Mapping[str, str]
NO_PARAMS: Params = {}


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
        self._lock = data_folder.own(self._folder)
        self._anchor: Any = None
        try:
            self._anchor = self._opened()
            self.timezone = self._ask("SELECT timezone()")[0][0]
            data_folder.refuse_what_is_missing(self._folder, self._ask)
        except FolderUnusable:
            self.close()
            raise

    @property
    def temporary(self) -> Path:
        return self._folder / data_folder.TEMPORARY

    def close(self) -> None:
        """Every connection that `open` gave must be closed before: the engine ends with the last."""
        if self._anchor is not None:
            self._anchor.close()
        self._lock.close()

    def open(self) -> "Context":
        """A connection of its own, to be closed by the caller. Raises ClickHouseError."""
        with _as_ours():
            return Context(Connection(str(self._folder)))

    def _opened(self) -> Any:
        with data_folder.engines_words() as words:
            try:
                return Connection(str(self._folder))
            except (RuntimeError, chdb.ChdbError) as error:
                raise data_folder.cannot_be_opened(self._folder, error, words()) from error

    def _ask(self, statement: str) -> list[list[str]]:
        try:
            return Context(self._anchor).rows(statement)
        except ClickHouseError as error:
            raise data_folder.cannot_be_opened(self._folder, error, "") from error


class Context:
    """One connection: what one request, or the requests of one session, work with. Every method raises ClickHouseError.

    A statement is bytes where a client sent it: ClickHouse's text need not be UTF-8.
    """

    def __init__(self, connection: Any) -> None:  # chdb's classes are typed in part only
        self._connection = connection

    def close(self) -> None:
        self._connection.close()

    def execute(
        self, statement: str | bytes, output_format: str = "Null", params: Params = NO_PARAMS
    ) -> Done:
        with _as_ours():
            return _done(self._connection.query(statement, output_format, params=dict(params)))

    def rows(self, statement: str) -> list[list[str]]:
        lines = self.execute(statement, ROWS).output.splitlines()
        return [[str(value) for value in json.loads(line)] for line in lines]

    def pieces(
        self, statement: str | bytes, output_format: str, params: Params = NO_PARAMS
    ) -> Generator[bytes, None, None]:
        """The output of a SELECT as it comes; closing the iterator cancels the query."""
        with _as_ours():
            stream = self._connection.send_query(statement, output_format, params=dict(params))
        try:
            while True:
                with _as_ours():
                    piece = stream.fetch()
                if piece is None:
                    return
                yield piece.bytes()
        finally:
            stream.close()

    def refuse_many(self, statement: str | bytes) -> None:
        """chdb would run one after the other; over HTTP a request is one statement."""
        if self._what(statement)["statement_count"] > 1:
            raise refused("Syntax error: Multi-statements are not allowed", 62, "SYNTAX_ERROR")

    def only_reads(self, statement: str | bytes) -> bool:
        return str(self._what(statement)["query_class"].name) == "READ_ONLY"

    def _what(self, statement: str | bytes) -> dict[str, Any]:
        with _as_ours():
            return dict(self._connection._conn.classify_query(statement))


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
