"""Stock Faust over a broker in memory, so that what it does to events can be shown at will and in no time.

Everything between the driver and the agents is Faust's own: conductor, queues, streams, acks, commits, tables, recovery, the
producer's buffer. Only the driver is this module's, and it does no more than aiokafka's does: `seek_to_committed` asks for one
partition after the other, a position stays where it was when nothing is committed, all partitions are revoked at a rebalance.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import faust
from faust.assignor.client_assignment import ClientAssignment
from faust.tables.manager import TableManager
from faust.transport import base, consumer, producer
from faust.transport.drivers import TRANSPORTS
from faust.types import TP, ConsumerMessage
from faust.types.tuples import RecordMetadata

SCHEME = "inmemory"
COMMIT_S = 0.05
FETCH_S = 0.002
DEADLINE_S = 60.0


class Record(NamedTuple):
    offset: int
    key: bytes | None
    value: bytes | None


async def _at_once(topic: str) -> None:
    """What a broker that is never slow does before it answers."""


class Broker:
    """Logs and committed offsets. `before_send` is awaited before a record of the topic is taken, `after_committed` when a
    member has been told what is committed for it; a delivery fails with `delivery_error`."""

    def __init__(self) -> None:
        self.logs: dict[TP, list[Record]] = defaultdict(list)
        self.committed: dict[TP, int] = {}
        self.before_send: Callable[[str], Awaitable[None]] = _at_once
        self.delivery_error: Exception | None = None
        self.after_committed: Callable[[str], Awaitable[None]] = _at_once

    def write(self, topic: str, *values: bytes, key: bytes | None = None) -> None:
        for value in values:
            self.append(TP(topic, 0), key, value)

    def append(self, tp: TP, key: bytes | None, value: bytes | None) -> int:
        self.logs[tp].append(Record(len(self.logs[tp]), key, value))
        return len(self.logs[tp]) - 1


class MemoryApp(faust.App):
    kept: Broker


class PromptTables(TableManager):
    """Without the second that Faust waits before it starts its tables."""

    async def sleep(self, n: Any) -> None:
        await super().sleep(0)


class MemoryConsumer(consumer.Consumer):
    """One member, alone in its group; a test calls rebalance()."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kept = cast(MemoryApp, self.app).kept
        self._assigned: set[TP] = set()
        self._positions: dict[TP, int] = {}
        self._generation = 0

    async def subscribe(self, topics: Iterable[str]) -> None:
        self.add_future(
            self.rebalance({TP(topic, 0) for topic in {*topics, *self.app.tables.changelog_topics}})
        )

    async def rebalance(self, assigned: set[TP]) -> None:
        self.app.on_rebalance_start()
        await self.on_partitions_revoked(set(self._assigned))
        self._assigned = set(assigned)
        self._positions = {tp: self.kept.committed.get(tp, 0) for tp in assigned}
        self._generation += 1
        self.app.consumer_generation_id = self._generation
        actives = {tp.topic: [tp.partition] for tp in assigned}
        cast(Any, self.app.assignor)._assignment = ClientAssignment(actives=actives, standbys={})
        await self.on_partitions_assigned(set(assigned), self._generation)

    def assignment(self) -> set[TP]:
        return self._assigned

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        self.kept.committed.update(offsets)
        return True

    async def seek_to_committed(self) -> Mapping[TP, int]:
        found: dict[TP, Any] = {}
        for tp in sorted(self._assigned):
            found[tp] = self.kept.committed.get(tp)
            if found[tp]:
                self._positions[tp] = found[tp]
            await self.kept.after_committed(tp.topic)
        return found

    async def _seek(self, partition: TP, offset: int) -> None:
        self._positions[partition] = offset

    async def seek_wait(self, partitions: Mapping[TP, int]) -> None:
        self._positions.update(partitions)

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's
        generation = self._generation
        await asyncio.sleep(FETCH_S)
        if generation != self._generation or not self.flow_active:
            return {}  # a fetch from before a rebalance is dropped, and its positions stay
        found = {}
        for tp in (active_partitions or set()) & self._assigned:
            if records := self.kept.logs[tp][self._positions[tp] :]:
                found[tp] = records
                self._positions[tp] = len(self.kept.logs[tp])
        return found

    def _new_topicpartition(self, topic: str, partition: int) -> TP:
        return TP(topic, partition)

    def _to_message(self, tp: TP, record: Record) -> ConsumerMessage:
        return ConsumerMessage(
            topic=tp.topic,
            partition=tp.partition,
            offset=record.offset,
            timestamp=0.0,
            timestamp_type=0,
            headers=None,
            key=record.key,
            value=record.value,
            checksum=None,
            tp=tp,
            generation_id=self.app.consumer_generation_id,
        )

    def highwater(self, tp: TP) -> int:
        return len(self.kept.logs[tp])

    async def highwaters(self, *partitions: TP) -> Mapping[TP, int]:
        return {tp: self.highwater(tp) for tp in partitions}

    async def earliest_offsets(self, *partitions: TP) -> Mapping[TP, int]:
        return dict.fromkeys(partitions, 0)

    async def position(self, tp: TP) -> int | None:
        return self._positions.get(tp)

    def topic_partitions(self, topic: str) -> int | None:
        return 1

    def key_partition(self, topic: str, key: bytes | None, partition: int | None = None) -> int | None:
        return 0

    async def create_topic(self, *args: Any, **kwargs: Any) -> None: ...


