"""Bringing a store up to its changelog: read committed, in large batches, each folded by key into one write.

Called only after `init_transactions` has settled what the last owner left open, so everything below the end of the log is
decided. Deliberately absent: Faust's recovery, which handles one record at a time.
"""

from collections.abc import Callable

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from runtime.streams.store import Mark, Store
from schemas.topics import TOMBSTONES_MS

log = structlog.get_logger()

BATCH_RECORDS = 20_000
POLL_S = 0.05
IDLE_POLLS_MAX = 1_200  # a minute without a record
# Compaction drops a tombstone some time after it was written (delete.retention.ms). A folder left behind for half of that could
# miss one, and keep a deleted key for ever: it is built again from the beginning.
FOLDER_AGE_MS_MAX = TOMBSTONES_MS // 2


class RecoveryStalled(Exception):
    """The changelog could not be read to its end; the text says how far."""


class Source(msgspec.Struct, frozen=True):
    """Which changelog partition, and where its log began and ended when recovery started."""

    topic: str
    partition: int
    earliest: int
    end: int


def recover(
    store: Store, source: Source, kafka: KafkaSettings, now_ms: int, halted: Callable[[], bool]
) -> int:
    """Apply what the changelog has beyond the store's mark; returns the number of records read.

    Raises KafkaException, RecoveryStalled.
    """
    if not source.earliest <= store.mark.position <= source.end:
        if store.mark.position:
            log.warning(
                "state folder does not fit its changelog", topic=source.topic, partition=source.partition
            )
        store.clear()
    reader = _Reader(kafka, source, halted)
    try:
        if (
            store.mark.position
            and now_ms - store.mark.timestamp > FOLDER_AGE_MS_MAX
            and reader.has_records(store.mark)
        ):
            log.warning(
                "state folder is too old for its changelog", topic=source.topic, partition=source.partition
            )
            store.clear()
        return reader.read_into(store)
    finally:
        reader.close()


class _Reader:
    """Reads one changelog partition up to the end that it had."""

    def __init__(self, kafka: KafkaSettings, source: Source, halted: Callable[[], bool]) -> None:
        self._source = source
        self._halted = halted
        self._consumer = Consumer(
            reader_config(kafka, "recovery")
            | {
                "auto.offset.reset": "earliest",
                "fetch.message.max.bytes": 8 << 20,
                "queued.min.messages": 200_000,
                "queued.max.messages.kbytes": 32 << 10,
                "fetch.wait.max.ms": 10,
            }
        )

    def close(self) -> None:
        self._consumer.close()

    def has_records(self, mark: Mark) -> bool:
        """Whether there is any record at or beyond the mark; a last control marker is none."""
        self._seek(mark)
        idle = 0
        while True:
            messages = self._consumer.consume(1, POLL_S)
            if _records(messages):
                return True
            if _reached(messages, self._source.end):
                return False
            idle += 1
            self._check_patience(idle, mark)

    def read_into(self, store: Store) -> int:
        mark = store.mark
        self._seek(mark)
        count = idle = 0
        done = False
        while not done:
            messages = self._consumer.consume(BATCH_RECORDS, POLL_S)
            records = _records(messages)
            done = _reached(messages, self._source.end)
            if records:
                mark = behind(records, mark)
                store.write({m.key() or b"": m.value() for m in records}.items(), mark)
            idle = 0 if records else idle + 1
            count += len(records)
            self._check_patience(idle, mark)
        return count

    def _seek(self, mark: Mark) -> None:
        self._consumer.assign([TopicPartition(self._source.topic, self._source.partition, mark.position)])

    def _check_patience(self, idle: int, mark: Mark) -> None:
        if idle > IDLE_POLLS_MAX or self._halted():
            source = self._source
            raise RecoveryStalled(
                f"{source.topic}[{source.partition}]: {mark.position} read, the end is {source.end}"
            )


def _records(messages: list[Message]) -> list[Message]:
    """What is no error; an error that does not pass by itself is raised."""
    for message in messages:
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF and not error.retriable():
            raise KafkaException(error)
    return [message for message in messages if message.error() is None]


def behind(records: list[Message], mark: Mark) -> Mark:
    newest = max(message.timestamp()[1] for message in records)
    return Mark((records[-1].offset() or 0) + 1, max(mark.timestamp, newest))


def _reached(messages: list[Message], end: int) -> bool:
    """Whether the reader met the end of the log at `end` or later.

    `position()` cannot tell: it stops before a last control marker. An earlier end of file means that the broker is still
    writing a transaction's marker.
    """
    return any(_is_eof(message) and (message.offset() or 0) >= end for message in messages)


def _is_eof(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF
