"""What has come to Kafka from pages: one reader that goes on where it was."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from schemas.events.pack import decode_pack
from schemas.topics import EVENTS_RAW
from tests.collector.process import until

POLL_S = 0.05


class Arrivals:
    def __init__(self, consumer: Consumer) -> None:
        self._consumer = consumer
        self._events: list[dict[str, Any]] = []

    def of(self, path: str, count: int) -> list[dict[str, Any]]:
        """The events that pages with this path made, when there are at least so many; in order for each visitor."""
        until(lambda: len(self._known(path)) >= count)
        return self._known(path)

    def by(self, anonymous_id: str) -> list[dict[str, Any]]:
        """The events of a visitor that have come so far."""
        self._read()
        return [event for event in self._events if event.get("anonymousId") == anonymous_id]

    def _known(self, path: str) -> list[dict[str, Any]]:
        self._read()
        return [event for event in self._events if event["context"]["page"]["path"] == path]

    def _read(self) -> None:
        while (message := self._consumer.poll(POLL_S)) is not None:
            assert message.error() is None, message.error()
            self._events += [
                json.loads(event.payload) for event in decode_pack(message.value() or b"").events
            ]


@contextmanager
def reading(kafka: KafkaSettings) -> Iterator[Arrivals]:
    consumer = Consumer(client_config(kafka) | {"group.id": "reader", "auto.offset.reset": "earliest"})
    name = EVENTS_RAW.full_name(kafka.topic_prefix)
    consumer.assign([TopicPartition(name, partition, 0) for partition in range(kafka.partitions)])
    try:
        yield Arrivals(consumer)
    finally:
        consumer.close()
