"""A time limit on waiting that costs almost nothing per request: one sweep a second instead of one timer each.

A wait is therefore ended up to a second late, by cancelling what is waited for. Absent: what to do then.
"""

import asyncio
from time import monotonic
from typing import Any, TypeVar

SWEEP_S = 1.0

T = TypeVar("T")


class Patience:
    """Made and used on one event loop, but for `begin`, which may be called on any thread."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[asyncio.Future[Any], float] = {}
        self._expired: set[asyncio.Future[Any]] = set()
        self._is_sweeping = False
        self._sweeping: asyncio.TimerHandle | None = None

    def begin(self, pending: "asyncio.Future[T]") -> "asyncio.Future[T]":
        """What looks like a future, and can be cancelled, will do. When it is done, `outcome` is to be asked."""
        self._waiting[pending] = monotonic()
        if not self._is_sweeping:
            self._is_sweeping = True
            self._loop.call_soon_threadsafe(self._plan)
        return pending

    def outcome(self, pending: "asyncio.Future[T]") -> T | BaseException:
        """Its result, or why there is none: TimeoutError when it took longer than `timeout_s`, CancelledError when it was
        cancelled from elsewhere, as tasks are when the process ends.

        Not raised: an error's traceback would hold who asked, and with that the request, which has the error in it. Nobody
        would ever come to let go of them, and the server waits for a body that somebody holds.
        """
        del self._waiting[pending]
        if pending in self._expired:
            self._expired.remove(pending)
            return TimeoutError()
        try:
            error = pending.exception()
        except asyncio.CancelledError:
            return asyncio.CancelledError()
        return pending.result() if error is None else error

    def end(self) -> None:
        """Whatever is waited for now has taken too long."""
        for pending in list(self._waiting):
            self._expire(pending)

    def _expire(self, pending: asyncio.Future[Any]) -> None:
        if pending not in self._expired and pending.cancel():
            self._expired.add(pending)

    def _plan(self) -> None:
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)

    def _sweep(self) -> None:
        oldest = monotonic() - self._timeout_s
        for pending, since in list(self._waiting.items()):  # in order of arrival
            if since > oldest:
                break
            self._expire(pending)
        self._sweeping = None
        self._is_sweeping = False  # before it is seen who waits: whoever comes later asks for the next one
        if self._waiting:
            self._is_sweeping = True
            self._plan()
