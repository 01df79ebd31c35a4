"""A request as the server hands it over: its head, read once, and its body, within its limits of bytes and time.

Absent: what stands in them (intake.py).
"""

import asyncio
from typing import cast

from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian._granian import RSGIProtocolClosed as ProtocolClosed
from granian.rsgi import Scope

from collector.body import too_large
from collector.chunks import BodyRefused, read_within
from collector.patience import Patience
from collector.rejection import Refusal
from schemas.events.reasons import Reason


class Head:
    """Every access to the scope makes a thing anew, the headers as a copy: so what each request needs is kept here.

    `headers` by their names in lower case, the first of those that come twice. Never changed.
    """

    __slots__ = ("headers", "method", "path", "query", "scope")

    def __init__(self, method: str, path: str, query: str, headers: dict[str, str], scope: Scope) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.scope = scope

    def asked_at(self, path: str) -> "Head":
        """The same of another path."""
        return Head(self.method, path, self.query, self.headers, self.scope)


UNREADABLE = (BodyRefused, TimeoutError, ProtocolClosed)  # refused, too slow, cut off


def read_head(scope: Scope) -> Head:
    headers: dict[str, str] = {}
    for name, value in scope.headers.items():
        headers.setdefault(name, value)
    return Head(scope.method, scope.path, scope.query_string, headers, scope)


class BodyReader:
    """Made and used on one event loop, but for `start`."""

    def __init__(self, bytes_max: int, timeout_s: float) -> None:
        self._bytes_max = bytes_max
        self._digits = len(str(bytes_max))
        self._patience = Patience(timeout_s)

    def start(self, headers: dict[str, str], protocol: HTTPProtocol) -> "asyncio.Future[bytes] | None":
        """As `begin`, on the server's thread, which is also the one that ends it: nothing is done before somebody waits for it.

        None where it says nothing of its length, or too much: that is for the event loop.
        """
        announced = headers.get("content-length", "")
        if not announced.isdecimal():
            return None
        # What has fewer digits than the limit is below it.
        if len(announced) >= self._digits and int(announced) > self._bytes_max:
            return None
        return self._patience.begin(cast("asyncio.Future[bytes]", protocol()))

    def begin(self, headers: dict[str, str], protocol: HTTPProtocol) -> "asyncio.Future[bytes]":
        """What will be done when the body is here: ask `outcome` for it then. Raises BodyRefused at once when it is announced as
        too large.
        """
        announced = headers.get("content-length", "")
        if not announced:
            return self._patience.begin(asyncio.ensure_future(read_within(protocol, self._bytes_max)))
        if announced.isdecimal() and int(announced) > self._bytes_max:
            raise BodyRefused(too_large(self._bytes_max))
        # It is a future, and is declared as less.
        return self._patience.begin(cast("asyncio.Future[bytes]", protocol()))

    def outcome(self, pending: "asyncio.Future[bytes]") -> bytes | BaseException:
        """Of what `begin` gave: one of UNREADABLE where it cannot be read."""
        return self._patience.outcome(pending)

    def end(self) -> None:
        """Those that are not here yet will be too slow."""
        self._patience.end()


def why_unread(error: Exception) -> Refusal:
    """`error` is one of UNREADABLE."""
    if isinstance(error, BodyRefused):
        return error.refusal
    if isinstance(error, TimeoutError):
        return Refusal(Reason.BODY_TOO_SLOW, "the body did not arrive in time: send it again")
    return Refusal(Reason.BODY_INCOMPLETE, "the body ended before its Content-Length: send it again, whole")
