"""A group whose delivery goes wrong at random: for workers that a test starts with TOY_FAULTS=seed."""

import asyncio
import random
from collections.abc import Mapping

from runtime.streams.group import TP, Group, Member, Parcel, Reader, Taken, Vitals

SHARE = 0.08  # of chunks, for each kind of fault
DELAY_S = 0.2


class FaultyGroup:
    """Passes everything on to a real group. `lossy`: agents whose reader may lose records, as an input without transactions lets
    the pump see."""

    def __init__(self, group: Group, seed: int, lossy: str) -> None:
        self._group = group
        self._random = random.Random(seed)  # noqa: S311
        self._lossy = lossy
        self._lossy_topic = ""

    def join(self, member: Member, topics: Mapping[str, str]) -> None:
        self._lossy_topic = topics[self._lossy]
        self._group.join(member, topics)

    @property
    def reader(self) -> Reader:
        return FaultyReader(self._group.reader, self._random, self._lossy_topic)

    async def run(self) -> None:
        await self._group.run()

    def vitals(self) -> Vitals:
        return self._group.vitals()

    async def leave(self) -> None:
        await self._group.leave()


class FaultyReader:
    def __init__(self, reader: Reader, luck: random.Random, lossy_topic: str) -> None:
        self._reader = reader
        self._random = luck
        self._lossy_topic = lossy_topic
        self._late: set[asyncio.Task[None]] = set()
        self._lost: set[tuple[TP, int]] = set()

    def _strikes(self) -> bool:
        return self._random.random() < SHARE

    async def seek_to(self, tp: TP, position: int) -> None:
        await self._reader.seek_to(tp, position)

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        """The first record of a read may be missing, once: what is missing again and again is not in the log."""
        taken = await self._reader.take(tp, timeout_s)
        if taken is None or tp.topic != self._lossy_topic:
            return taken
        first = tp, taken.records[0].offset
        is_first_read = all(tp != lost for lost, _ in self._lost)
        if first in self._lost or not (is_first_read or self._strikes()):
            return taken
        self._lost.add(first)
        return Taken(taken.records[1:], taken.end)

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        if self._strikes():
            return
        if self._strikes():
            self._late.add(late := asyncio.create_task(self._later(tp, value, offset)))
            late.add_done_callback(self._late.discard)
            return
        await self._reader.deliver(tp, value, offset)
        if self._strikes():
            await self._reader.deliver(tp, value, offset)

    async def _later(self, tp: TP, value: Parcel, offset: int) -> None:
        await asyncio.sleep(DELAY_S)
        await self._reader.deliver(tp, value, offset)
