"""Kafka's edge of a refresh: who may refresh, which attempt was claimed last, and telling of a run in one transaction.

One transactional id for all: whoever takes over fences whoever was at it before, who then can neither claim nor tell. A claim
is a committed record of `segments.runs`, and so is that a run is done, in one transaction with its changes. Deliberately
absent: what a run finds, and retries; a refresher whose Kafka has failed ends its attempt, and begins again with `take_over`.
"""

import json
import time
from collections.abc import Iterable
from typing import Protocol

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from console.refreshing.membership import Change, Sent, record_of
from console.refreshing.refresh_plan import Attempt
from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config, reader_config
from schemas.topics import SEGMENTS_MEMBERSHIP, SEGMENTS_RUNS

CALL_S = 30.0
FLUSH_S = 5.0
READ_S_MAX = 60.0
POLL_S = 0.2
FETCH_WAIT_MS = 20
TRANSACTION_S_MAX = 900  # the broker's own limit: a first run may tell of millions
QUEUE_RECORDS_MAX = 100_000
CLAIM, DONE = b"claim", b"done"


class Fenced(Exception):
    """Another process refreshes now."""


class RunLog(Protocol):
    """What a refresh needs of Kafka. Each method raises Fenced or KafkaException."""

    def take_over(self) -> None:
        """From now on nobody before us can claim or tell."""

    def read(self) -> tuple[Attempt | None, int]:
        """The last claim, and the last run that is done (0: none)."""

    def claim(self, attempt: Attempt) -> None:
        """Committed when it returns."""

    def tell(self, attempt: Attempt, changes: Iterable[Change]) -> int:
        """All of them, and that the run is done: committed together when it returns. How many there were."""


class KafkaRunLog:
    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._runs = SEGMENTS_RUNS.full_name(kafka.topic_prefix)
        self._membership = SEGMENTS_MEMBERSHIP.full_name(kafka.topic_prefix)
        self._producer: Producer | None = None

    def take_over(self) -> None:
        self.close()
        config = client_config(self._kafka) | {
            "transactional.id": f"{self._kafka.topic_prefix}segments",
            "transaction.timeout.ms": TRANSACTION_S_MAX * 1000,
            "compression.type": "lz4",
            "linger.ms": 5,
            "queue.buffering.max.messages": QUEUE_RECORDS_MAX,
        }
        self._producer = Producer(config)
        self._producer.init_transactions(CALL_S)

    def close(self) -> None:
        if self._producer is not None:
            self._producer.purge()
            self._producer.flush(FLUSH_S)
            self._producer = None

    def read(self) -> tuple[Attempt | None, int]:
        consumer = Consumer(
            reader_config(self._kafka, "segments-runs")
            | {
                "auto.offset.reset": "earliest",
                "fetch.wait.max.ms": FETCH_WAIT_MS,  # most of all there is nothing behind the last record
            }
        )
        try:
            consumer.assign([TopicPartition(self._runs, 0, 0)])
            return _read(consumer)
        finally:
            consumer.close()

    def claim(self, attempt: Attempt) -> None:
        self._commit([], CLAIM, msgspec.json.encode(attempt))

    def tell(self, attempt: Attempt, changes: Iterable[Change]) -> int:
        partitions = self._kafka.partitions
        done = msgspec.json.encode({"run": attempt.run, "attempt": attempt.attempt})
        return self._commit((record_of(change, partitions) for change in changes), DONE, done)

    def _commit(self, records: Iterable[Sent], key: bytes, value: bytes) -> int:
        assert self._producer is not None
        try:
            self._producer.begin_transaction()
            sent = 0
            for record in records:
                self._send(record)
                sent += 1
            self._producer.produce(self._runs, key=key, value=value, partition=0)
            self._producer.commit_transaction(CALL_S)
        except KafkaException as error:
            raise _translated(error) from error
        return sent

    def _send(self, record: Sent) -> None:
        assert self._producer is not None
        while True:
            try:
                return self._producer.produce(
                    self._membership, key=record.key, value=record.value, partition=record.partition
                )
            except BufferError:
                self._producer.poll(POLL_S)


def _read(consumer: Consumer) -> tuple[Attempt | None, int]:
    claimed: Attempt | None = None
    done = 0
    deadline = time.monotonic() + READ_S_MAX
    while True:
        message = consumer.poll(POLL_S)
        if message is None:
            if time.monotonic() > deadline:
                raise KafkaException(
                    KafkaError(KafkaError._TIMED_OUT, "segments.runs was not read to its end")
                )
            continue
        error = message.error()
        if error is None:
            claimed, done = _taken(message, claimed, done)
        elif error.code() == KafkaError._PARTITION_EOF:
            return claimed, done
        elif not error.retriable():
            raise KafkaException(error)


def _taken(message: Message, claimed: Attempt | None, done: int) -> tuple[Attempt | None, int]:
    value = message.value() or b""
    if message.key() == CLAIM:
        return _decode(value), done
    if message.key() == DONE:
        return claimed, int(json.loads(value)["run"])
    return claimed, done


def _translated(error: KafkaException) -> Exception:
    found: KafkaError = error.args[0]
    fenced = (KafkaError._FENCED, KafkaError.PRODUCER_FENCED, KafkaError.INVALID_PRODUCER_EPOCH)
    return Fenced(found.str()) if found.code() in fenced else error


_decode = msgspec.json.Decoder(Attempt).decode
