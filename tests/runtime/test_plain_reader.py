"""The plain consumer's reader on a real broker: what it is told to read, it reads, and nothing of what it read before."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from runtime import metrics
from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from runtime.streams.group import TP, Parcel, PositionLost, Taken
from runtime.streams.plain_reader import PlainReader
from runtime.streams.plain_watch import LOOK_S
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS
from tests.runtime.topic_log import read_topic, write_topic

PATIENCE_S = 60
RECORDS = 400


class Nobody:
    """A member that nothing is delivered to."""

    async def revoked(self) -> None: ...

    async def assigned(self, partitions: object) -> None: ...

    def accept(self, tp: TP, parcel: Parcel) -> None: ...

    def positions(self) -> Mapping[TP, int]:
        return {}


Use = Callable[[PlainReader], Awaitable[None]]


@pytest.fixture
def reading(settings: KafkaSettings, environ: dict[str, str]) -> Callable[..., None]:
    """Run a coroutine with a reader; what ends the reader's thread fails the test."""

    def run(use: Use, look_s: float = LOOK_S, **limits: str) -> None:
        processor = load(ProcessorSettings, environ | {"PROCESSOR_FETCH_WAIT_MS_MAX": "20"} | limits)
        asyncio.run(use_reader(use, settings, processor, look_s))

    return run


async def use_reader(use: Use, kafka: KafkaSettings, processor: ProcessorSettings, look_s: float) -> None:
    failures: list[BaseException] = []
    reader = PlainReader(kafka, processor, Nobody(), failures.append, look_s=look_s)
    async with asyncio.timeout(PATIENCE_S):
        await use(reader)
    await reader.close()
    assert failures == []


class Forgetful:
    """A client that gives nothing of one partition until that is assigned anew."""

    def __init__(self, consumer: Consumer, forgotten: TP) -> None:
        self._consumer = consumer
        self._forgotten: TP | None = forgotten
        self.incremental_unassign = consumer.incremental_unassign
        self.close = consumer.close

    def poll(self, timeout_s: float) -> Message | None:
        message = self._consumer.poll(timeout_s)
        return None if message is None or self._forgets(message) else message

    def consume(self, count: int, timeout_s: float) -> list[Message]:
        return [message for message in self._consumer.consume(count, timeout_s) if not self._forgets(message)]

    def incremental_assign(self, places: list[TopicPartition]) -> None:
        if any((place.topic, place.partition) == self._forgotten for place in places):
            self._forgotten = None
        self._consumer.incremental_assign(places)

    def _forgets(self, message: Message) -> bool:
        return (message.topic(), message.partition()) == self._forgotten


async def taken(reader: PlainReader, tp: TP) -> Taken:
    while (found := await reader.take(tp, 1)) is None:
        pass
    return found


def topic(settings: KafkaSettings, name: str) -> TP:
    return TP(settings.topic_prefix + name, 0)


def write_transactions(settings: KafkaSettings, count: int) -> None:
    """Records of identity.facts[0], one transaction and so one marker after each two; every fourth is given up."""
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "transactional.id": "test-markers"})
    producer.init_transactions(PATIENCE_S)
    for number in range(0, count, 2):
        producer.begin_transaction()
        for value in (number, number + 1):
            producer.produce(settings.topic_prefix + IDENTITY_FACTS.name, value=b"%d" % value, partition=0)
        if number % 8 == 6:
            producer.flush(PATIENCE_S)
            producer.abort_transaction(PATIENCE_S)
        else:
            producer.commit_transaction(PATIENCE_S)


def test_after_each_of_many_seeks_the_next_record_is_the_first_one_there(
    settings: KafkaSettings, reading: Callable[..., None]
) -> None:
    write_transactions(settings, RECORDS)
    offsets = [record.offset for record in read_topic(settings, IDENTITY_FACTS.name)]
    assert len(offsets) == RECORDS * 3 // 4
    tp, luck = topic(settings, IDENTITY_FACTS.name), random.Random(11)  # noqa: S311

    async def seek_about(reader: PlainReader) -> None:
        for _ in range(40):
            wanted = luck.randrange(len(offsets))
            await reader.seek_to(
                tp, luck.randrange(offsets[wanted - 1] + 1 if wanted else 0, offsets[wanted] + 1)
            )
            found = await taken(reader, tp)
            assert [record.offset for record in found.records] == offsets[wanted:][: len(found.records)]
            assert found.records

    reading(seek_about)