class MemoryProducer(producer.Producer):
    async def send(self, topic: str, key: Any, value: Any, partition: int | None, *_: Any, **__: Any) -> Any:
        kept = cast(MemoryApp, self.app).kept
        await kept.before_send(topic)
        delivered: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        if kept.delivery_error is not None:
            delivered.set_exception(kept.delivery_error)
            return delivered
        tp = TP(topic, partition or 0)
        offset = kept.append(tp, key, value)
        delivered.set_result(RecordMetadata(topic, tp.partition, tp, offset, None, None))
        return delivered

    async def flush(self) -> None:
        await self.buffer.flush()

    async def create_topic(self, *args: Any, **kwargs: Any) -> None: ...


class Transport(base.Transport):
    Consumer = MemoryConsumer
    Producer = MemoryProducer
    default_port = 0
    driver_version = "in memory"


def stock_app(kept: Broker, folder: Path, **settings: Any) -> MemoryApp:
    """Stock Faust, with its own settings but for those that keep it quick and by itself."""
    TRANSPORTS.aliases[SCHEME] = f"{__name__}:{Transport.__name__}"
    quick: dict[str, Any] = {
        "autodiscover": False,
        "web_enabled": False,
        "topic_disable_leader": True,
        "topic_partitions": 1,
        "table_standby_replicas": 0,
        "broker_commit_interval": COMMIT_S,
        "stream_recovery_delay": 0.0,
        "TableManager": PromptTables,
    }
    app = MemoryApp(
        "stock", broker=f"{SCHEME}://", datadir=str(folder), store="memory://", **{**quick, **settings}
    )
    app.kept = kept
    return app


def consumer_of(app: faust.App) -> MemoryConsumer:
    return cast(MemoryConsumer, app.consumer)


def raw(app: faust.App, name: str) -> Any:
    """A topic whose values are bytes."""
    return app.topic(name, value_type=bytes, value_serializer="raw")


@asynccontextmanager
async def running(app: faust.App) -> AsyncIterator[None]:
    await app.start()
    try:
        yield
    finally:
        await app.stop()


async def until(holds: Callable[[], Any], what: str) -> None:
    """Poll until it holds; `what` says in the failure what was waited for."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not holds():
                await asyncio.sleep(FETCH_S)
    except TimeoutError:
        raise AssertionError(f"it did not happen in time: {what}") from None
