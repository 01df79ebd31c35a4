"""Events that agents made: what was committed goes into events.raw at its partition, without a transaction, also after a cut."""

import threading
from collections.abc import Iterator
from uuid import uuid4

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import client_config, ensure_topics
from schemas.topics import EVENTS_DERIVED, EVENTS_RAW
from sinks.stages.derived import DerivedThread
from tests.engines import wait_until

PATIENCE_S = 60.0
PARTITIONS = 2


@pytest.fixture
def environ(kafka: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "STITCHLINE_TOPIC_PREFIX": f"t{uuid4().hex[:8]}.",
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> KafkaSettings:
    settings = load(KafkaSettings, environ)
    ensure_topics(settings)
    return settings


@pytest.fixture
def producer(settings: KafkaSettings) -> Producer:
    producer = Producer(client_config(settings) | {"transactional.id": f"{settings.topic_prefix}rules"})
    producer.init_transactions(PATIENCE_S)
    return producer


class Raw:
    """What stands in events.raw, with its offsets, read without regard to transactions."""

    def __init__(self, settings: KafkaSettings) -> None:
        config = {"group.id": "raw", "isolation.level": "read_uncommitted", "enable.auto.commit": False}
        self._consumer = Consumer(client_config(settings) | config)
        name = EVENTS_RAW.full_name(settings.topic_prefix)
        self._consumer.assign([TopicPartition(name, place, 0) for place in range(PARTITIONS)])
        self.found: list[tuple[int, int, bytes]] = []

    def values(self) -> set[bytes]:
        for message in self._consumer.consume(100, 0.2):
            if message.error() is None:
                self.found.append((message.partition() or 0, message.offset() or 0, message.value() or b""))
        return {value for _, _, value in self.found}

    def close(self) -> None:
        self._consumer.close()


@pytest.fixture
def raw(settings: KafkaSettings) -> Iterator[Raw]:
    raw = Raw(settings)
    yield raw
    raw.close()


def made(
    settings: KafkaSettings, producer: Producer, values: dict[bytes, int], *, aborted: bool = False
) -> None:
    producer.begin_transaction()
    for value, partition in values.items():
        producer.produce(EVENTS_DERIVED.full_name(settings.topic_prefix), value, b"rule", partition)
    if aborted:
        producer.flush(PATIENCE_S)
        producer.abort_transaction(PATIENCE_S)
    else:
        producer.commit_transaction(PATIENCE_S)


def test_what_agents_committed_becomes_everybodys_events_and_leaves_no_holes_there(
    environ: dict[str, str], settings: KafkaSettings, producer: Producer, raw: Raw
) -> None:
    stop = threading.Event()
    thread = DerivedThread(environ, stop)
    thread.start()
    made(settings, producer, {b"a": 0, b"b": 1})
    made(settings, producer, {b"never": 0}, aborted=True)
    made(settings, producer, {b"c": 0})
    wait_until(lambda: raw.values() == {b"a", b"b", b"c"}, PATIENCE_S, "the events")
    assert sorted(raw.found) == [(0, 0, b"a"), (0, 1, b"c"), (1, 0, b"b")]
    stop.set()
    thread.join(PATIENCE_S)
    assert not thread.has_failed
    again = threading.Event()
    second = DerivedThread(environ, again)
    second.start()
    made(settings, producer, {b"d": 1})
    wait_until(lambda: b"d" in raw.values(), PATIENCE_S, "the later event")
    again.set()
    second.join(PATIENCE_S)
    assert len(raw.found) == 4, "what was passed on and committed is not passed on again"
