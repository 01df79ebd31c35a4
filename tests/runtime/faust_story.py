"""One life of our group on a real broker, written down as Faust called us.

A worker joins alone, is given a parcel to deliver, commits for the lag display, and a second worker joins.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

import faust
from faust.types import TP as FaustTP

from runtime.environment.settings import KafkaSettings, ProcessorSettings
from runtime.streams import transport
from runtime.streams.chunk import Chunk
from runtime.streams.faust_group import FaustGroup
from runtime.streams.group import TP, Parcel
from schemas.topics import EVENTS_RAW
from tests.runtime.memory_faust import until

PARCEL = Parcel(7, Chunk(0, 3, []))
POSITION = 3


class Note(NamedTuple):
    """One call, and how Faust stood then."""

    what: str
    details: tuple[Any, ...]
    rebalancing: bool
    flow_active: bool
    generation: int


class Story(NamedTuple):
    app: faust.App
    consumer: Any
    notes: list[Note]
    committed: int

    def of(self, *what: str) -> list[Note]:
        return [note for note in self.notes if note.what in what]


class Listener:
    """A Member; also hears Faust's signals as they are sent."""

    def __init__(self, app: faust.App) -> None:
        self.app = app
        self.notes: list[Note] = []

    def note(self, what: str, *details: Any) -> None:
        app: Any = self.app
        consumer = app.consumer
        state = app.rebalancing, consumer.flow_active, app.consumer_generation_id
        self.notes.append(Note(what, details, *state))

    def heard(self, what: str) -> int:
        return sum(note.what == what for note in self.notes)

    async def revoked(self) -> None: ...

    async def assigned(self, partitions: AbstractSet[TP]) -> None: ...

    def accept(self, tp: TP, parcel: Parcel) -> None:
        self.note("accept", tp, parcel)

    def positions(self) -> Mapping[TP, int]:
        return {TP(*tp): POSITION for tp in transport.consumer_of(self.app).assignment()}

    async def on_revoked(self, *signal: Any, **_: Any) -> None:
        self.note("revoked", *signal)

    async def on_assigned(self, *signal: Any, **_: Any) -> None:
        self.note("assigned", *signal)


def recording(listener: Listener) -> type[transport.Transport]:
    class Recorder(transport.ChunkConsumer):
        def _new_consumer_thread(self) -> transport.ReaderThread:
            listener.notes.append(Note("thread", (), False, False, 0))
            return super()._new_consumer_thread()

        async def _drain_messages(self, fetcher: Any) -> None:
            listener.note("drain", fetcher)
            await super()._drain_messages(fetcher)

        async def perform_seek(self) -> None:
            listener.note("seek")
            await super().perform_seek()

        async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
            listener.note("commit")
            return await super().commit(topics, start_new_transaction)

        def verify_event_path(self, now: float, tp: FaustTP) -> None:
            listener.note("verify", tp)

    class Recording(transport.Transport):
        Consumer = Recorder

    return Recording


class Group(FaustGroup):
    """Ours, recorded."""

    def __init__(self, kafka: KafkaSettings, processor: ProcessorSettings) -> None:
        super().__init__(f"{kafka.topic_prefix}processors", kafka, processor)
        self.app: Any = self._app
        self.listener = Listener(self.app)
        self.app.transport = recording(self.listener)(self.app.conf.broker_consumer, self.app)
        self.app.on_partitions_revoked.connect(self.listener.on_revoked)
        self.app.on_partitions_assigned.connect(self.listener.on_assigned)
        self.join(self.listener, {"resolve": EVENTS_RAW.full_name(kafka.topic_prefix)})

    async def settled(self, partitions: int) -> None:
        """A rebalance has ended that gave so many partitions."""

        def given() -> bool:
            consumer: Any = self.app.consumer
            assigned = [note for note in self.listener.notes if note.what == "assigned"]
            still = consumer.flow_active and not self.app.rebalancing
            return bool(still and assigned and len(assigned[-1].details[1]) == partitions)

        await until(given, f"{partitions} partitions are given, and the flow goes on")


async def insist(call: Callable[[], Awaitable[Any]], heard: Callable[[], Any]) -> None:
    """Call until it is heard: what is called in a rebalance may be for nothing."""
    async with asyncio.timeout(60):
        while not heard():
            await call()
            await asyncio.sleep(0.1)


async def life(kafka: KafkaSettings, processor: ProcessorSettings) -> tuple[Group, list[Note]]:
    one, two = Group(kafka, processor), Group(kafka, processor)
    heard = one.listener.heard
    living = [asyncio.create_task(one.run())]
    await one.settled(partitions=2)
    await until(lambda: heard("drain"), "the fetcher runs")
    tp = TP(EVENTS_RAW.full_name(kafka.topic_prefix), 0)
    await insist(lambda: one.reader.deliver(tp, PARCEL, 41), lambda: heard("accept"))
    await until(lambda: one.app.consumer._told, "Faust has committed by itself")
    await insist(one.app.consumer.verify_all_partitions_active, lambda: heard("verify"))
    living.append(asyncio.create_task(two.run()))
    await two.settled(partitions=1)
    await one.settled(partitions=1)
    notes = list(one.listener.notes)
    for task in living:
        task.cancel()
    await one.leave()
    await two.leave()
    return one, notes
