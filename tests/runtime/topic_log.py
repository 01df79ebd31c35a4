"""What a topic holds for a committed reader, and a way to wait for it."""

import time
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from runtime.environment.settings import KafkaSettings
from tests.engines import asking

T = TypeVar("T")


class Record(NamedTuple):
    partition: int
    offset: int
    key: bytes
    value: bytes | None


def read_topic(settings: KafkaSettings, topic: str) -> list[Record]:
    """Everything that is committed, partition by partition in order."""
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": "test-reader",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "isolation.level": "read_committed",
            "auto.offset.reset": "earliest",
        }
    )
    name = settings.topic_prefix + topic
    unread = set(range(settings.partitions))
    consumer.assign([TopicPartition(name, partition, 0) for partition in unread])
    records: list[Record] = []
    try:
        while unread:
            for message in consumer.consume(10_000, 0.1):
                error = message.error()
                if error is None:
                    records.append(
                        Record(
                            message.partition() or 0,
                            message.offset() or 0,
                            message.key() or b"",
                            message.value(),
                        )
                    )
                elif error.code() == KafkaError._PARTITION_EOF:
                    unread.discard(message.partition() or 0)
                else:
                    raise KafkaException(error)
    finally:
        consumer.close()
    return sorted(records)


def write_topic(settings: KafkaSettings, topic: str, values: list[tuple[int, bytes]]) -> None:
    """Write (partition, value) in order, as the collector does: idempotent, without transactions."""
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers, "enable.idempotence": True})
    for partition, value in values:
        producer.produce(settings.topic_prefix + topic, value=value, partition=partition)
    assert producer.flush(20) == 0


def eventually(found: Callable[[], T | None], timeout_s: float = 60) -> T:
    """The first truthy answer."""
    deadline = time.monotonic() + timeout_s
    pauses = asking()
    while True:
        next(pauses)
        if answer := found():
            return answer
        assert time.monotonic() < deadline, "it did not happen in time"
