"""Sends a few records and says where they stand: for commands that are part of the input, not for streams.

The producer is idempotent: a record is there once, however often the client had to send it. No transaction, so that every offset
of events.raw stays a record (the collector writes none either). Raises KafkaUnavailable when Kafka does not take them in time;
some may be there then, and the command is run again.
"""

from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, client_config
from runtime.lag import Key
from schemas.stream import OutputRecord


def send(kafka: KafkaSettings, records: Iterable[OutputRecord]) -> dict[Key, int]:
    """By topic (without the prefix) and partition, the offset behind the last of these records."""
    producer = Producer(
        client_config(kafka)
        | {
            "enable.idempotence": True,
            "linger.ms": 0,
            "message.timeout.ms": kafka.answer_timeout_s * 1000,
        }
    )
    reports: list[tuple[KafkaError | None, Message]] = []
    expected = 0
    try:
        for record in records:
            producer.produce(
                kafka.topic_prefix + record.topic,
                key=record.key,
                value=record.value,
                partition=record.partition,
                on_delivery=lambda error, message: reports.append((error, message)),
            )
            expected += 1
        producer.flush(kafka.answer_timeout_s + 1)
    except (KafkaException, BufferError) as error:
        raise KafkaUnavailable(f"{kafka.bootstrap_servers} takes no records: {error}") from error
    failed = [error for error, _ in reports if error is not None]
    if failed or len(reports) < expected:
        why = failed[0].str() if failed else "it does not answer"
        raise KafkaUnavailable(f"Kafka at {kafka.bootstrap_servers} did not take all records: {why}")
    return _ends(kafka.topic_prefix, [message for _, message in reports])


def _ends(prefix: str, messages: Iterable[Message]) -> dict[Key, int]:
    ends: dict[Key, int] = {}
    for message in messages:
        place = (message.topic() or "").removeprefix(prefix), message.partition() or 0
        ends[place] = max(ends.get(place, 0), (message.offset() or 0) + 1)
    return ends
