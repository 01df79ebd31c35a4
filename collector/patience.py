"""A time limit on waiting that costs almost nothing per request: one sweep a second instead of one timer each.

What is waited for is cancelled then, not who waits: finding out who waits would cost more than all the rest.

A wait is therefore ended up to a second late. Absent: what to do then; the waiter gets a TimeoutError.
"""

import asyncio
import time
from typing import Any, TypeVar

SWEEP_S = 1.0

T = TypeVar("T")


class Patience:
    """Made and used on one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[asyncio.Future[Any], float] = {}
        self._expired: set[asyncio.Future[Any]] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    async def wait(self, pending: "asyncio.Future[T]") -> T:
        """Raises TimeoutError when it takes longer than `timeout_s`. What looks like a future, and can be cancelled, will do."""
        self._waiting[pending] = time.monotonic()
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)
        try:
            return await pending
        except asyncio.CancelledError:
            if pending in self._expired:
                raise TimeoutError from None
            raise
        finally:
            del self._waiting[pending]
            self._expired.discard(pending)

    def _sweep(self) -> None:
        oldest = time.monotonic() - self._timeout_s
        for pending, since in self._waiting.items():  # in order of arrival
            if since > oldest:
                break
            if pending not in self._expired and pending.cancel():
                self._expired.add(pending)
        self._sweeping = self._loop.call_later(SWEEP_S, self._sweep) if self._waiting else None
