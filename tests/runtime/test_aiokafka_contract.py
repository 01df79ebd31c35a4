"""What we rely on in aiokafka, on a real broker, with the settings of runtime/streams/transport.py."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition  # type: ignore[import-untyped]
from aiokafka.coordinator.assignors.range import (  # type: ignore[import-untyped]
    RangePartitionAssignor,
)
from aiokafka.errors import (  # type: ignore[import-untyped]
    ConsumerStoppedError,
    KafkaError,
    NoOffsetForPartitionError,
    OffsetOutOfRangeError,
)
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as Offset
from confluent_kafka.admin import AdminClient

from runtime.environment.settings import KafkaSettings
from runtime.streams.group import TP
from schemas.topics import EVENTS_RAW
from tests.runtime.topic_log import write_topic

TAKE_MS = 500
DEADLINE_S = 60


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {**environ, "STITCHLINE_PARTITIONS": "1"}


@pytest.fixture
def tp(settings: KafkaSettings) -> TopicPartition:
    return TopicPartition(EVENTS_RAW.full_name(settings.topic_prefix), 0)


@asynccontextmanager
async def consuming(settings: KafkaSettings, instance_id: str | None = None) -> AsyncIterator[Any]:
    """A member of a group of its own that has been given the topic."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.bootstrap_servers,
        group_id=f"{settings.topic_prefix}group",
        group_instance_id=instance_id,
        partition_assignment_strategy=[RangePartitionAssignor],
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_poll_records=None,
        fetch_max_wait_ms=50,
        session_timeout_ms=30_000,
        heartbeat_interval_ms=500,
    )
    await consumer.start()
    try:
        consumer.subscribe([EVENTS_RAW.full_name(settings.topic_prefix)])
        await eventually(lambda: bool(consumer.assignment()))
        yield consumer
    finally:
        await consumer.stop()


async def taken(consumer: Any, tp: TopicPartition) -> list[Any]:
    """The next records."""
    async with asyncio.timeout(DEADLINE_S):
        while True:
            if records := (await consumer.getmany(tp, timeout_ms=TAKE_MS)).get(tp):
                return list(records)


async def taken_until(consumer: Any, tp: TopicPartition, last: bytes) -> list[tuple[int, int, bytes]]:
    """(offset, the position behind what was taken with it, value) of everything up to a value."""
    found: list[tuple[int, int, bytes]] = []
    while not found or found[-1][2] != last:
        records = await taken(consumer, tp)
        position = await consumer.position(tp)
        found += [(record.offset, position, record.value) for record in records]
    return found


def write_transactions(settings: KafkaSettings, tp: TopicPartition) -> None:
    """Committed ones at offsets 0-1 and 6-7, an aborted one at 3-4 between them; their markers are at 2, 5 and 8."""
    producer = Producer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "transactional.id": f"{settings.topic_prefix}writer",
        }
    )
    producer.init_transactions(30)
    for values, end in (
        ((b"a", b"b"), producer.commit_transaction),
        ((b"x", b"y"), producer.abort_transaction),
        ((b"c", b"d"), producer.commit_transaction),
    ):
        producer.begin_transaction()
        for value in values:
            producer.produce(tp.topic, value, partition=tp.partition)
        assert producer.flush(30) == 0  # else an abort would leave nothing in the log
        end(30)


def test_positions_chain_over_markers_and_aborted_records(
    settings: KafkaSettings, tp: TopicPartition
) -> None:
    """Wherever a reader begins again at a position it was told, it gets what comes next, all of it and nothing twice."""
    write_transactions(settings, tp)

    async def read() -> None:
        async with consuming(settings) as consumer:
            consumer.seek(tp, 0)
            whole = await taken_until(consumer, tp, b"d")
            assert [(offset, value) for offset, _, value in whole] == [
                (0, b"a"),
                (1, b"b"),
                (6, b"c"),
                (7, b"d"),
            ]
            for offset, position, _ in whole:
                assert offset < position <= 9
            for position in {position for _, position, _ in whole[:-1]} | {1, 2, 3, 5}:
                rest = [value for offset, _, value in whole if offset >= position]
                consumer.seek(tp, position)
                if rest:
                    assert [value for *_, value in await taken_until(consumer, tp, b"d")] == rest

    asyncio.run(read())


def test_what_was_fetched_before_a_seek_is_not_given_after_it(
    settings: KafkaSettings, tp: TopicPartition
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"%d" % number) for number in range(100)])

    async def read() -> None:
        async with consuming(settings) as consumer:
            for position in (0, 90, 5, 50, 50):
                consumer.seek(tp, position)
                assert (await taken(consumer, tp))[0].offset == position
                assert await consumer.position(tp) > position

    asyncio.run(read())


