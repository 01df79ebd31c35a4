"""Connections of statements that only read, kept as they were set up for the next that wants the same.

To open one, and to set what a client sets with each of its questions, is an eighth of what a short question takes here. A SELECT
leaves nothing on its connection: what does (SET, USE, temporary tables), writes or fails has one of its own, which is closed.
Whether its database is still there a connection does not ask again: when one may have gone, none is kept.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator, Sequence

from deploy.embedded.clickhouse.engine import Context

Setup = tuple[str, ...]


class Spares:
    """At most `count_max` are kept, and the one that was used last is taken first."""

    def __init__(self, made: Callable[[], Context], count_max: int) -> None:
        self._made = made
        self._count_max = count_max
        self._kept: list[tuple[Setup, Context]] = []
        self._closings = 0
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, setup: Sequence[str]) -> Iterator[Context]:
        """A connection on which these statements were run, and nothing but reading since. Raises ClickHouseError."""
        wanted, closings = tuple(setup), self._closings
        context = self._taken(wanted) or self._fresh(wanted)
        try:
            yield context
        except BaseException:
            context.close()
            raise
        self._keep(wanted, context, closings)

    def close(self) -> None:
        """Those that are in use are closed when they are left."""
        with self._lock:
            kept, self._kept = self._kept, []
            self._closings += 1
        for _, context in kept:
            context.close()

    def _taken(self, wanted: Setup) -> Context | None:
        with self._lock:
            for at in reversed(range(len(self._kept))):
                if self._kept[at][0] == wanted:
                    return self._kept.pop(at)[1]
        return None

    def _fresh(self, wanted: Setup) -> Context:
        context = self._made()
        try:
            for statement in wanted:
                context.execute(statement)
        except BaseException:
            context.close()
            raise
        return context

    def _keep(self, setup: Setup, context: Context, closings: int) -> None:
        """`closings`: how often all had been closed when it was set up, or before."""
        with self._lock:
            if closings == self._closings:
                self._kept.append((setup, context))
                if len(self._kept) <= self._count_max:
                    return
                context = self._kept.pop(0)[1]
        context.close()
