"""The other side of a connection's code, without sockets: what it writes, and a desk that answers when told to."""

from typing import Any

from collector.http.answers import answer_head, date_line
from collector.http.incoming import NO_BODY, Desk, Incoming
from collector.http.peer import Peer
from collector.rejection import Refusal
from collector.replies import Reply, refused

BODY_BYTES_MAX = 100
HEAD_BYTES_MAX = 8_192


class Transport:
    """What a peer needs of uvloop's. `unsent` are bytes that the other side has not taken."""

    def __init__(self) -> None:
        self.sent = b""
        self.unsent = 0
        self.is_closed = self.is_half_closed = self.is_aborted = self.is_paused = False

    def get_extra_info(self, _name: str) -> tuple[str, int]:
        return ("192.0.2.7", 4711)

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        assert not self.is_half_closed
        self.sent += data

    def write_eof(self) -> None:
        self.is_half_closed = True

    def close(self) -> None:
        self.is_closed = True

    def abort(self) -> None:
        self.is_aborted = True

    def pause_reading(self) -> None:
        assert not self.is_paused
        self.is_paused = True

    def resume_reading(self) -> None:
        assert self.is_paused
        self.is_paused = False


class Counter(Desk):
    """Keeps what it is asked. POSTs have a body; `/now` is answered at once, everything else by `answer`."""

    def __init__(self) -> None:
        self.begun: list[Incoming] = []
        self.bodies: list[bytes] = []
        self.refusals: list[Refusal] = []

    def begin(self, incoming: Incoming) -> int:
        self.begun.append(incoming)
        if incoming.head.path == "/now":
            self.answer(incoming, b"now")
        return BODY_BYTES_MAX if incoming.head.method == "POST" else NO_BODY

    def whole(self, incoming: Incoming, body: bytes) -> None:
        assert incoming is self.begun[-1]
        self.bodies.append(body)

    def unread(self, incoming: Incoming, refusal: Refusal) -> None:
        self.refusals.append(refusal)
        self.answer(incoming, b"", status=413, closes=True)

    def no_request(self, refusal: Refusal) -> Reply:
        self.refusals.append(refusal)
        return refused(refusal)

    def answer(self, incoming: Incoming, body: bytes, *, status: int = 200, closes: bool = False) -> None:
        incoming.line.answer(incoming, answer_head(status, [], len(body)), body, closes)


class Place:
    """Where a peer is. `now` stands still until it is set."""

    sweep_s = 0.5
    head_timeout_s = 30.0
    body_timeout_s = 20.0
    head_bytes_max = HEAD_BYTES_MAX

    def __init__(self) -> None:
        self.desk: Any = Counter()
        self.now = 1_000.0
        self.date = date_line(0)
        self.left: list[Peer] = []

    def gone(self, peer: Peer) -> None:
        self.left.append(peer)


class Side:
    """One connection as its other side has it."""

    def __init__(self) -> None:
        self.place = Place()
        self.desk: Counter = self.place.desk
        self.transport = Transport()
        self.peer = Peer(self.place)
        self.peer.connection_made(self.transport)

    def send(self, *pieces: bytes) -> None:
        for piece in pieces:
            self.peer.data_received(piece)

    def answer(self, place: int, body: bytes = b"", *, closes: bool = False) -> None:
        """The request that began as the so-manieth."""
        self.desk.answer(self.desk.begun[place], body, closes=closes)

    @property
    def paths(self) -> list[str]:
        return [incoming.head.path for incoming in self.desk.begun]

    @property
    def statuses(self) -> list[int]:
        return [int(part[:3]) for part in self.transport.sent.decode("latin-1").split("HTTP/1.1 ")[1:]]


def get(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: c", *headers, "", ""]).encode("latin-1")


def post(body: bytes, *headers: str, path: str = "/") -> bytes:
    lines = [f"POST {path} HTTP/1.1", "host: c", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body
