"""The statements that run, by the query ids that clients know, so that one can be found, refused twice, and ended.

The engine gives every statement an id of its own. The client's goes along as `log_comment`, by which the engine's is found.
"""

import contextlib
import threading
from collections.abc import Iterator

from deploy.embedded.clickhouse.engine import Engine, Params
from deploy.embedded.clickhouse.failure import refused
from deploy.embedded.clickhouse.sql import quoted

MARK = "log_comment"


class Running:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._marks: dict[str, str] = {}  # query id -> what the engine has as log_comment
        self._readers: set[str] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, query_id: str, mark: str, reads: bool) -> Iterator[None]:
        """Raises ClickHouseError when a statement of this id runs."""
        with self._lock:
            if query_id in self._marks:
                raise refused(
                    f"Query with id = {query_id} is already running.",
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                )
            self._marks[query_id] = mark
            if reads:
                self._readers.add(query_id)
        try:
            yield
        finally:
            with self._lock:
                del self._marks[query_id]
                self._readers.discard(query_id)

    def in_the_engines_words(self, kill: bytes, params: Params) -> tuple[bytes, Params]:
        """A KILL QUERY in which the ids of clients, as strings or as parameters, have become the engine's."""
        with self._lock:
            marks = dict(self._marks)
        named = {query_id for query_id in marks if query_id.encode() in kill or query_id in params.values()}
        ids = {query_id: engines for query_id in named for engines in self._processes(marks[query_id])}
        for query_id, engines in ids.items():
            kill = kill.replace(quoted(query_id).encode(), quoted(engines).encode())
        return kill, {name: ids.get(value, value) for name, value in params.items()}

    def end_reader(self, query_id: str) -> None:
        """Nobody waits for its answer. Does nothing when it does not run, or does more than read."""
        with self._lock:
            mark = self._marks[query_id] if query_id in self._readers else None
        for engines in self._processes(mark) if mark is not None else []:
            self._ask(f"KILL QUERY WHERE query_id = {quoted(engines)} ASYNC")

    def _processes(self, mark: str) -> list[str]:
        marked = f"Settings['{MARK}'] = {quoted(mark)}"
        return [row[0] for row in self._ask(f"SELECT query_id FROM system.processes WHERE {marked}")]  # noqa: S608 - quoted

    def _ask(self, statement: str) -> list[list[str]]:
        with contextlib.closing(self._engine.open()) as context:
            return context.rows(statement)
