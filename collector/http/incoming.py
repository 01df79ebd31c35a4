"""One request until it is answered, and what whoever answers it is asked. An edge's part: no I/O is here.

Absent: the connection (peer.py), and what the answer is (collector.reception).
"""

from typing import Any, Protocol

from collector.http.head import Head
from collector.http.parsing import Taker
from collector.rejection import Refusal
from collector.replies import Reply

NO_BODY = -1  # what a desk says when it reads none


class Line(Taker):
    """Where answers go: one connection."""

    __slots__ = ()

    def answer(self, incoming: "Incoming", head: bytes, body: bytes, closes: bool) -> None:
        """Once for each request that has begun; a second answer is none. `head` is what `answer_head` makes."""
        raise NotImplementedError


class Incoming:
    """One request. `route` is its desk's own; `body_bytes_max` is NO_BODY unless its body is wanted.

    `keeps`: its sender wants to use the connection again; `says_keeps`: and has to be told that it may. `is_bodiless`: its answer
    has no body. `refusal`: why its body cannot be read any further.
    """

    __slots__ = (
        "_body",
        "_joined",
        "body_bytes",
        "body_bytes_max",
        "head",
        "is_answered",
        "is_begun",
        "is_bodiless",
        "is_whole",
        "keeps",
        "line",
        "refusal",
        "route",
        "says_keeps",
        "started_s",
    )

    def __init__(self, line: Line, head: Head, keeps: bool, says_keeps: bool) -> None:
        self._make(line, head, keeps, says_keeps)

    def _make(self, line: Line, head: Head, keeps: bool, says_keeps: bool) -> None:
        self.line = line
        self.head = head
        self.route: Any = None
        self.started_s = 0.0
        self.body_bytes_max = NO_BODY
        self.body_bytes = 0
        self._body = b""
        self._joined: bytearray | None = (
            None  # of several pieces: a list of tiny ones would take twenty times their bytes
        )
        self.keeps = keeps
        self.says_keeps = says_keeps
        self.refusal: Refusal | None = None
        self.is_begun = self.is_whole = self.is_answered = False
        self.is_bodiless = head.method == "HEAD"

    def add(self, piece: bytes) -> None:
        """The next one of its body."""
        self.body_bytes += len(piece)
        if self._joined is not None:
            self._joined += piece
        elif self._body:
            self._joined = bytearray(self._body + piece)
        else:
            self._body = piece

    def take_body(self) -> bytes:
        """What has arrived of it, and is let go of."""
        body = self._body if self._joined is None else bytes(self._joined)
        self._body, self._joined = b"", None
        return body


class Desk:
    """What becomes of requests. Nothing is raised."""

    def begin(self, incoming: Incoming) -> int:
        """It is its turn. How large its body may be, when `whole` or `unread` shall be called; NO_BODY when not."""
        raise NotImplementedError

    def whole(self, incoming: Incoming, body: bytes) -> None:
        """All of it is here."""
        raise NotImplementedError

    def unread(self, incoming: Incoming, refusal: Refusal) -> None:
        """Its body will not be here."""
        raise NotImplementedError

    def no_request(self, refusal: Refusal) -> Reply:
        """What is told to whoever sent what is no request."""
        raise NotImplementedError


class Place(Protocol):
    """Where connections are: what they need of their listener. Times are seconds of the monotonic clock.

    `now` is when it looked last at all of them, `sweep_s` how often it does; `date` a head's last line.
    """

    desk: Desk
    now: float
    sweep_s: float
    date: bytes
    head_bytes_max: int
    head_timeout_s: float
    body_timeout_s: float

    def gone(self, peer: Any, /) -> None: ...