def test_the_position_passes_the_last_marker_when_nothing_follows_it(
    settings: KafkaSettings, reading: Callable[..., None]
) -> None:
    write_transactions(settings, 8)
    last = read_topic(settings, IDENTITY_FACTS.name)[-1].offset
    tp = topic(settings, IDENTITY_FACTS.name)

    async def read_out(reader: PlainReader) -> None:
        await reader.seek_to(tp, 0)
        found = await taken(reader, tp)
        while found.end < 12:  # eight records and four markers, the last four of these given up
            found = await taken(reader, tp)
        assert found.end == 12 > last + 1
        assert await reader.take(tp, 0.2) is None

    reading(read_out)


def test_a_position_beyond_the_log_is_lost_and_another_one_can_be_read_afterwards(
    settings: KafkaSettings, reading: Callable[..., None]
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"one"), (0, b"two")])
    tp = topic(settings, EVENTS_RAW.name)

    async def miss(reader: PlainReader) -> None:
        await reader.seek_to(tp, 1_000)
        with pytest.raises(PositionLost):
            await taken(reader, tp)
        await reader.seek_to(tp, 1)
        assert [record.value for record in (await taken(reader, tp)).records] == [b"two"]

    reading(miss)


def test_what_nobody_takes_fills_no_memory_and_is_read_on_later(
    settings: KafkaSettings, reading: Callable[..., None]
) -> None:
    size, count = 50_000, 160
    write_topic(settings, EVENTS_RAW.name, [(0, b"%d" % number + b"." * size) for number in range(count)])
    write_topic(settings, EVENTS_RAW.name, [(1, b"beside")])
    full, beside = topic(settings, EVENTS_RAW.name), topic(settings, EVENTS_RAW.name)._replace(partition=1)

    async def read_late(reader: PlainReader) -> None:
        await reader.seek_to(full, 0)
        await reader.seek_to(beside, 0)
        assert len((await taken(reader, beside)).records) == 1  # a full partition holds up no other
        numbers: list[int] = []
        largest = 0
        while len(numbers) < count:
            found = await taken(reader, full)
            numbers += [int((record.value or b"").rstrip(b".")) for record in found.records]
            largest = max(largest, len(found.records))
        assert numbers == list(range(count))
        assert largest < count  # half a megabyte at once, and up to four that the client holds

    reading(read_late, PROCESSOR_FETCH_BYTES_MAX="500000")


def test_a_partition_that_the_client_has_forgotten_is_read_on_and_nothing_is_read_twice(
    settings: KafkaSettings, reading: Callable[..., None]
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"one"), (1, b"beside")])
    stuck = topic(settings, EVENTS_RAW.name)
    beside = stuck._replace(partition=1)
    renewed = metrics.DELIVERY_SEEKS.labels(stuck.topic, "stuck")
    before = renewed._value.get()

    async def read_on(reader: PlainReader) -> None:
        for tp in (stuck, beside):
            await reader.seek_to(tp, 0)
            assert len((await taken(reader, tp)).records) == 1
        forgetful = Forgetful(reader._reading._consumer, stuck)
        reader._reading._consumer = forgetful  # type: ignore[assignment]  # all of a Consumer that is used
        write_topic(settings, EVENTS_RAW.name, [(0, b"two"), (0, b"three"), (1, b"four")])
        assert [record.value for record in (await taken(reader, beside)).records] == [b"four"]
        values: list[bytes | None] = []
        while len(values) < 2:
            values += [record.value for record in (await taken(reader, stuck)).records]
        assert values == [b"two", b"three"]
        assert renewed._value.get() > before

    reading(read_on, look_s=0.5)
