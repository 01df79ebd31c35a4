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
        self._ids: set[str] = set()
        self._marked: set[str] = set()
        self._readers: set[str] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, query_id: str, marked: bool, reads: bool) -> Iterator[None]:
        """Raises ClickHouseError when a statement of this id runs. `marked`: its log_comment is the id."""
        with self._lock:
            if query_id in self._ids:
                raise refused(
                    f"Query with id = {query_id} is already running.",
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                )
            self._ids.add(query_id)
            if marked:
                self._marked.add(query_id)
                self._readers.update({query_id} if reads else ())
        try:
            yield
        finally:
            with self._lock:
                for ids in (self._ids, self._marked, self._readers):
                    ids.discard(query_id)

    def in_the_engines_words(self, kill: bytes, params: Params) -> tuple[bytes, Params]:
        """A KILL QUERY in which the ids of clients, as strings or as parameters, have become the engine's."""
        with self._lock:
            marked = set(self._marked)
        named = {one for one in marked if one.encode() in kill or one in params.values()}
        ids = {query_id: engines for query_id in named for engines in self._processes(query_id)}
        for query_id, engines in ids.items():
            kill = kill.replace(quoted(query_id).encode(), quoted(engines).encode())
        return kill, {name: ids.get(value, value) for name, value in params.items()}

    def end_reader(self, query_id: str) -> None:
        """Nobody waits for its answer. Does nothing when it does not run, or does more than read."""
        with self._lock:
            known = query_id in self._readers
        for engines in self._processes(query_id) if known else []:
            self._ask(f"KILL QUERY WHERE query_id = {quoted(engines)} ASYNC")

    def _processes(self, query_id: str) -> list[str]:
        """The engine's ids of what runs for it: one, or none any more."""
        marked = f"Settings['{MARK}'] = {quoted(query_id)}"
        return [row[0] for row in self._ask(f"SELECT query_id FROM system.processes WHERE {marked}")]  # noqa: S608 - quoted

    def _ask(self, statement: str) -> list[list[str]]:
        with contextlib.closing(self._engine.open()) as context:
            return context.rows(statement)
