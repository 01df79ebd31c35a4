"""Sessions: what SET, USE and CREATE TEMPORARY TABLE leave behind for the next request with the same `session_id`.

A session gets a connection of its own only when one of those three comes; until then each of its requests has a fresh one,
as requests without a session have. Clients open a session by habit, and most never use what it is for.
"""

import contextlib
import threading
from collections.abc import Callable, Iterator

import msgspec

from deploy.embedded.clickhouse.engine import Context
from deploy.embedded.clickhouse.failure import refused
from deploy.embedded.clickhouse.request import Request


class Session(msgspec.Struct, kw_only=True):
    id: str
    timeout_s: float
    ends_at: float
    context: Context | None = None


class Sessions:
    """`clock` is a monotonic one. A session that nobody used for its timeout ends when the next request of any comes."""

    def __init__(self, count_max: int, clock: Callable[[], float]) -> None:
        self._count_max = count_max
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._busy: set[str] = set()
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def entered(self, request: Request) -> Iterator[Session]:
        """The request's session is its alone until it leaves. Raises ClickHouseError."""
        with self._lock:
            self._end_old(self._clock())
            session = self._found(request)
            self._busy.add(session.id)
        try:
            yield session
        finally:
            with self._lock:
                self._busy.discard(session.id)
                session.ends_at = self._clock() + session.timeout_s
                if request.session_closes:
                    _end(self._sessions.pop(session.id))

    def close(self) -> None:
        with self._lock:
            for session in self._sessions.values():
                _end(session)
            self._sessions.clear()

    def _found(self, request: Request) -> Session:
        if request.session_id in self._busy:
            raise refused(
                f"Session {request.session_id} is locked by a concurrent client", 373, "SESSION_IS_LOCKED"
            )
        session = self._sessions.get(request.session_id)
        if session is None:
            session = self._made(request)
        session.timeout_s = request.session_timeout_s
        return session

    def _made(self, request: Request) -> Session:
        if request.session_check:
            raise refused(f"Session {request.session_id} not found", 372, "SESSION_NOT_FOUND")
        if len(self._sessions) >= self._count_max:
            raise refused(
                f"There are {self._count_max} sessions, which is the limit (STITCHLINE_CLICKHOUSE_SESSIONS_MAX)",
                202,
                "TOO_MANY_SIMULTANEOUS_QUERIES",
            )
        made = Session(id=request.session_id, timeout_s=request.session_timeout_s, ends_at=0.0)
        self._sessions[made.id] = made
        return made

    def _end_old(self, now: float) -> None:
        old = [one for one in self._sessions.values() if one.ends_at <= now and one.id not in self._busy]
        for session in old:
            _end(session)
            del self._sessions[session.id]


def _end(session: Session) -> None:
    if session.context:
        session.context.close()
        session.context = None
