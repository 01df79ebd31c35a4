"""Whatever comes on a connection, and whatever becomes of it, in any order."""

from hypothesis import given
from hypothesis import strategies as st

from tests.collector.http.sockets import BODY_BYTES_MAX, Side, get, post

REQUESTS = [
    get("/a"),
    get("/now"),
    post(b"abc"),
    post(b"x" * (BODY_BYTES_MAX + 1)),
    get("/c", "connection: close"),
]
ODD = [
    b"\r\n",
    b"nonsense\r\n\r\n",
    post(b"abc")[:-1],
    b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n",
]
STEPS = st.lists(
    st.one_of(
        st.sampled_from([*REQUESTS, *ODD]).map(lambda sent: ("sent", sent)),
        st.sampled_from(["answer", "eof", "flow", "stop", "sweep"]).map(lambda name: (name, b"")),
    ),
    max_size=30,
)


class Course:
    """What happens to one connection; `is_over` once its transport takes no more."""

    def __init__(self, size: int) -> None:
        self.side = Side()
        self._size = size
        self._answered = 0
        self._is_open, self._is_full, self._is_lost = True, False, False

    @property
    def is_over(self) -> bool:
        transport = self.side.transport
        return transport.is_closed or transport.is_aborted or self._is_lost

    def sent(self, sent: bytes) -> None:
        if self._is_open and not self.side.transport.is_paused:
            self.side.send(*[sent[place : place + self._size] for place in range(0, len(sent), self._size)])

    def answer(self, _sent: bytes) -> None:
        if self._answered < len(self.side.desk.begun):
            self.side.answer(self._answered)
            self._answered += 1

    def eof(self, _sent: bytes) -> None:
        if self._is_open:
            self._is_open = False
            self._is_lost = not self.side.peer.eof_received()

    def flow(self, _sent: bytes) -> None:
        self._is_full = not self._is_full
        (self.side.peer.pause_writing if self._is_full else self.side.peer.resume_writing)()

    def stop(self, _sent: bytes) -> None:
        self.side.peer.stop()

    def sweep(self, _sent: bytes) -> None:
        self.side.place.now += 40
        self.side.peer.sweep(self.side.place.now)


@given(STEPS, st.integers(1, 50))
def test_whatever_happens_each_request_that_began_is_answered_once_and_in_order(
    steps: list[tuple[str, bytes]], size: int
) -> None:
    """A transport that is closed takes no more bytes, and says so if it is given any."""
    course = Course(size)
    side = course.side
    for name, sent in steps:
        if course.is_over:
            break
        getattr(course, name)(sent)
    begun = side.desk.begun
    assert len([incoming for incoming in begun if not incoming.is_answered]) <= 1
    assert len(side.statuses) - side.statuses.count(100) <= len(begun) + 1, "the last words are of no request"
    side.peer.connection_lost(None)
    for incoming in begun:
        side.desk.answer(incoming, b"")
    assert side.place.left == [side.peer]
