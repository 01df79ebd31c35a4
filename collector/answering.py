"""Requests that are being answered: how many there are, what every answer has, and what is counted of it. An edge."""

import asyncio
import contextlib
from time import monotonic

import structlog

from collector.http.answers import answer_head, says_close
from collector.http.head import Head
from collector.http.incoming import Incoming
from collector.meter import Meter
from collector.replies import Headers, Reply
from collector.routes import Sent

log = structlog.get_logger()

CLOSE = ("connection", "close")  # what is left of the body is not read


class Answering:
    """Used on one event loop. `begun` is counted up by whoever begins a request, and nowhere else."""

    def __init__(self, meter: Meter) -> None:
        self.begun = self._done = 0
        self.meter = meter
        # Nearly all are told the same, and that is put together once.
        self._told: Reply | None = None
        self._beside: Headers = []
        self._status, self._head, self._body = 0, b"", b""
        self._closes = False
        self._idle = asyncio.Event()

    @property
    def busy(self) -> int:
        """How many requests are being answered: a stop waits until it is 0."""
        return self.begun - self._done

    def answer(self, incoming: Incoming, reply: Reply, headers: Headers) -> None:
        head, route = incoming.head, incoming.route
        if head.method != "POST" or not isinstance(route, Sent):
            headers = [*headers, *farewell(head)]
        self.give(incoming, "other" if route is None else route.label, reply, headers)

    def give(self, incoming: Incoming, label: str, reply: Reply, headers: Headers) -> None:
        """The same of a request whose head may be gone. `label` is the path's name in metrics."""
        if reply is not self._told or headers is not self._beside:
            self._put_together(reply, headers)
        incoming.line.answer(incoming, self._head, self._body, self._closes)
        self.meter.request(label, self._status, monotonic() - incoming.started_s)
        self._ended()

    def failed(self, incoming: Incoming, error: BaseException) -> None:
        """A mistake of ours: it is logged and counted, and answered 500 unless there was an answer.

        A task that is cancelled when the process ends is no mistake.
        """
        if isinstance(error, Exception):
            label = incoming.route.label if incoming.route else "other"
            log.error("a request failed: a bug", path=label, exc_info=error)
            self.meter.failed(label)
        incoming.line.answer(incoming, answer_head(500, [CLOSE], 0), b"", True)
        self._ended()

    async def drain(self, timeout_s: float) -> None:
        """Wait until nothing is being answered, no longer than told."""
        if not self.busy:
            return
        self._idle.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()

    def _put_together(self, reply: Reply, headers: Headers) -> None:
        every = [*reply.headers, *headers]
        self._told, self._beside = reply, headers
        self._status, self._body = reply.status, reply.body
        self._head = answer_head(reply.status, every, len(reply.body))
        self._closes = says_close(every)

    def _ended(self) -> None:
        self._done += 1
        if self._done == self.begun:
            self._idle.set()


def farewell(head: Head) -> Headers:
    """For an answer to a request whose body was not read: the connection ends with it, and the sender has to know."""
    announced = head.headers.get("content-length", "0") != "0" or "transfer-encoding" in head.headers
    return [CLOSE] if announced else []
