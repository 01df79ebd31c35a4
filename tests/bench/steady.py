"""An open-loop sender: requests leave when they are due, whether or not the earlier ones were answered. On 127.0.0.1 only.

So a slow answer cannot hide by delaying the next question. Requests wait for a free connection when all are in use. Absent:
latencies (latency.py asks the tables).
"""

import asyncio
import base64
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import cast

import msgspec

TICK_S = 0.004
KEY = "dev"


class Shape(msgspec.Struct, frozen=True):
    """One kind of client: events a second, events in a request, where to. `body` is given the first event's number."""

    events_per_s: float
    size: int
    path: str
    body: Callable[[int], bytes]


class Tally(msgspec.Struct):
    """Events sent and answered."""

    sent: int = 0
    accepted: int = 0
    refused: int = 0

    @property
    def is_settled(self) -> bool:
        return self.sent == self.accepted + self.refused


class Request(msgspec.Struct, frozen=True):
    data: bytes
    events: int


class Connection(asyncio.Protocol):
    """One request at a time; tells `answered` when it is free again, `lost` what was asked when the server had closed it."""

    def __init__(
        self, answered: Callable[["Connection", Request, bool], None], lost: Callable[[Request], None]
    ) -> None:
        self._answered = answered
        self._lost = lost
        self._asked: Request | None = None

    @property
    def is_open(self) -> bool:
        return not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def ask(self, request: Request) -> None:
        self._asked = request
        self.transport.write(request.data)

    def data_received(self, data: bytes) -> None:
        # Replies are far smaller than a packet, and nothing is pipelined: one piece is one reply.
        request, self._asked = self._asked, None
        if request is not None:
            self._answered(self, request, data.startswith(b"HTTP/1.1 200"))

    def connection_lost(self, error: Exception | None) -> None:
        request, self._asked = self._asked, None
        if request is not None:
            self._lost(request)


class Sender:
    """Open it, run shapes, close it.

    The server closes a connection that is idle for long. What was written to one in that very moment is sent again over another
    one, as every HTTP client does.
    """

    def __init__(self, host: str, port: int) -> None:
        self._address = host, port
        self._free: deque[Connection] = deque()
        self._all: list[Connection] = []
        self._waiting: deque[Request] = deque()
        self.tally = Tally()

    async def open(self, connections: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(connections):
            _, connection = await loop.create_connection(
                lambda: Connection(self._answered, self._sent_again), *self._address
            )
            self._free.append(connection)
            self._all.append(connection)

    def close(self) -> None:
        for connection in self._all:
            connection.transport.close()

    async def run(self, shapes: Sequence[Shape], seconds: float, first: int) -> int:
        """Send for so long; returns the number behind the last event sent."""
        began = time.monotonic()
        done = [0] * len(shapes)
        number = first
        while (elapsed := time.monotonic() - began) < seconds:
            for place, shape in enumerate(shapes):
                while done[place] * shape.size <= elapsed * shape.events_per_s:
                    self.send(Request(post(shape.path, shape.body(number)), shape.size))
                    number += shape.size
                    done[place] += 1
            await asyncio.sleep(TICK_S)
        return number

    async def settle(self, timeout_s: float) -> None:
        """Until every request is answered."""
        async with asyncio.timeout(timeout_s):
            while not self.tally.is_settled:
                await asyncio.sleep(TICK_S)

    def send(self, request: Request) -> None:
        self.tally.sent += request.events
        self._ask(request)

    def _ask(self, request: Request) -> None:
        while self._free:
            connection = self._free.pop()
            if connection.is_open:
                connection.ask(request)
                return
        self._waiting.append(request)

    def _sent_again(self, request: Request) -> None:
        assert any(connection.is_open for connection in self._all), "the server closed every connection"
        self._ask(request)

    def _answered(self, connection: Connection, request: Request, is_accepted: bool) -> None:
        if is_accepted:
            self.tally.accepted += request.events
        else:
            self.tally.refused += request.events
        if self._waiting and connection.is_open:
            connection.ask(self._waiting.popleft())
        else:
            self._free.append(connection)


def post(path: str, body: bytes, key: str = KEY) -> bytes:
    basic = base64.b64encode(f"{key}:".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nhost: c\r\nauthorization: Basic {basic}\r\ncontent-type: application/json\r\n"
    return head.encode() + b"content-length: %d\r\n\r\n" % len(body) + body


def quantile(values: Sequence[float], part: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]
