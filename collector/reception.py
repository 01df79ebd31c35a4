"""The first thing that becomes of a request: its head is read, and what sends events goes its way. An edge.

Absent: who answers all other requests (app.py).
"""

import time
from collections.abc import Callable

from collector.answering import Answering, Call
from collector.holding import Control
from collector.posting import Postings
from collector.reading import read_head
from collector.routes import Routes, Sent
from collector.scheduling import Watcher


class Reception:
    """Used on one event loop. `others` answers, or begins to, what sends no events; what it raises is told to the server."""

    def __init__(
        self,
        control: Control,
        routes: Routes,
        answering: Answering,
        postings: Postings,
        others: Callable[[Call], None],
    ) -> None:
        self._control = control
        self._routes = routes
        self._answering = answering
        self._postings = postings
        self._others = others

    def begin(self, watcher: Watcher) -> None:
        """One request. It will be answered; nothing is raised."""
        self._answering.busy += 1
        try:
            self._begin(watcher)
        except Exception as error:  # the root of what happens here
            self._answering.failed(watcher, error)

    def _begin(self, watcher: Watcher) -> None:
        started_s = time.monotonic()
        head = read_head(watcher.scope)
        route, path = self._routes.find(head.path, self._control.state)
        if path != head.path:
            head = head.asked_at(path)
        call = Call(watcher, head, route, started_s)
        if isinstance(route, Sent) and head.method != "OPTIONS":
            self._postings.begin(call, route)
        else:
            self._others(call)
