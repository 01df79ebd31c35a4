"""How the server's requests come to the event loop: one call each, where its own way is a coroutine in a task. An edge.

Most requests post an event and need no task: they wait for their body and for Kafka, and both can call (posting.py). This is the
one module that builds on what the server keeps to itself; its version is pinned (docs/decisions/0065).
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from granian._granian import CallbackScheduler, RSGIWorker
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope
from granian.server.embed import Server


class Watcher(Protocol):
    """One request, as the server gives it."""

    scope: Scope
    proto: HTTPProtocol

    def taskref(self, task: object, /) -> None:
        """Keeps it alive as long as the request is there."""

    def err(self, error: BaseException, /) -> None:
        """Answers 500 unless there was an answer. It would log it, too; the server's own log is off."""


Begin = Callable[[Watcher], None]  # on the event loop; it raises nothing


class Handover:
    """Requests on their way from the server's threads to the event loop, which is woken once for all that wait."""

    __slots__ = ("_begin", "_is_woken", "_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: Begin) -> None:
        self._loop = loop
        self._begin = begin
        self._waiting: deque[Watcher] = deque()
        self._is_woken = False

    def give(self, watcher: Watcher) -> None:
        """On a thread of the server's."""
        self._waiting.append(watcher)
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self.take)

    def take(self) -> None:
        """On the event loop: all that wait now."""
        self._is_woken = False  # before it is seen what waits: whatever comes later wakes the loop again
        for _ in range(len(self._waiting)):
            self._begin(self._waiting.popleft())


async def serve(server: Server, begin: Begin) -> None:
    """Until the server is stopped. `begin` is called with each request."""
    await server.serve(partial(_work, begin))  # type: ignore[arg-type]  # its own are coroutines, too


async def _work(
    begin: Begin, number: int, stop: Any, _application: object, sockets: Any, *options: Any
) -> None:
    """A worker of the server as it makes one itself, but for the scheduler. `options` are those of its own, in their order."""
    loop = asyncio.get_running_loop()
    *threads, _task, mode, http1, http2, websockets, files, _log, encryption, _scope = options
    stopped = asyncio.Event()
    stop.add_cb(lambda: loop.call_soon_threadsafe(stopped.set))
    make: Any = RSGIWorker  # its stubs are those of an earlier one
    worker = make(
        number, sockets, None, *threads, mode, http1, http2, websockets, files, *encryption, (None, None)
    )
    worker.serve_async(_scheduler(loop, begin), loop, stop)
    await stopped.wait()


def _scheduler(loop: asyncio.AbstractEventLoop, begin: Begin) -> CallbackScheduler:
    made = CallbackScheduler(loop, begin, None, None, None)  # type: ignore[call-arg]
    made._schedule_fn = Handover(loop, begin).give  # type: ignore[attr-defined]
    return made
