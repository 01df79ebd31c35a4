"""What stands on a topic, from its beginning to its end as of now."""

from confluent_kafka import Consumer, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from schemas.topics import Topic

ANSWER_S = 30.0
POLL_S = 0.2


def values_of(kafka: KafkaSettings, topic: Topic) -> list[bytes]:
    """Committed values, partition by partition."""
    consumer = Consumer(reader_config(kafka, "test") | {"enable.partition.eof": True})
    name = topic.full_name(kafka.topic_prefix)
    try:
        return [value for place in range(kafka.partitions) for value in _of_partition(consumer, name, place)]
    finally:
        consumer.close()


def _of_partition(consumer: Consumer, name: str, place: int) -> list[bytes]:
    _, end = consumer.get_watermark_offsets(TopicPartition(name, place), ANSWER_S)
    found: list[bytes] = []
    consumer.assign([TopicPartition(name, place, 0)])
    is_read = end == 0
    while not is_read:
        message = consumer.poll(POLL_S)
        if message is None:
            continue
        is_read = message.error() is not None or (message.offset() or 0) >= end - 1
        if message.error() is None:
            found.append(message.value() or b"")
    return found
