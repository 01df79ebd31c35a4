"""How far a processor is, from its changelog: below its position everything was taken over, and what it made of it is committed.

As `progress.py`, but asked once instead of waited for. Deliberately absent: where nothing is said, which is the same as 0.
"""

import time

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from runtime.lookup import Lookup
from runtime.streams.store import NEXT
from schemas.topics import changelog

POLL_S = 0.2
BATCH_RECORDS = 1_000
FETCH_WAIT_MS = 20  # an end is told by a fetch that brings nothing
TAIL_OFFSETS = 10_000  # each transaction ends with a position, unless aborted records follow


def positions(kafka: KafkaSettings, agent: str, timeout_s: float) -> dict[int, int]:
    """By partition of the agent's input. Raises KafkaException, also when the changelog cannot be read to its end in time."""
    topic = changelog(kafka.generation, agent).full_name(kafka.topic_prefix)
    lookup = Lookup(kafka)
    partitions = lookup.partitions(topic)
    ends = lookup.ends([(topic, partition) for partition in range(partitions)]) if partitions else {}
    consumer = Consumer(
        reader_config(kafka, "positions")
        | {"auto.offset.reset": "earliest", "fetch.wait.max.ms": FETCH_WAIT_MS}
    )
    try:
        consumer.assign(
            [
                TopicPartition(topic, place, max(0, found.end - TAIL_OFFSETS))
                for (_, place), found in ends.items()
            ]
        )
        return _read(consumer, {place for _, place in ends}, time.monotonic() + timeout_s)
    finally:
        consumer.close()


def _read(consumer: Consumer, missing: set[int], deadline: float) -> dict[int, int]:
    found = dict.fromkeys(missing, 0)
    while missing:
        for message in consumer.consume(BATCH_RECORDS, POLL_S):
            _take(message, found, missing)
        if time.monotonic() > deadline:
            raise KafkaException(KafkaError(KafkaError._TIMED_OUT, "a changelog was not read to its end"))
    return found


def _take(message: Message, found: dict[int, int], missing: set[int]) -> None:
    error, value = message.error(), message.value()
    if error is None:
        if message.key() == NEXT and value is not None:
            found[message.partition() or 0] = int.from_bytes(value, "big")
    elif error.code() == KafkaError._PARTITION_EOF:
        missing.discard(message.partition() or 0)
    elif not error.retriable():
        raise KafkaException(error)
