"""The broker's side of a run: topics, the backlog, when the last answer became visible, and what the answers were."""

import time
from collections.abc import Callable, Iterable, Iterator

import msgspec
from confluent_kafka import Consumer, IsolationLevel, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec
from confluent_kafka.cimpl import NewTopic

from tests.bench.keyed.task import PARTITIONS, Message

ANSWER_S = 20
BATCH = 20_000
POLL_S = 0.05
QUIET_S = 2.0  # longer than any contender takes between two commits while it has work
READ_S = 60.0


class Run(msgspec.Struct, frozen=True):
    """The topics of one contender's one run: their own, so that nothing is left over from another. `prefix` is in every name."""

    bootstrap: str
    prefix: str
    source: str
    sink: str


class Sample(msgspec.Struct, frozen=True):
    """When it was seen, where the answers ended by partition, and what else was measured then."""

    at: float
    ends: tuple[int, ...]
    cpu_s: tuple[float, ...]


def create_topics(run: Run) -> None:
    admin = _admin(run)
    topics = [
        NewTopic(name, num_partitions=PARTITIONS, replication_factor=1) for name in (run.source, run.sink)
    ]
    for made in admin.create_topics(topics).values():
        made.result(ANSWER_S)


def delete_topics(run: Run) -> None:
    """Those of the run, and the changelogs that a contender made for itself."""
    admin = _admin(run)
    if mine := [name for name in admin.list_topics(timeout=ANSWER_S).topics if run.prefix in name]:
        for deleted in admin.delete_topics(mine).values():
            deleted.result(ANSWER_S)


def send(run: Run, messages: Iterable[Message]) -> None:
    """Returns when all are in the log."""
    producer = Producer(
        {
            "bootstrap.servers": run.bootstrap,
            "enable.idempotence": True,
            "linger.ms": 20,
            "batch.size": 512 << 10,
            "compression.type": "lz4",
            "queue.buffering.max.messages": 2_000_000,
            "queue.buffering.max.kbytes": 1 << 20,
        }
    )
    for message in messages:
        producer.produce(run.source, message.value, message.key, partition=message.partition)
        producer.poll(0)
    producer.flush(READ_S)


def watch(run: Run, answers: int, cpu_s: Callable[[], tuple[float, ...]], timeout_s: float) -> Sample:
    """Wait until committed answers stop coming, `answers` at least; returns when the last became visible to a reader."""
    admin, places = _admin(run), _places(run.sink)
    last = _sample(admin, places, cpu_s)
    deadline = time.monotonic() + timeout_s
    while True:
        now = _sample(admin, places, cpu_s)
        if now.ends != last.ends:
            last = now
        elif sum(now.ends) >= answers and now.at - last.at > QUIET_S:
            return last
        assert now.at < deadline, f"{sum(now.ends)} of {answers} answers after {timeout_s:.0f} s"
        time.sleep(POLL_S)


def ends(run: Run) -> tuple[int, ...]:
    """Where committed answers end, by partition."""
    return _ends(_admin(run), _places(run.sink))


def read(run: Run) -> Iterator[bytes]:
    """The values of all committed answers."""
    admin, places = _admin(run), _places(run.sink)
    ends = _ends(admin, places)
    consumer = Consumer(
        {
            "bootstrap.servers": run.bootstrap,
            "group.id": "oracle",
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
        }
    )
    consumer.assign([TopicPartition(place.topic, place.partition, 0) for place in places])
    left = {place.partition for place, end in zip(places, ends, strict=True) if end}
    deadline = time.monotonic() + READ_S
    while left:
        assert time.monotonic() < deadline, "the answers could not be read to their end"
        for message in consumer.consume(BATCH, 0.2):
            if message.error() is None:
                yield message.value() or b""
            else:  # the end of a partition; after it come only markers
                left.discard(message.partition())
    consumer.close()


def _sample(
    admin: AdminClient, places: list[TopicPartition], cpu_s: Callable[[], tuple[float, ...]]
) -> Sample:
    return Sample(time.monotonic(), _ends(admin, places), cpu_s())


def _ends(admin: AdminClient, places: list[TopicPartition]) -> tuple[int, ...]:
    """Of what is committed."""
    asked = admin.list_offsets(
        {place: OffsetSpec.latest() for place in places},  # type: ignore[no-untyped-call]
        isolation_level=IsolationLevel.READ_COMMITTED,
        request_timeout=ANSWER_S,
    )
    return tuple(asked[place].result().offset for place in places)


def _places(topic: str) -> list[TopicPartition]:
    return [TopicPartition(topic, partition) for partition in range(PARTITIONS)]


def _admin(run: Run) -> AdminClient:
    return AdminClient({"bootstrap.servers": run.bootstrap, "log_level": 0})
