"""Requests that are being answered: how many there are, what every answer has, and what is counted of it. An edge."""

import asyncio
import contextlib
from time import monotonic

import structlog
from granian._granian import RSGIHTTPProtocol as HTTPProtocol

from collector.meter import Meter
from collector.reading import Head
from collector.replies import Headers, Reply
from collector.routes import Route, Sent
from collector.scheduling import Watcher

log = structlog.get_logger()

CLOSE = ("connection", "close")  # what is left of the body is not read


class Call:
    """One request that is not answered yet. `route` is None for the collector's own pages, and for what there is not."""

    __slots__ = ("head", "proto", "route", "started_s", "watcher")

    def __init__(self, watcher: Watcher, head: Head, route: Route | None, started_s: float) -> None:
        self.watcher = watcher
        self.proto = watcher.proto
        self.head = head
        self.route = route
        self.started_s = started_s


class Answering:
    """Used on one event loop, but for `begun`: it is counted up where the server hands a request over, and nowhere else."""

    def __init__(self, meter: Meter) -> None:
        self.begun = self._done = 0
        self.meter = meter
        # Nearly all are told the same, and that is put together once.
        self._told: Reply | None = None
        self._beside: Headers = []
        self._headers: Headers = []
        self._status, self._body = 0, b""
        self._idle = asyncio.Event()

    @property
    def busy(self) -> int:
        """How many requests are being answered: a stop waits until it is 0."""
        return self.begun - self._done

    def answer(self, call: Call, reply: Reply, headers: Headers) -> None:
        head, route = call.head, call.route
        if head.method != "POST" or not isinstance(route, Sent):
            headers = [*headers, *farewell(head)]
        label = "other" if route is None else route.label
        self.give(call.proto, label, call.started_s, reply, headers)

    def give(self, proto: HTTPProtocol, label: str, started_s: float, reply: Reply, headers: Headers) -> None:
        """The same of a request of which no more is left. `label` is the path's name in metrics."""
        if reply is not self._told or headers is not self._beside:
            self._told, self._beside, self._headers = reply, headers, [*reply.headers, *headers]
            self._status, self._body = reply.status, reply.body
        proto.response_bytes(self._status, self._headers, self._body)
        self.meter.request(label, self._status, monotonic() - started_s)
        self._ended()

    def failed(self, proto: HTTPProtocol, error: BaseException, label: str = "other") -> None:
        """A mistake of ours: it is logged and counted, and answered 500 unless there was an answer.

        A task that is cancelled when the process ends is no mistake.
        """
        if isinstance(error, Exception):
            log.error("a request failed: a bug", path=label, exc_info=error)
            self.meter.failed(label)
        proto.response_empty(500, [])
        self._ended()

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is being answered, no longer than told."""
        if not self.busy:
            return
        self._idle.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def _ended(self) -> None:
        self._done += 1
        if self._done == self.begun:
            self._idle.set()


def farewell(head: Head) -> Headers:
    """For an answer to a request whose body was not read: the connection ends with it, and the sender has to know."""
    announced = head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers
    return [CLOSE] if announced else []
