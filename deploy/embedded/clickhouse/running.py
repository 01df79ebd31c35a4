"""The statements that run, by the query ids that clients know, so that one can be found, refused twice, and ended.

The engine gives every statement an id of its own. It is found by the thread that runs it: a request has one from its body to its
answer, and a thread has one request at a time.
"""

import contextlib
import threading
from collections.abc import Iterator

from deploy.embedded.clickhouse.engine import Engine, Params
from deploy.embedded.clickhouse.failure import refused
from deploy.embedded.clickhouse.sql import quoted

# The asker is not meant; of two, the one that is being ended is the older.
OF_A_THREAD_SQL = """\
SELECT query_id FROM system.processes WHERE has(thread_ids, {thread}) AND query_id != queryID() ORDER BY elapsed DESC"""


class Running:
    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._threads: dict[str, int] = {}
        self._readers: set[str] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, query_id: str, reads: bool) -> Iterator[None]:
        """In the thread that runs it. Raises ClickHouseError when a statement of this id runs."""
        with self._lock:
            if query_id in self._threads:
                raise refused(
                    f"Query with id = {query_id} is already running.",
                    216,
                    "QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING",
                )
            self._threads[query_id] = threading.get_native_id()
            if reads:
                self._readers.add(query_id)
        try:
            yield
        finally:
            with self._lock:
                del self._threads[query_id]
                self._readers.discard(query_id)

    def in_the_engines_words(self, kill: bytes, params: Params) -> tuple[bytes, Params]:
        """A KILL QUERY in which the ids of clients, as strings or as parameters, have become the engine's."""
        with self._lock:
            running = list(self._threads)
        named = {one for one in running if one.encode() in kill or one in params.values()}
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
        thread = self._threads.get(query_id)
        if thread is None:
            return []
        found = [row[0] for row in self._ask(OF_A_THREAD_SQL.format(thread=thread))]
        # What the thread runs after it is another request's.
        return found if self._threads.get(query_id) == thread else []

    def _ask(self, statement: str) -> list[list[str]]:
        with contextlib.closing(self._engine.open()) as context:
            return context.rows(statement)
