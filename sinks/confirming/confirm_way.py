"""Kafka's edge of stage `confirm`: candidates in, and in one transaction what became of them and that they are done.

So a firing is passed on once, whatever crashes: who it is for may be known otherwise a moment later, and would go to another
partition then. Who lost its partitions meanwhile, or cannot be sure of a commit, makes a new `Way` and reads on from what is
committed. Raises KafkaException.
"""

import os
import socket
from collections.abc import Iterable

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer

from runtime.environment.settings import KafkaSettings, SinkSettings
from runtime.kafka import client_config, group_name
from schemas.stream import OutputRecord
from schemas.topics import RULES_CANDIDATES

NAME = "confirm"
POLL_S = 0.5
CALL_S = 15.0
TRANSACTION_MS_MAX = 15_000  # so long a process that died keeps those who read on waiting
POLL_PAUSE_MS_MAX = 900_000


class Way:
    def __init__(self, kafka: KafkaSettings, sinks: SinkSettings) -> None:
        self._prefix = kafka.topic_prefix
        self._producer = Producer(_producer_config(kafka, sinks))
        self._consumer = Consumer(_consumer_config(kafka, sinks))
        self.is_assigned = False

    def start(self) -> None:
        """Settles what a process of the same name left open."""
        self._producer.init_transactions(CALL_S)
        self._consumer.subscribe([RULES_CANDIDATES.full_name(self._prefix)], on_assign=self._assigned)

    def read(self, count: int) -> list[Message]:
        messages = self._consumer.consume(1, POLL_S)
        messages += self._consumer.consume(count - 1, 0) if messages else []
        for message in messages:
            error = message.error()
            if error is not None and not error.retriable():
                raise KafkaException(error)
        return [message for message in messages if message.error() is None]

    def send(self, records: Iterable[OutputRecord], *, done: bool) -> None:
        """All of them or none. `done`: and so is everything that was read."""
        failed: list[KafkaError] = []
        self._producer.begin_transaction()
        for record in records:
            self._producer.produce(
                self._prefix + record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                on_delivery=lambda error, _: failed.append(error) if error is not None else None,
            )
            self._producer.poll(0)
        if done:
            positions = [
                place for place in self._consumer.position(self._consumer.assignment()) if place.offset >= 0
            ]
            group = self._consumer.consumer_group_metadata()
            self._producer.send_offsets_to_transaction(positions, group, CALL_S)
        self._producer.commit_transaction(CALL_S)
        if failed:
            raise KafkaException(failed[0])

    def close(self) -> None:
        """What was begun and not committed is settled at once, where the broker answers."""
        try:
            self._producer.abort_transaction(CALL_S)
        except KafkaException:
            self._producer.purge()
        self._consumer.close()

    def _assigned(self, _consumer: Consumer, _places: object) -> None:
        self.is_assigned = True


def _producer_config(kafka: KafkaSettings, sinks: SinkSettings) -> dict[str, object]:
    name = sinks.instance_id or f"{socket.gethostname()}-{os.getpid()}"
    return client_config(kafka) | {
        "transactional.id": f"{group_name(kafka, NAME)}-{name}",
        "transaction.timeout.ms": TRANSACTION_MS_MAX,
        "message.timeout.ms": TRANSACTION_MS_MAX,
        "compression.type": "lz4",
        "linger.ms": 5,
    }


def _consumer_config(kafka: KafkaSettings, sinks: SinkSettings) -> dict[str, object]:
    return client_config(kafka) | {
        "group.id": f"{group_name(kafka, 'sink')}-{NAME}",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": sinks.session_timeout_s * 1000,
        "max.poll.interval.ms": POLL_PAUSE_MS_MAX,
        **({"group.instance.id": sinks.instance_id} if sinks.instance_id else {}),
    }
