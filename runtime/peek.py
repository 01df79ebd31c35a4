"""A look into a log, past everything that a process reads with: is there a committed record from this position on, and how old?

For the rare place where a reader stands still; the client is made when it is first needed, and small.
"""

import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from runtime.lag import Key

TIMEOUT_S = 10.0
POLL_S = 0.5


class Peek:
    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._consumer: Consumer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None

    def first_timestamp(self, topic: str, partition: int, position: int, end: int) -> int | None:
        """Of the first committed record at or behind `position`; None when there is none below `end`. Raises KafkaException."""
        consumer = self._ensure_consumer()
        consumer.assign([TopicPartition(topic, partition, position)])
        deadline = time.monotonic() + TIMEOUT_S
        while (message := consumer.poll(POLL_S)) is None or not _is_answer(message, end):
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{topic}[{partition}] was not read"))
        return message.timestamp()[1] if message.error() is None else None

    def empty(self, ranges: Mapping[Key, tuple[int, int]]) -> set[Key]:
        """Those of these places, by topic and partition, that hold no committed record from the first offset to below the
        second. All are looked at together. Raises KafkaException."""
        consumer = self._ensure_consumer()
        consumer.assign([TopicPartition(*place, start) for place, (start, _) in ranges.items()])
        found: set[Key] = set()
        waiting = set(ranges)
        deadline = time.monotonic() + TIMEOUT_S
        while waiting:
            if time.monotonic() > deadline:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT, f"{sorted(waiting)} were not read"))
            if (message := consumer.poll(POLL_S)) is None:
                continue
            place = (message.topic() or "", message.partition() or 0)
            _, end = ranges[place]
            if place in waiting and _is_answer(message, end):
                waiting.discard(place)
                if message.error() is not None or (message.offset() or 0) >= end:
                    found.add(place)
        return found

    def _ensure_consumer(self) -> Consumer:
        if self._consumer is None:
            self._consumer = Consumer(
                reader_config(self._kafka, "peek")
                | {
                    "auto.offset.reset": "earliest",
                    "fetch.message.max.bytes": 64 << 10,
                    "queued.max.messages.kbytes": 1 << 10,
                    "fetch.wait.max.ms": 50,  # most of all there is nothing, and that is the answer
                }
            )
        return self._consumer


def _is_answer(message: Message, end: int) -> bool:
    """A record, or the end of the log where it was when asked or later. Raises KafkaException."""
    error = message.error()
    if error is None:
        return True
    if error.code() == KafkaError._PARTITION_EOF:
        return (message.offset() or 0) >= end
    if not error.retriable():
        raise KafkaException(error)
    return False
