"""What a worker of agents shows to those who watch over it."""

import asyncio
from collections.abc import Mapping, Sequence

from runtime.streams.delivery import Delivery
from runtime.streams.group import Group, Vitals
from runtime.watch.judgement import Pulse, Sight


class WatchedWorker:
    """A worker of agents; `loop` is its event loop."""

    def __init__(
        self, delivery: Delivery, group: Group, loop: asyncio.AbstractEventLoop, limit_s: float
    ) -> None:
        self._delivery = delivery
        self._group = group
        self._loop = loop
        self._limit_s = limit_s

    def sights(self) -> Sequence[Sight]:
        return self._delivery.sights()

    def pulses(self) -> Sequence[Pulse]:
        return [Pulse(f"thread {name}", beats, self._limit_s) for name, beats in self._vitals.threads.items()]

    def loops(self) -> Mapping[str, asyncio.AbstractEventLoop]:
        return {"event loop": self._loop, **self._vitals.loops}

    def unsettled(self) -> str:
        if self._delivery.is_stopping:
            return ""
        return self._vitals.unsettled if self._delivery.is_assigned else "no partitions are assigned"

    @property
    def _vitals(self) -> Vitals:
        """Nothing is expected of a group that is being left."""
        return Vitals() if self._delivery.is_stopping else self._group.vitals()
