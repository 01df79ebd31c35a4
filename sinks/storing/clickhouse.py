"""ClickHouse's edge: inserts under a token and dictionary loads over HTTP, by ClickHouse's own client. Its errors become ours."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, ProgrammingError
from urllib3.exceptions import HTTPError

from runtime.clickhouse import code_of
from runtime.clickhouse import connect as connect
from runtime.environment.settings import ClickHouseSettings
from sinks.storing.failure import Refused, Unavailable
from sinks.storing.rows import Rows

T = TypeVar("T")

# What makes an insert repeatable, and no value of an event able to stop it.
INSERT_SETTINGS = {
    "async_insert": 0,  # the answer comes when the rows are stored
    "max_insert_threads": 1,  # blocks in one order
    "parallel_view_processing": 0,
    "deduplicate_blocks_in_dependent_materialized_views": 1,  # each table behind a view knows the token
    "materialize_statistics_on_insert": 0,  # merges make them; a part just written is small
    # Rows of one key within a block are collapsed by merges alone, as those of two blocks are: the token, not this, keeps counts
    # exact, and collapsing them here took a fifth of an insert's CPU.
    "optimize_on_insert": 0,
    "max_partitions_per_insert_block": 0,  # a block over many months is one block
    # The parts of all its months become visible when the last is written: a row that is refused while one is written leaves none
    # behind, which would count beside the pieces of the split block.
    "max_insert_delayed_streams_for_parallel_write": 1_000_000,
    "input_format_avro_allow_missing_fields": 1,  # bodies written with an older schema
    "type_json_skip_duplicated_paths": 1,
    "input_format_try_infer_dates": 0,  # in the JSON column a text stays the text that was sent
    "input_format_try_infer_datetimes": 0,
}


class ClickHouse:
    """One connection for one thread; made when it is first needed, made again after it broke."""

    def __init__(self, settings: ClickHouseSettings, *, timeout_s: int) -> None:
        self._settings = settings
        self._timeout_s = timeout_s
        self._client: Client | None = None

    def insert(self, table: str, rows: Rows, token: str) -> None:
        """Insert these rows, at most once under this token. Raises SinkError."""
        settings = INSERT_SETTINGS | {"insert_deduplication_token": token}
        name = f"{self._settings.database}.{table}"
        self._ask(
            lambda client: client.raw_insert(name, insert_block=rows.data, settings=settings, fmt=rows.format)
        )

    def reload(self, dictionaries: Sequence[str]) -> None:
        """Load these dictionaries from their tables, now and in this order. Raises SinkError."""
        for name in dictionaries:
            self._command(f"SYSTEM RELOAD DICTIONARY {self._settings.database}.{name}")

    def ask(self) -> None:
        """Something cheap that a server with our database and rights answers. Raises SinkError."""
        self._command("SELECT 1")

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _command(self, statement: str) -> None:
        self._ask(lambda client: client.command(statement))

    def _ask(self, request: Callable[[Client], T]) -> T:
        try:
            if self._client is None:
                self._client = connect(self._settings, timeout_s=self._timeout_s)
            return request(self._client)
        except (ClickHouseError, HTTPError, OSError) as error:
            raise translate(error) from error


def translate(error: Exception) -> Unavailable | Refused:
    """The server's own errors have a code, our own misuse of the client has none; all else means that nobody answered."""
    code = code_of(error)
    if code or isinstance(error, ProgrammingError):
        return Refused(code, str(error))
    return Unavailable(str(error), _innermost(error))


def _innermost(error: BaseException) -> str:
    """The name of the error behind the error: ConnectionRefusedError says more than OperationalError does."""
    while (behind := error.__cause__ or error.__context__) is not None:
        error = behind
    return type(error).__name__
