"""What Kafka holds in the end: every record of a topic for a committed reader, and whether a transaction is still open."""

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings
from schemas.stream import InputRecord

ANSWER_S = 20.0


class Log(msgspec.Struct, frozen=True):
    """One partition: the committed records, and where the log ends for committed readers and for all."""

    records: list[InputRecord]
    stable_end: int
    end: int

    @property
    def is_settled(self) -> bool:
        """No transaction is open."""
        return self.stable_end == self.end


def read(kafka: KafkaSettings, topic: str, partitions: int) -> list[Log]:
    """By partition. Raises KafkaException."""
    consumer = Consumer(_config(kafka, "read_committed"))
    name = kafka.topic_prefix + topic
    found: list[list[InputRecord]] = [[] for _ in range(partitions)]
    stable: dict[int, int] = {}
    consumer.assign([TopicPartition(name, partition, 0) for partition in range(partitions)])
    try:
        while len(stable) < partitions:
            for message in consumer.consume(10_000, 0.2):
                if _is_end(message):
                    stable[message.partition() or 0] = message.offset() or 0
                else:
                    found[message.partition() or 0].append(_record(message))
    finally:
        consumer.close()
    ends = _ends(kafka, name, partitions)
    return [Log(found[partition], stable[partition], ends[partition]) for partition in range(partitions)]


def _ends(kafka: KafkaSettings, name: str, partitions: int) -> list[int]:
    consumer = Consumer(_config(kafka, "read_uncommitted"))
    try:
        places = [TopicPartition(name, partition) for partition in range(partitions)]
        return [consumer.get_watermark_offsets(place, ANSWER_S)[1] for place in places]
    finally:
        consumer.close()


def _config(kafka: KafkaSettings, isolation: str) -> dict[str, str | int | float | bool]:
    return {
        "bootstrap.servers": kafka.bootstrap_servers,
        "group.id": "chaos-oracle",
        "enable.auto.commit": False,
        "enable.partition.eof": True,
        "isolation.level": isolation,
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 10,
        "log_level": 0,
    }


def _is_end(message: Message) -> bool:
    error = message.error()
    if error is None:
        return False
    if error.code() == KafkaError._PARTITION_EOF:
        return True
    raise KafkaException(error)


def _record(message: Message) -> InputRecord:
    return InputRecord(message.offset() or 0, message.timestamp()[1], message.key(), message.value())
