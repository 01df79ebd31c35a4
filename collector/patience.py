"""A time limit on waiting that costs almost nothing per request: one sweep a second instead of one timer each.

A wait is therefore ended up to a second late. Absent: what to do then; the waiter gets a TimeoutError.
"""

import asyncio
import time
from collections.abc import Awaitable
from typing import Any, TypeVar

SWEEP_S = 1.0

T = TypeVar("T")


class Patience:
    """Made and used on one event loop."""

    def __init__(self, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[asyncio.Task[Any], float] = {}
        self._expired: set[asyncio.Task[Any]] = set()
        self._sweeping: asyncio.TimerHandle | None = None

    async def wait(self, awaitable: Awaitable[T]) -> T:
        """Raises TimeoutError when it takes longer than `timeout_s`."""
        task = asyncio.current_task(self._loop)
        assert task is not None
        self._waiting[task] = time.monotonic()
        if self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)
        try:
            return await awaitable
        except asyncio.CancelledError:
            if task in self._expired:
                task.uncancel()
                raise TimeoutError from None
            raise
        finally:
            del self._waiting[task]
            self._expired.discard(task)

    def _sweep(self) -> None:
        oldest = time.monotonic() - self._timeout_s
        for task, since in self._waiting.items():  # in order of arrival
            if since > oldest:
                break
            if task not in self._expired:
                self._expired.add(task)
                task.cancel()
        self._sweeping = self._loop.call_later(SWEEP_S, self._sweep) if self._waiting else None
