"""Reads partitions with a consumer of its own, in a thread of its own, without a group.

Every read begins with an assignment at an explicit position and ends with its removal: there is no seek, no pause and no offset
of a group that could be taken for a position. What an earlier assignment brought is recognised by its number (`epoch`) and
dropped. The thread (plain_reading.py) talks to Kafka, the event loop holds what has arrived; they meet in a queue of orders one
way and in `call_soon_threadsafe` the other. What the client itself forgets to read, plain_watch.py notices.
"""

import asyncio
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import suppress

import msgspec

from runtime.environment.settings import KafkaSettings, ProcessorSettings
from runtime.lookup import Lookup
from runtime.streams.group import TP, Member, Parcel, PositionLost, Taken
from runtime.streams.plain_reading import (
    Arrival,
    Emptied,
    Forget,
    Mark,
    Read,
    Reading,
    Renew,
    reading_consumer,
)
from runtime.streams.plain_watch import LOOK_S, ReaderWatch
from schemas.stream import InputRecord


class Inflow(msgspec.Struct):
    """The event loop's side of a partition: what has arrived and was not taken. `told`: the end that the taker knows."""

    epoch: int
    end: int
    told: int
    arrived: asyncio.Event
    records: list[InputRecord] = []
    size: int = 0
    lost: str = ""


class PlainReader:
    """`fail` is called, in the event loop, with what ended the thread."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: ProcessorSettings,
        member: Member,
        fail: Callable[[BaseException], None],
        *,
        look_s: float = LOOK_S,
    ) -> None:
        self._member = member
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._inflows: dict[TP, Inflow] = {}
        self._epochs = 0
        self._reading = Reading(reading_consumer(kafka, settings), settings.fetch_bytes_max, self._post)
        self._reading.start()
        self._watch = ReaderWatch(Lookup(kafka), self._marks, self._renew)
        self._watch.start(look_s, self._post)

    async def seek_to(self, tp: TP, position: int) -> None:
        self._epochs += 1
        self._inflows[tp] = Inflow(self._epochs, position, position, asyncio.Event())
        self._reading.orders.put(Read(tp, self._epochs, position))

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        """The next records; None, or markers passed without a record, after the time-out. Raises PositionLost."""
        if (inflow := self._inflows.get(tp)) is None:
            await asyncio.sleep(timeout_s)
            return None
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await inflow.arrived.wait()
        if inflow.lost and not inflow.records:
            raise PositionLost(inflow.lost)
        return self._emptied(tp, inflow) if inflow.end > inflow.told else None

    def _emptied(self, tp: TP, inflow: Inflow) -> Taken:
        records, size = inflow.records, inflow.size
        inflow.records, inflow.size = [], 0
        if not inflow.lost:
            inflow.arrived.clear()
        self._reading.orders.put(Emptied(tp, inflow.epoch, size))
        inflow.told = inflow.end
        return Taken(records, inflow.end)

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        self._member.accept(tp, value)

    def keep(self, partitions: AbstractSet[TP]) -> None:
        """Read no others any more."""
        for tp in self._inflows.keys() - partitions:
            del self._inflows[tp]
            self._reading.orders.put(Forget(tp))

    @property
    def beats(self) -> int:
        """Grows with each sign of life of the thread."""
        return self._reading.beats

    async def close(self) -> None:
        self._watch.stop()
        await self._reading.end()

    def _marks(self) -> Mapping[TP, Mark]:
        """Of those partitions of which everything was taken. Called in the watch's thread."""
        return {
            tp: Mark(inflow.epoch, inflow.end)
            for tp, inflow in list(self._inflows.items())
            if not inflow.records and not inflow.lost and inflow.end == inflow.told
        }

    def _renew(self, tp: TP, mark: Mark) -> None:
        """Called in the watch's thread."""
        self._reading.orders.put(Renew(tp, mark.epoch))

    def _post(self, news: dict[TP, Arrival] | BaseException) -> None:
        """Called in the threads."""
        receive = self._fail if isinstance(news, BaseException) else self._receive
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(receive, news)  # type: ignore[arg-type]  # each takes its own kind

    def _receive(self, arrivals: dict[TP, Arrival]) -> None:
        for tp, arrival in arrivals.items():
            inflow = self._inflows.get(tp)
            if inflow is None or inflow.epoch != arrival.epoch:
                continue
            inflow.records += arrival.records
            inflow.size += arrival.size
            inflow.lost = arrival.lost
            inflow.end = inflow.end if arrival.end is None else arrival.end
            if arrival.records or arrival.lost:
                inflow.arrived.set()
