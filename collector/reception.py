"""The first thing that becomes of a request: its head is read, and what sends events goes its way. An edge.

The head is read where the server hands the request over, on its thread, and so is its body asked for: the event loop hears of
what sends events once, when all of it is here. What is decided, answered and counted is so on the event loop.

Absent: who answers all other requests (app.py).
"""

from collections.abc import Callable
from time import monotonic

from collector.answering import Answering, Call
from collector.holding import Control
from collector.posting import Postings
from collector.reading import read_head
from collector.routes import Routes, Sent
from collector.scheduling import Watcher


class Reception:
    """`others` answers, or begins to, what sends no events; what it raises is answered 500."""

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
        self._exact = routes.exact
        self._answering = answering
        self._postings = postings
        self._others = others

    def start(self, watcher: Watcher) -> "Call | Watcher | None":
        """On the server's thread: what shall be begun on the event loop now, None when its body is being read.

        What fails is done again there, whose root tells of it.
        """
        self._answering.begun += 1
        try:
            call = self._call(watcher)
            if (
                call.head.method == "POST"
                and isinstance(call.route, Sent)
                and self._postings.start(call, call.route)
            ):
                return None
        except Exception:
            return watcher
        return call

    def begin(self, request: "Call | Watcher") -> None:
        """On the event loop. It will be answered; nothing is raised."""
        try:
            call = request if isinstance(request, Call) else self._call(request)
            route = call.route
            if isinstance(route, Sent) and call.head.method != "OPTIONS":
                self._postings.begin(call, route)
            else:
                self._others(call)
        except Exception as error:  # the root of what happens here
            self._answering.failed(request.proto, error)

    def is_alone(self) -> bool:
        return self._answering.busy <= 1

    def _call(self, watcher: Watcher) -> Call:
        started_s = monotonic()
        head = read_head(watcher.scope)
        if exact := self._exact.get(head.path):  # as nearly always
            return Call(watcher, head, exact, started_s)
        route, path = self._routes.find(head.path, self._control.state)
        if path != head.path:
            head = head.asked_at(path)
        return Call(watcher, head, route, started_s)
