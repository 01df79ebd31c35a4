"""One transactional producer: everything that one chunk sends, as one Kafka transaction.

The broker refuses a producer for ever once a newer one has initialised the same transactional id; that is all the fencing
there is. Driver errors leave here as PartLost. Deliberately absent: going on after a failure. What was committed and what
was not is then known to the broker alone, and is read back from the changelog.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import msgspec
from confluent_kafka import KafkaError, KafkaException, Producer

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from runtime.streams.store import Mark

CALL_S = 5.0  # a blocking call gives up after this, and is made again while the error is one that passes
QUEUED_RECORDS_MAX = 1_000_000  # of a transaction and not at the broker yet; beyond, sending waits
FENCED_CODES = (
    KafkaError._FENCED,
    KafkaError.PRODUCER_FENCED,
    KafkaError.INVALID_PRODUCER_EPOCH,
)

FENCED, KAFKA, STORE, STOPPING = "fenced", "kafka", "store", "stopping"


class PartLost(Exception):
    """The Part is finished and must be opened again. `cause`: fenced, kafka, store or stopping."""

    def __init__(self, cause: str, text: str) -> None:
        super().__init__(f"{cause}: {text}")
        self.cause = cause


class RecordRefused(ValueError):
    """A step made a record that Kafka can never take: a bug, or a missing limit, of that step."""


class Outgoing(msgspec.Struct, frozen=True):
    """All that a transaction sends to one partition, in order: (key, value), where no value is a tombstone."""

    topic: str
    partition: int
    records: Sequence[tuple[bytes, bytes | None]]


class Transactions:
    """The producer of one transactional id. Every method but close() raises PartLost."""

    def __init__(
        self, kafka: KafkaSettings, transactional_id: str, timeout_s: int, halted: Callable[[], bool]
    ) -> None:
        self._halted = halted
        self._fenced = False
        config = (
            client_config(kafka)
            | {
                "transactional.id": transactional_id,
                "transaction.timeout.ms": timeout_s * 1000,
                "message.timeout.ms": timeout_s * 1000,
                "compression.type": "lz4",
                "linger.ms": 5,  # cut short by the commit's flush; without it the first record of a chunk leaves alone
                "batch.size": 1_000_000,  # each is a request, and its price at the broker; the most that any takes
                "queue.buffering.max.messages": QUEUED_RECORDS_MAX,
            }
        )
        self._producer = Producer(config)

    def take_over(self) -> None:
        """Fence every earlier producer of this id and settle what it left open."""
        with self._lost():
            self._insist(lambda: self._producer.init_transactions(CALL_S))

    def commit(self, outgoing: Sequence[Outgoing], last: Outgoing) -> Mark:
        """Send everything and commit. Returns the position behind `last`, which holds one record.

        Raises RecordRefused.
        """
        reports: list[tuple[KafkaError | None, Any]] = []
        with self._lost():
            self._producer.begin_transaction()
            for batch in outgoing:
                self._send(batch)
            [(key, value)] = last.records
            self._when_there_is_room(
                lambda: self._producer.produce(
                    last.topic,
                    key=key,
                    value=value,
                    partition=last.partition,
                    on_delivery=lambda error, message: reports.append((error, message)),
                )
            )
            self._insist(lambda: self._producer.commit_transaction(CALL_S))
            if not reports:
                self._producer.poll(0)
        if not reports or reports[0][0] is not None:
            raise PartLost(KAFKA, "committed without a delivery report")
        return Mark(reports[0][1].offset() + 1, reports[0][1].timestamp()[1])

    def close(self, *, healthy: bool) -> None:
        """Let the broker forget an open transaction at once, so that nobody waits for it; then let go."""
        with suppress(KafkaException):
            if healthy:
                self._producer.close()
            elif not self._fenced:
                self._producer.purge()
                self._producer.abort_transaction(CALL_S)

    def _send(self, batch: Outgoing) -> None:
        # One by one and by place: produce_batch() takes a dict for each record, and looks for each name that may be in it.
        topic, partition, produce = batch.topic, batch.partition, self._producer.produce
        for key, value in batch.records:
            try:
                produce(topic, value, key, partition)
            except BufferError:
                self._when_there_is_room(partial(produce, topic, value, key, partition))
            except KafkaException as error:
                if error.args[0].code() == KafkaError.MSG_SIZE_TOO_LARGE:
                    raise RecordRefused(f"a record for {topic} is larger than Kafka takes") from error
                raise

    def _when_there_is_room(self, produce: Callable[[], None]) -> None:
        while True:
            try:
                return produce()
            except BufferError:
                self._check_halted()
                self._producer.flush(CALL_S)

    def _insist(self, call: Callable[[], None]) -> None:
        while True:
            try:
                return call()
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                self._check_halted()

    def _check_halted(self) -> None:
        if self._halted():
            raise PartLost(STOPPING, "the worker stops, and Kafka does not answer")

    @contextmanager
    def _lost(self) -> Iterator[None]:
        try:
            yield
        except KafkaException as error:
            self._fenced = self._fenced or is_fenced(error.args[0])
            raise loss(error) from error


def is_fenced(error: KafkaError) -> bool:
    return error.fatal() or error.code() in FENCED_CODES


def loss(error: KafkaException) -> PartLost:
    """What a driver's error means for a Part."""
    return PartLost(FENCED if is_fenced(error.args[0]) else KAFKA, error.args[0].str())
