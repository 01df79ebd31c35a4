"""What is known to be stored: where the resolver stands, once the events' sink is past what was resolved. Real Kafka."""

from confluent_kafka import Consumer, Producer, TopicPartition

from console.refreshing.refresh_mark import StoredMark
from runtime.kafka import group_name
from runtime.streams.store import NEXT
from tests.sinks.stage import Topics

WAIT_S = 60.0


def test_the_mark_is_the_resolvers_position_once_what_it_resolved_is_stored(
    kafka: str, topic_prefix: str
) -> None:
    topics = Topics(kafka, topic_prefix)
    producer = Producer({"bootstrap.servers": kafka, "transactional.id": f"{topic_prefix}resolver"})
    producer.init_transactions(30)
    producer.begin_transaction()
    changelog = f"{topic_prefix}g1-resolve-changelog"
    for position in (5, 7):
        producer.produce(changelog, key=NEXT, value=position.to_bytes(8, "big"), partition=1)
    producer.produce(changelog, key=b"state", value=b"more", partition=1)
    producer.commit_transaction(30)
    topics.send("events.resolved", [b"one", b"two", b"three"])
    assert StoredMark(topics.settings, 1.0)() is None  # nothing of it is stored
    stored(topics, {0: 2, 1: 1})
    assert StoredMark(topics.settings, WAIT_S)() == {0: 0, 1: 7}


def stored(topics: Topics, offsets: dict[int, int]) -> None:
    """As the events' sink commits."""
    consumer = Consumer(
        {
            "bootstrap.servers": topics.settings.bootstrap_servers,
            "group.id": group_name(topics.settings, "sink-events"),
        }
    )
    name = f"{topics.settings.topic_prefix}events.resolved"
    places = [TopicPartition(name, place, offset) for place, offset in offsets.items()]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()
