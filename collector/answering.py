"""Requests that are being answered: how many there are, what every answer has, and what is counted of it. An edge."""

import asyncio
import contextlib
import time

import structlog

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
    """`busy` counts requests that are being answered: a stop waits until it is 0. Used on one event loop."""

    def __init__(self, meter: Meter) -> None:
        self.busy = 0
        self.meter = meter
        self._idle = asyncio.Event()

    def answer(self, call: Call, reply: Reply, headers: Headers) -> None:
        head, route = call.head, call.route
        if head.method != "POST" or not isinstance(route, Sent):
            headers = [*headers, *_farewell(head)]
        call.proto.response_bytes(reply.status, [*reply.headers, *headers], reply.body)
        label = "other" if route is None else route.label
        self.meter.request(label, reply.status, time.monotonic() - call.started_s)
        self._ended()

    def failed(self, watcher: Watcher, error: BaseException, label: str = "other") -> None:
        """A mistake of ours: it is logged and counted, and the server answers 500. `label` is the path's name in metrics.

        A task that is cancelled when the process ends is no mistake.
        """
        if isinstance(error, Exception):
            log.error("a request failed: a bug", path=label, exc_info=error)
            self.meter.failed(label)
        watcher.err(error)
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
        self.busy -= 1
        if not self.busy:
            self._idle.set()


def _farewell(head: Head) -> Headers:
    """For an answer to a request whose body was not read: the connection ends with it, and the sender has to know."""
    announced = head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers
    return [CLOSE] if announced else []
