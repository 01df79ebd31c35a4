"""A real collector as a process of its own, and readers of what it wrote."""

import os
import signal
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx
import msgspec
from confluent_kafka import Consumer, KafkaException, TopicPartition

from runtime.control import write_control
from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import client_config, ensure_topics
from schemas.configuration.configuration_file import parse_file
from schemas.events.pack import PackedEvent, decode_pack
from schemas.topics import EVENTS_DEAD, EVENTS_RAW
from schemas.wire.codec import decode
from tests import plain_http
from tests.engines import free_port, wait_until
from tests.forked import Forked

KEY = "test-key"
PARTITIONS = 3
WAIT_S = 60.0  # a busy machine takes half a minute for what takes a second elsewhere


class Collector(msgspec.Struct):
    url: str
    port: int
    process: Forked


def until(condition: Callable[[], object], timeout_s: float = WAIT_S) -> None:
    """Poll until it is true; an AssertionError when it is not in time."""
    wait_until(lambda: bool(condition()), timeout_s, "what was waited for")


def environment(bootstrap: str, **more: str) -> dict[str, str]:
    """Settings of a deployment of its own on a shared broker."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "STITCHLINE_TOPIC_PREFIX": f"t{uuid.uuid4().hex[:8]}.",
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "COLLECTOR_DELIVERY_TIMEOUT_MS": "25000",  # below WAIT_S; a slow machine is no refusal
    } | more


def prepare(environ: Mapping[str, str]) -> KafkaSettings:
    """Topics and one source with the key `KEY`."""
    kafka = load(KafkaSettings, environ)
    ensure_topics(kafka)
    add_source(kafka, "shop", KEY)
    return kafka


def add_source(kafka: KafkaSettings, source: str, key: str, **more: Any) -> None:
    write_control(kafka, dict(parse_file({"sources": [{"id": source, "write_keys": [key], **more}]})), "test")


@contextmanager
def running(environ: Mapping[str, str], *, ready: bool = True, port: int = 0) -> Iterator[Collector]:
    """On a port that was free, or on the one that an earlier collector had."""
    port = port or free_port()
    own = os.environ | dict(environ) | {"COLLECTOR_PORT": str(port)}
    process = Forked("collector", env=own, stdin=subprocess.PIPE)
    collector = Collector(f"http://127.0.0.1:{port}", port, process)
    try:
        until(lambda: answers(collector, "/ready" if ready else "/healthz"))
        yield collector
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.send_signal(signal.SIGTERM)
        process.wait(WAIT_S)


def answers(collector: Collector, path: str) -> bool:
    try:
        return plain_http.get(collector.url + path, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def ask(collector: Collector, method: str, path: str, **more: Any) -> httpx.Response:
    return plain_http.request(method, collector.url + path, timeout=WAIT_S, **more)


def post(collector: Collector, path: str, document: object, key: str = KEY, **more: Any) -> httpx.Response:
    return ask(collector, "POST", path, json=document, auth=(key, ""), **more)


def messages(kafka: KafkaSettings, topic: str) -> list[bytes]:
    """Every value that the topic has at this moment, partition by partition."""
    consumer = Consumer(client_config(kafka) | {"group.id": "reader", "auto.offset.reset": "earliest"})
    name = kafka.topic_prefix + topic
    try:
        found = []
        for partition in range(kafka.partitions):
            end = _end(consumer, TopicPartition(name, partition))
            consumer.assign([TopicPartition(name, partition, 0)])
            while end:
                message = consumer.poll(10)
                assert message is not None, "the topic's end was not reached"
                assert message.error() is None, message.error()
                found.append(message.value() or b"")
                if (message.offset() or 0) + 1 >= end:
                    break
        return found
    finally:
        consumer.close()


def _end(consumer: Consumer, place: TopicPartition) -> int:
    """Asked again for a while: a broker that has just come back may not know its partitions yet."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            return int(consumer.get_watermark_offsets(place, timeout=10)[1])
        except KafkaException:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.2)


def raw_events(kafka: KafkaSettings) -> list[PackedEvent]:
    return [event for value in messages(kafka, EVENTS_RAW.name) for event in decode_pack(value).events]


def dead_letters(kafka: KafkaSettings) -> list[dict[str, Any]]:
    return [decode(value) for value in messages(kafka, EVENTS_DEAD.name)]
