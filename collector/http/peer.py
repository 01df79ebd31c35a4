"""One connection: its requests begin one after another, and are answered in their order. An edge.

Of several that come at once the next one begins when the one before it is answered; meanwhile nothing more is read. A connection
has no task, timer or thread: the listener looks at all of them now and then (listener.py).

Where an answer comes before all that was sent has been read, the connection is closed in one direction, and what still comes is
thrown away for a while: a client that is still sending would lose the answer otherwise.
"""

from collections import deque
from time import monotonic
from typing import Any

from collector.body import too_large
from collector.http.answers import CLOSES, CONTINUE, KEEPS, answer_head
from collector.http.faults import AT_ONCE_MAX, INCOMPLETE, TOO_MANY_AT_ONCE, TOO_SLOW, NoRequest
from collector.http.head import Head
from collector.http.incoming import Incoming, Line, Place
from collector.http.parsing import Parsing
from collector.rejection import Refusal

LINGER_S = 5.0
EXPECTED = "100-continue"


class Peer(Line):
    """A protocol of asyncio's, and used on one event loop."""

    __slots__ = (
        "_current",
        "_desk",
        "_is_advancing",
        "_is_deaf",
        "_is_ending",
        "_is_full",
        "_is_paused",
        "_is_stopping",
        "_last_words",
        "_newest",
        "_parsing",
        "_place",
        "_since",
        "_transport",
        "_waiting",
    )

    def __init__(self, place: Place) -> None:
        self._place = place
        self._desk = place.desk
        self._transport: Any = None
        self._parsing: Parsing | None = None
        self._since = 0.0  # when that began which cannot last for ever
        self._newest: Incoming | None = None  # its body is being read
        self._current: Incoming | None = None  # its answer is the next one
        self._waiting: deque[Incoming] = deque()
        self._last_words: Refusal | None = None  # why what came last is no request
        self._is_full = False  # the other side does not read
        self._is_deaf = False  # no further request will be read
        self._is_ending = False
        self._is_paused = False  # nothing is read until those that wait have begun
        self._is_advancing = False
        self._is_stopping = False

    # What the event loop calls.

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        peer = transport.get_extra_info("peername")
        address = str(peer[0]) if isinstance(peer, tuple) else ""
        self._parsing = Parsing(self, address, self._place.head_bytes_max)
        self._since = self._place.now
        if self._is_stopping:
            self.stop()

    def connection_lost(self, _error: Exception | None) -> None:
        self._transport = None
        self._is_deaf = True
        self._waiting.clear()
        if self._parsing is not None:
            self._parsing.end()
        self._place.gone(self)
        self._cut(INCOMPLETE)
        self._newest = None

    def data_received(self, data: bytes) -> None:
        if self._is_deaf or self._parsing is None:
            return
        refusal = self._parsing.feed(data)
        if self._is_deaf:
            return
        if refusal is not None:
            self._refuse(refusal)
        elif self._waiting and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Whether the connection stays open: there is something to answer yet."""
        self._is_deaf = True
        self._cut(INCOMPLETE)
        return not self._is_ending and (self._current is not None or bool(self._waiting))

    def pause_writing(self) -> None:
        self._is_full = True
        self._since = self._place.now

    def resume_writing(self) -> None:
        self._is_full = False
        self._since = self._place.now
        self._advance()

    # What the listener calls.

    def sweep(self, now: float) -> None:
        """End what takes too long. `now` is the monotonic clock's."""
        place = self._place
        # That long surely: `since` is when the listener had looked last.
        waited_s = now - self._since - place.sweep_s
        if self._transport is None:
            return
        if self._is_ending or self._is_full:
            # Who reads slowly has the usual time for the rest of the answer.
            is_sent = self._is_ending and not self._transport.get_write_buffer_size()
            if waited_s > (LINGER_S if is_sent else place.head_timeout_s):
                self._transport.abort()
        elif self._current is None:
            if waited_s > place.head_timeout_s:
                self._end(all_read=True)
        elif waited_s > place.body_timeout_s:
            self.end_body()

    def end_body(self) -> None:
        """A body that is not here yet is too slow."""
        current = self._current
        if current is not None and self._is_awaited(current) and not current.is_whole:
            self._desk.unread(current, TOO_SLOW)

    def stop(self) -> None:
        """What has begun is answered; where nothing has, that is the end."""
        self._is_stopping = True
        if self._transport is None or self._is_ending or self._current is not None or self._waiting:
            return
        if self._parsing is not None and not self._parsing.begun_bytes:
            self._end(all_read=True)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    # What its parser calls.

    def take_head(self, head: Head, keeps: bool, says_keeps: bool) -> None:
        if self._is_deaf:
            return  # behind the connection's last request, and in the same piece: nobody could be told what became of it
        if len(self._waiting) >= AT_ONCE_MAX:
            raise NoRequest(TOO_MANY_AT_ONCE)
        incoming = Incoming(self, head, keeps, says_keeps)
        self._newest = incoming
        if self._current is None and not self._is_full:
            self._current = incoming
            self._begin(incoming)
        else:
            self._waiting.append(incoming)

    def take_body(self, piece: bytes) -> None:
        incoming = self._newest
        if incoming is None or incoming.is_answered:
            return
        incoming.add(piece)
        if incoming.body_bytes > incoming.body_bytes_max and self._is_awaited(incoming):
            self._desk.unread(incoming, too_large(incoming.body_bytes_max))

    def take_end(self) -> None:
        incoming = self._newest
        if incoming is None:
            return
        self._newest = None
        incoming.is_whole = True
        if not incoming.keeps:
            self._is_deaf = True
        if incoming.is_answered:
            self._done()
        elif self._is_awaited(incoming):
            self._desk.whole(incoming, incoming.take_body())

    # One request after another.

    def answer(self, incoming: Incoming, head: bytes, body: bytes, closes: bool) -> None:
        if incoming.is_answered:
            return
        incoming.is_answered = True
        if self._transport is None:
            self._current = None  # each would hold the other
            return
        is_last = self._is_stopping or (self._is_deaf and not self._waiting and self._last_words is None)
        ends = closes or is_last or not incoming.keeps
        line = CLOSES if ends else KEEPS if incoming.says_keeps else b""
        self._transport.write(b"".join((head, line, self._place.date, b"" if incoming.is_bodiless else body)))
        if ends:
            self._end(all_read=incoming.is_whole and not self._is_paused and not self._waiting)
        elif incoming.is_whole:
            self._done()

    def _is_awaited(self, incoming: Incoming) -> bool:
        """Whether somebody wants its body."""
        return incoming.body_bytes_max >= 0 and incoming.is_begun and not incoming.is_answered

    def _begin(self, incoming: Incoming) -> None:
        incoming.is_begun = True
        incoming.started_s = monotonic()
        self._since = self._place.now
        incoming.body_bytes_max = self._desk.begin(incoming)
        if not self._is_awaited(incoming):
            return
        if incoming.body_bytes > incoming.body_bytes_max:
            self._desk.unread(incoming, too_large(incoming.body_bytes_max))
        elif incoming.is_whole:
            self._desk.whole(incoming, incoming.take_body())
        elif incoming.refusal is not None:
            self._desk.unread(incoming, incoming.refusal)
        elif incoming.head.headers.get("expect", "").lower() == EXPECTED and self._transport is not None:
            self._transport.write(CONTINUE)

    def _cut(self, refusal: Refusal) -> None:
        """The body that is being read ends here."""
        incoming = self._newest
        if incoming is None or incoming.refusal is not None:
            return
        incoming.refusal = refusal
        if self._is_awaited(incoming):
            self._desk.unread(incoming, refusal)

    def _done(self) -> None:
        self._current = None
        self._since = self._place.now
        if self._waiting or self._is_paused or self._last_words is not None:
            self._advance()

    def _advance(self) -> None:
        if self._is_advancing:
            return
        self._is_advancing = True
        try:
            while self._current is None and self._waiting and not self._is_full:
                self._current = self._waiting.popleft()
                self._begin(self._current)
        finally:
            self._is_advancing = False
        if not self._waiting:
            self._resume()
        if self._current is None and not self._waiting and self._last_words is not None:
            self._say_last(self._last_words)

    def _resume(self) -> None:
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    def _refuse(self, refusal: Refusal) -> None:
        self._is_deaf = True
        if self._newest is not None:
            self._cut(refusal)
            return
        self._last_words = refusal
        self._advance()

    def _say_last(self, refusal: Refusal) -> None:
        self._last_words = None
        if self._is_ending or self._transport is None:
            return
        reply = self._desk.no_request(refusal)
        head = answer_head(reply.status, reply.headers, len(reply.body))
        self._transport.write(b"".join((head, CLOSES, self._place.date, reply.body)))
        self._end(all_read=False)

    def _end(self, *, all_read: bool) -> None:
        self._is_deaf = self._is_ending = True
        self._since = self._place.now
        self._current = None
        self._waiting.clear()
        if all_read:
            self._transport.close()
            return
        self._resume()
        self._transport.write_eof()
