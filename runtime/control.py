"""The control topic's edge: a thread that tails it, and the writer behind `stitchline apply`.

A process is ready only when it has read the topic to the end it had at the start. The reader keeps a snapshot file, so that a
process started while Kafka is away still knows its sources: a wrong 401 would make clients drop events.
"""

import os
import threading
from collections.abc import Mapping
from pathlib import Path

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from runtime.kafka import KafkaUnavailable, client_config
from runtime.settings import KafkaSettings
from schemas.control import ControlState
from schemas.topics import CONTROL

log = structlog.get_logger()

POLL_S = 0.2
APPLY_ID_HEADER = "apply-id"


class ControlReader:
    """Tails `control` in a thread of its own; `state` may be read from any thread at any time."""

    def __init__(self, kafka: KafkaSettings, snapshot: Path | None = None) -> None:
        self._kafka = kafka
        self._snapshot = snapshot
        self._current = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self.state = ControlState(_read_snapshot(snapshot))

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    @property
    def is_current(self) -> bool:
        """True once the topic has been read to its end."""
        return self._current.is_set()

    def wait_current(self, timeout_s: float) -> bool:
        return self._current.wait(timeout_s)

    def _run(self) -> None:
        topic = CONTROL.full_name(self._kafka.topic_prefix)
        consumer = Consumer(
            client_config(self._kafka)
            | {
                "group.id": f"{self._kafka.topic_prefix}control-reader",  # never joined: partitions are assigned by hand
                "enable.auto.commit": False,
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
            }
        )
        consumer.assign([TopicPartition(topic, 0, 0)])
        try:
            while not self._stop.is_set():
                self._take(consumer)
        finally:
            consumer.close()

    def _take(self, consumer: Consumer) -> None:
        message = consumer.poll(POLL_S)
        if message is None:
            return
        error = message.error()
        if error is None:
            self._apply((message.key() or b"").decode(), message.value())
            if self.is_current:
                self._write_snapshot()
        elif error.code() == KafkaError._PARTITION_EOF and not self.is_current:
            self._current.set()
            self._write_snapshot()
            log.info("control read", documents=len(self.state.documents))
        elif error.code() != KafkaError._PARTITION_EOF and not error.retriable():
            log.warning("control cannot be read", error=error.str())

    def _apply(self, key: str, value: bytes | None) -> None:
        try:
            self.state.apply(key, value)
        except msgspec.DecodeError as error:
            log.error("control document ignored", key=key, error=str(error))

    def _write_snapshot(self) -> None:
        if self._snapshot is None:
            return
        partial = self._snapshot.with_suffix(".partial")
        partial.write_bytes(msgspec.msgpack.encode(self.state.documents))
        os.replace(partial, self._snapshot)


def _read_snapshot(path: Path | None) -> dict[str, bytes]:
    if path is None or not path.exists():
        return {}
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, bytes])
    except msgspec.DecodeError as error:
        log.error("control snapshot ignored", path=str(path), error=str(error))
        return {}


def write_control(kafka: KafkaSettings, records: Mapping[str, bytes | None], apply_id: str) -> None:
    """Write documents (None deletes) in one transaction, all under one apply-id. Raises KafkaUnavailable."""
    topic = CONTROL.full_name(kafka.topic_prefix)
    producer = Producer(
        client_config(kafka) | {"transactional.id": f"{kafka.topic_prefix}apply", "linger.ms": 0}
    )
    try:
        producer.init_transactions(kafka.answer_timeout_s)
        producer.begin_transaction()
        for key, value in records.items():
            producer.produce(topic, key=key, value=value, partition=0, headers={APPLY_ID_HEADER: apply_id})
        producer.commit_transaction(kafka.answer_timeout_s)
    except KafkaException as error:
        raise KafkaUnavailable(
            f"control could not be written at {kafka.bootstrap_servers}: {error.args[0].str()}"
        ) from error