def test_an_idle_partition_gives_nothing_and_keeps_its_position(
    settings: KafkaSettings, tp: TopicPartition
) -> None:
    async def read() -> None:
        async with consuming(settings) as consumer:
            consumer.seek(tp, 0)
            assert await consumer.getmany(tp, timeout_ms=100) == {}
            assert await consumer.position(tp) == 0

    asyncio.run(read())


def test_a_position_that_is_not_in_the_log_is_an_error(settings: KafkaSettings, tp: TopicPartition) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"a")] * 5)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    [deleted] = admin.delete_records([Offset(tp.topic, tp.partition, 3)]).values()
    deleted.result(30)
    for position in (0, 1_000):
        assert isinstance(asyncio.run(refused(settings, tp, position)), OffsetOutOfRangeError)


def test_no_position_is_an_error(settings: KafkaSettings, tp: TopicPartition) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"a")])
    assert isinstance(asyncio.run(refused(settings, tp, None)), NoOffsetForPartitionError)


async def refused(settings: KafkaSettings, tp: TopicPartition, position: int | None) -> KafkaError:
    async with consuming(settings) as consumer:
        if position is not None:
            consumer.seek(tp, position)
        with pytest.raises(KafkaError) as error:
            await taken(consumer, tp)
        return error.value


def test_a_stopped_consumer_says_so(settings: KafkaSettings, tp: TopicPartition) -> None:
    async def read() -> None:
        async with consuming(settings) as consumer:
            consumer.seek(tp, 0)
            taking = asyncio.create_task(consumer.getmany(tp, timeout_ms=TAKE_MS))
            await asyncio.sleep(0)
            await consumer.stop()
            with pytest.raises(ConsumerStoppedError):
                await consumer.getmany(tp)
            # One that was on its way ends in its time, by the same error or empty-handed.
            async with asyncio.timeout(DEADLINE_S):
                ended = (await asyncio.gather(taking, return_exceptions=True))[0]
            assert ended == {} or isinstance(ended, ConsumerStoppedError), ended

    asyncio.run(read())


def test_positions_are_committed_as_plain_numbers(settings: KafkaSettings, tp: TopicPartition) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"a")] * 5)

    async def read() -> None:
        async with consuming(settings) as consumer:
            await consumer.commit({tp: 4})
        async with consuming(settings) as consumer:
            assert await consumer.committed(tp) == 4

    asyncio.run(read())


@pytest.mark.parametrize(("instance_id", "is_remembered"), [("one", True), (None, False)])
def test_a_static_member_comes_back_without_a_rebalance(
    instance_id: str | None, is_remembered: bool, settings: KafkaSettings
) -> None:
    async def generation() -> int:
        async with consuming(settings, instance_id) as consumer:
            return int(consumer._coordinator.generation)

    first, second = asyncio.run(generation()), asyncio.run(generation())
    assert (first == second) == is_remembered


class Unrest(ConsumerRebalanceListener):  # type: ignore[misc]  # has no types
    """What the coordinator shows while its group is not at rest."""

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer
        self.seen: list[bool] = []

    def on_partitions_revoked(self, revoked: Any) -> None:
        self.seen.append(self._consumer._coordinator._rejoin_needed_fut.done())

    def on_partitions_assigned(self, assigned: Any) -> None: ...


def test_a_group_at_rest_is_told_from_one_that_is_not(settings: KafkaSettings) -> None:
    def is_at_rest(consumer: Any) -> bool:
        coordinator = consumer._coordinator
        if coordinator.coordinator_id is None or coordinator._rejoin_needed_fut.done():
            return False
        return coordinator._heartbeat_task is not None and not coordinator._heartbeat_task.done()

    async def watch() -> None:
        async with consuming(settings) as one:
            await eventually(lambda: is_at_rest(one))
            unrest = Unrest(one)
            one.subscribe([EVENTS_RAW.full_name(settings.topic_prefix)], listener=unrest)
            await eventually(lambda: bool(unrest.seen) and is_at_rest(one))
            await one.stop()
            assert all(unrest.seen)
            assert not is_at_rest(one)

    asyncio.run(watch())


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(DEADLINE_S):
        while not holds():
            await asyncio.sleep(0.02)


def test_partitions_are_equal_to_ours(tp: TopicPartition) -> None:
    assert tp == TP(tp.topic, 0)
    assert {TP(tp.topic, 0): 1}[tp] == 1
