"""The first thing that becomes of a request: who answers it is found, and what sends events goes its way. An edge.

Absent: who answers all other requests (app.py).
"""

from collections.abc import Callable

from collector.answering import CLOSE, Answering
from collector.cors import PUBLIC
from collector.holding import Control
from collector.http.incoming import NO_BODY, Desk, Incoming
from collector.posting import Postings
from collector.rejection import Refusal
from collector.replies import Reply, refused
from collector.routes import Route, Routes, Sent


class Reception(Desk):
    """`others` answers, or begins to, what sends no events; what it raises is answered 500."""

    def __init__(
        self,
        control: Control,
        routes: Routes,
        answering: Answering,
        postings: Postings,
        others: Callable[[Incoming], None],
    ) -> None:
        self._control = control
        self._routes = routes
        self._exact = routes.exact
        self._answering = answering
        self._postings = postings
        self._others = others

    def begin(self, incoming: Incoming) -> int:
        self._answering.begun += 1
        try:
            route = self._exact.get(incoming.head.path) or self._find(incoming)  # nearly always the former
            incoming.route = route
            if isinstance(route, Sent) and incoming.head.method != "OPTIONS":
                return self._postings.begin(incoming)
            self._others(incoming)
        except Exception as error:  # the root of what happens here
            self._answering.failed(incoming, error)
        return NO_BODY

    def whole(self, incoming: Incoming, body: bytes) -> None:
        try:
            self._postings.take(incoming, body)
        except Exception as error:  # as above
            self._answering.failed(incoming, error)

    def unread(self, incoming: Incoming, refusal: Refusal) -> None:
        try:
            self._postings.unread(incoming, refusal)
        except Exception as error:  # as above
            self._answering.failed(incoming, error)

    def no_request(self, refusal: Refusal) -> Reply:
        reply = refused(refusal, CLOSE, *PUBLIC)  # whose page sent it is not known
        self._answering.meter.refused(refusal.reason)
        self._answering.meter.request("other", reply.status, 0)
        return reply

    def _find(self, incoming: Incoming) -> Route | None:
        path = incoming.head.path
        route, known = self._routes.find(path, self._control.state)
        if known != path:
            incoming.head = incoming.head.asked_at(known)
        return route
