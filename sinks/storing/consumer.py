"""Kafka's edge of a sink: one partition-aware consumer whose commits carry intents. Nothing else of a sink talks to Kafka.

A commit fails once the partition belongs to another member of the group (the broker checks the generation), so a process that was
frozen and comes back cannot write an intent of its own over its successor's.
"""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec
import structlog
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings, SinkSettings
from runtime.kafka import client_config
from runtime.streams.group_state import GroupState
from sinks.storing.block import Record
from sinks.storing.intent import Intent, intent_of
from sinks.storing.tables import Sink

log = structlog.get_logger()

MESSAGES_PER_POLL_MAX = 5_000
PREFETCH_KB = 32 * 1024
# Longer than the inserts between two polls may take, each up to its time-out: a block that is split is many.
POLL_PAUSE_MS_MAX = 900_000
COMMITTED_TIMEOUT_S = 30.0
# What no waiting mends. The client tells of its fatal errors by a code of their own, and then does not call them fatal.
FINAL_CODES = (KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID, KafkaError.UNKNOWN_TOPIC_OR_PART)


class CommitFailed(Exception):
    """Not written now: the broker is away, or the group is about to give the partition to another member."""


class ConsumerStopped(Exception):
    """This consumer is of no use any more: fenced by a newer one of its name, or its topic does not exist."""


class Listener(Protocol):
    """Called within `poll` only."""

    def assigned(self, intents: Mapping[int, Intent | None]) -> None:
        """These partitions are ours now; one with an intent must repeat its range first."""

    def began(self, starts: Mapping[int, int]) -> None:
        """Below these offsets all is stored; 0 when nothing is. Called after `assigned`."""

    def revoked(self, partitions: list[int]) -> None:
        """These are not ours any more: forget what was read of them."""


class Polled(msgspec.Struct):
    """Records by partition, and the ends that were reached behind them."""

    records: dict[int, list[Record]]
    ends: dict[int, int]


class SinkConsumer:
    """Subscribes at once; partitions come and go while polling."""

    def __init__(self, sink: Sink, kafka: KafkaSettings, settings: SinkSettings, listener: Listener) -> None:
        self._topic = sink.topic.full_name(kafka.topic_prefix)
        self._listener = listener
        self._is_holding = False
        self._polled = Polled({}, {})
        self._state = GroupState()
        self._consumer = Consumer(_config(sink, kafka, settings) | self._state.config)
        self._consumer.subscribe(
            [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked
        )

    @property
    def unsettled(self) -> str:
        """Why the group is not at rest, "" when it is; for any thread."""
        return self._state.unsettled

    def poll(self, wait_s: float) -> Polled:
        """What arrived within the time. Raises ConsumerStopped."""
        self._polled = Polled({}, {})
        message = self._consumer.poll(wait_s)
        if message is not None:
            self._take(message)
            for message in self._consumer.consume(MESSAGES_PER_POLL_MAX, 0):
                self._take(message)
        return self._polled

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        """Raises CommitFailed or ConsumerStopped."""
        place = TopicPartition(self._topic, partition, offset, metadata=metadata)
        try:
            answers = self._consumer.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            raise _failure(error.args[0]) from error
        for answer in answers or ():
            if answer.error is not None:
                raise _failure(answer.error)

    def hold(self, is_holding: bool) -> None:
        """While holding, nothing is fetched, but polling keeps the membership alive."""
        if is_holding == self._is_holding:
            return
        self._is_holding = is_holding
        assignment = self._consumer.assignment()
        if is_holding:
            self._consumer.pause(assignment)
        else:
            self._consumer.resume(assignment)

    def close(self) -> None:
        self._consumer.close()

    def _take(self, message: Message) -> None:
        partition, offset, error = message.partition(), message.offset(), message.error()
        if error is None:
            record = Record(offset or 0, message.timestamp()[1], message.value())
            self._polled.records.setdefault(partition or 0, []).append(record)
        elif error.code() == KafkaError._PARTITION_EOF:
            self._polled.ends[partition or 0] = offset or 0
        elif is_final(error):
            raise ConsumerStopped(f"{self._topic}: {error.str()}")
        else:
            log.warning("topic cannot be read", topic=self._topic, error=error.str())

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        committed = consumer.committed(places, timeout=COMMITTED_TIMEOUT_S)
        for place in committed:
            if place.error is not None:
                raise KafkaException(place.error)
        starts = [_start(place) for place in committed]
        consumer.assign(starts)
        if self._is_holding:
            consumer.pause(starts)
        else:
            consumer.resume(starts)  # the client remembers a pause beyond the loss of a partition
        intents = {place.partition: _intent(place) for place in committed}
        self._listener.assigned(intents)
        self._listener.began({place.partition: max(place.offset, 0) for place in committed})
        repeated = sorted(partition for partition, intent in intents.items() if intent)
        log.info("partitions assigned", topic=self._topic, partitions=sorted(intents), repeated=repeated)

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        partitions = sorted(place.partition for place in places)
        for partition in partitions:  # what this very poll has brought so far would be read again
            self._polled.records.pop(partition, None)
            self._polled.ends.pop(partition, None)
        self._listener.revoked(partitions)
        log.info("partitions revoked", topic=self._topic, partitions=partitions)


def _start(place: TopicPartition) -> TopicPartition:
    offset = place.offset if place.offset >= 0 else OFFSET_BEGINNING
    return TopicPartition(place.topic, place.partition, offset)


def _intent(place: TopicPartition) -> Intent | None:
    return intent_of(place.offset, place.metadata) if place.offset >= 0 else None


def is_final(error: KafkaError) -> bool:
    """Whether a consumer that met this error must be replaced by a new one."""
    return error.fatal() or error.code() in FINAL_CODES


def _failure(error: KafkaError) -> CommitFailed | ConsumerStopped:
    return ConsumerStopped(error.str()) if is_final(error) else CommitFailed(error.str())


def _config(sink: Sink, kafka: KafkaSettings, settings: SinkSettings) -> dict[str, Any]:
    config = client_config(kafka) | {
        "group.id": sink.group(kafka.topic_prefix, kafka.generation),
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": settings.session_timeout_s * 1000,
        "heartbeat.interval.ms": settings.session_timeout_s * 100,
        "max.poll.interval.ms": max(POLL_PAUSE_MS_MAX, settings.session_timeout_s * 1000),
        "queued.max.messages.kbytes": PREFETCH_KB,
        "fetch.min.bytes": settings.fetch_bytes_min,
        "fetch.wait.max.ms": settings.fetch_wait_ms_max,
        "fetch.queue.backoff.ms": 10,  # a full prefetch queue is looked at again soon; the default is a second
    }
    if settings.instance_id:
        config["group.instance.id"] = settings.instance_id
    return config
