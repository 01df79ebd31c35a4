"""How the server's requests come to the event loop: one call each, where its own way is a coroutine in a task. An edge.

Most requests post an event and need no task: they wait for their body and for Kafka, and both can call (posting.py). This is the
one module that builds on what the server keeps to itself; its version is pinned (docs/decisions/0065).
"""

import asyncio
from functools import partial
from typing import Any, Protocol

import uvloop
from granian._granian import CallbackScheduler, RSGIWorker
from granian._granian import RSGIHTTPProtocol as HTTPProtocol
from granian.rsgi import Scope
from granian.server.embed import Server

# What comes so soon after others is taken together. As long as this was no more than a wait for Kafka takes anyway.
PAUSE_S = 0.001


class Watcher(Protocol):
    """One request, as the server gives it."""

    scope: Scope
    proto: HTTPProtocol

    def taskref(self, task: object, /) -> None:
        """Keeps it alive as long as the request is there."""


class Begin(Protocol):
    """What becomes of requests. Neither raises."""

    def start(self, watcher: Watcher, /) -> Any:
        """On the server's thread: what shall be begun on the event loop; None when it will be heard of again by its body."""

    def begin(self, started: Any, /) -> None:
        """On the event loop, what `start` gave."""

    def is_alone(self) -> bool:
        """On any thread: whether no more than one request is being answered."""


class Awaited:
    """Who waits for a body; `pending` is what has become of it, once that is known."""

    __slots__ = ("pending",)

    pending: Any  # of the event loop, on its way to it

    def __call__(self, pending: Any) -> None:
        self.told(pending)

    def told(self, pending: Any) -> None:
        """The body, or why there is none. Raises nothing."""
        raise NotImplementedError


class Handover:
    """What is on its way from the server's threads to the event loop, which is woken once for all that wait.

    What comes while others are begun, or in the pause after that, wakes nobody: the loop looks again until nothing has come. A
    request that comes alone is begun at once, also in a pause: when all others have been answered, none is expected.
    """

    __slots__ = ("_again", "_begin", "_is_alone", "_is_woken", "_loop", "_start", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, begin: Begin) -> None:
        self._loop = loop
        self._start, self._begin, self._is_alone = begin.start, begin.begin, begin.is_alone
        self._waiting: list[Any] = []
        self._is_woken = False
        self._again: asyncio.TimerHandle | None = None  # the loop looks again by itself

    def give(self, watcher: Watcher) -> None:
        """On a thread of the server's."""
        started = self._start(watcher)
        if started is not None:
            self.put(started)

    def put(self, started: Any) -> None:
        """On any thread."""
        self._waiting.append(started)  # before it is asked who will look
        if not self._is_woken and (self._again is None or self._is_alone()):
            self._is_woken = True
            self._loop.call_soon_threadsafe(self.wake)

    def wake(self) -> None:
        """On the event loop, which was woken."""
        self._is_woken = False  # before it is seen what waits: whatever comes later wakes the loop again
        self._take()

    def resume(self) -> None:
        """After the pause."""
        self._again = None  # as above
        self._take()

    def _take(self) -> None:
        if not self._waiting:
            return
        if self._again is None:
            self._again = self._loop.call_later(PAUSE_S, self.resume)
        taken = self._waiting[:]
        del self._waiting[: len(taken)]  # of the same list: a thread may be about to append to it
        place = 0
        try:
            for place, started in enumerate(taken):
                taken[place] = None  # it goes as soon as it can
                if isinstance(started, Awaited):
                    awaited: Awaited = started
                    pending, awaited.pending = awaited.pending, None  # each would hold the other
                    awaited.told(pending)
                else:
                    self._begin(started)
        except BaseException:  # of a mistake that cannot even be logged
            self._waiting[:0] = taken[place + 1 :]  # the others are begun after the pause
            raise


def _put(handover: Handover, awaited: Awaited, pending: Any) -> None:
    awaited.pending = pending
    handover.put(awaited)


class Loop(uvloop.Loop):
    """An event loop to which the server's bodies come by the hand-over, too: no handle, context and waking for each."""

    handover: Handover | None = None

    def call_soon_threadsafe(  # type: ignore[override]  # as wide as the one below it
        self, callback: Any, *arguments: Any, context: Any = None
    ) -> Any:
        handover = self.handover
        if handover is not None and isinstance(callback, Awaited):
            _put(handover, callback, arguments[0])
            return None
        return super().call_soon_threadsafe(callback, *arguments, context=context)


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
    handover = Handover(loop, begin)
    if isinstance(loop, Loop):
        loop.handover = handover
    made = CallbackScheduler(loop, begin.begin, None, None, None)  # type: ignore[call-arg]
    made._schedule_fn = handover.give  # type: ignore[attr-defined]
    return made
