"""The embedded broker: what it acknowledged is there after SIGKILL, on another port, from a folder with any name."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from deploy.embedded import kafka, kafka_classes
from runtime.environment.settings import EngineSettings, load
from tests.engines import READY_S, free_port, running, wait_until

TOPIC = "kept"


def broker_on(data: Path) -> kafka.Broker:
    return kafka.Broker(data=data, port=free_port(), controller_port=free_port(), heap_mb=256)


@contextmanager
def started(broker: kafka.Broker) -> Iterator[psutil.Process]:
    """The leash's process."""
    settings = load(EngineSettings, os.environ)
    jars = kafka.fetch(settings.cache_path, print, settings.jar_registry)
    kafka.prepare(broker, jars, print)
    with running(kafka.command(broker, jars), broker.data / "log") as process:
        kafka.wait_ready(broker.bootstrap, READY_S)
        yield psutil.Process(process.pid)


def produce(bootstrap: str, values: list[bytes]) -> None:
    # Idempotent: a first request that meets a topic without a leader is sent again, and must not pass the others.
    producer = Producer(
        {"bootstrap.servers": bootstrap, "enable.idempotence": True, "message.max.bytes": 4_000_000}
    )
    for value in values:
        producer.produce(TOPIC, value)
    assert producer.flush(20) == 0


def consume(bootstrap: str, count: int) -> list[bytes | None]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": "reader"})
    consumer.assign([TopicPartition(TOPIC, 0, 0)])
    try:
        return [message.value() for message in consumer.consume(count, timeout=60)]
    finally:
        consumer.close()


def test_records_outlive_a_killed_broker_and_its_port(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second start finds a broken file of classes, and does without."""
    data = tmp_path / "Übung mit Raum"
    first = broker_on(data)
    with started(first) as leash:
        admin = AdminClient({"bootstrap.servers": first.bootstrap})
        admin.create_topics([NewTopic(TOPIC, 1, 1)])[TOPIC].result(20)
        produce(first.bootstrap, [b"one", b"two", b"x" * 2_000_000])
        (java,) = leash.children()
        java.kill()
        wait_until(
            lambda: not leash.is_running() or leash.status() == psutil.STATUS_ZOMBIE, 10, "the leash ends"
        )
    cluster = (data / "logs" / "meta.properties").read_text()

    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    kafka.classes_file().write_bytes(b"classes of some other Java machine")
    second = broker_on(data)
    with started(second):
        produce(second.bootstrap, [b"three"])
        assert [value and value[:5] for value in consume(second.bootstrap, 4)] == [
            b"one",
            b"two",
            b"xxxxx",
            b"three",
        ]
    assert (data / "logs" / "meta.properties").read_text() == cluster


def test_the_file_of_classes_is_read_where_it_is_and_as_new_as_the_jars(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    jar = tmp_path / "a.jar"
    jar.touch()
    assert not kafka_classes.is_there([jar])
    assert not [option for option in kafka.java_command(broker_on(tmp_path), [jar]) if "AOT" in option]
    kafka.classes_file().touch()
    os.utime(jar, (0, 0))
    assert kafka_classes.is_there([jar])
    assert f"-XX:AOTCache={kafka.classes_file()}" in kafka.java_command(broker_on(tmp_path), [jar])
    os.utime(kafka.classes_file(), (0, 0))
    os.utime(jar, (1, 1))
    assert not kafka_classes.is_there([jar])


def test_a_folder_that_kafka_cannot_take_is_named(tmp_path: Path) -> None:
    with pytest.raises(kafka.KafkaFailed, match="comma"):
        kafka.prepare(broker_on(tmp_path / "a,b"), [], print)


def test_a_broker_that_never_comes_is_reported() -> None:
    with pytest.raises(kafka.KafkaFailed, match="not ready"):
        kafka.wait_ready(f"127.0.0.1:{free_port()}", 0.1)


def test_settings_for_java_are_ascii(tmp_path: Path) -> None:
    broker = broker_on(tmp_path / "é\\😀")
    broker.data.mkdir()
    kafka._settings(broker).write_text(kafka._properties(kafka.server_properties(broker)), encoding="ascii")
    assert r"\u00e9\\\ud83d\ude00" in kafka._settings(broker).read_text()
