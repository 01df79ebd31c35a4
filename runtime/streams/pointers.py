"""Whom nodes point to, as far as this process remembers: what a resolver's profile hints are completed from.

A thread tails `identity.pointers`, committed records only, into a map of so many nodes; when it is full, the node that
nobody asked for or heard of for the longest time goes. At a start only so many of the latest records are read.

Nothing waits for it: while Kafka is away, or the topic has not been read yet, a hint is less complete, and that is all.
Deliberately absent: the segments of a contested device, whose own events tell its resolver more.
"""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import Self

import structlog
from confluent_kafka import Consumer, Message, TopicPartition

from runtime import metrics
from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from schemas.topics import IDENTITY_POINTERS
from schemas.wire.codec import UnknownSchema, decode

log = structlog.get_logger()

BATCH_RECORDS = 5_000
ROUND_S = 0.5
STOP_S = 10.0
TAIL = (
    -2_000
)  # librdkafka's name for "n before the end" is -2000 - n; where there are fewer, it is the beginning


class Owners:
    """At most `nodes_max` nodes with the node that each points to; for any thread."""

    def __init__(self, nodes_max: int) -> None:
        self._nodes_max = nodes_max
        self._owners: OrderedDict[int, int] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, node: int) -> int | None:
        """See schemas.stream.Owners."""
        if node not in self._owners:  # nearly always: most devices are nobody's
            return None
        with self._lock:
            owner = self._owners.get(node)
            if owner is not None:
                self._owners.move_to_end(node)
            return owner

    def __len__(self) -> int:
        return len(self._owners)

    def learn(self, pointers: Iterable[tuple[int, int | None]]) -> None:
        """Node and owner, the newest last; without an owner the node is forgotten."""
        with self._lock:
            for node, owner in pointers:
                self._owners.pop(node, None)
                if owner is not None:
                    self._owners[node] = owner
            while len(self._owners) > self._nodes_max:
                self._owners.popitem(last=False)


class PointerTail:
    """Fills `owners` as long as it is entered. `fail` is called in the thread, with what ended it: a bug."""

    def __init__(
        self, kafka: KafkaSettings, nodes_max: int, owners: Owners, fail: Callable[[BaseException], None]
    ) -> None:
        self._kafka = kafka
        self._records_max = -(-nodes_max // kafka.partitions)
        self._owners = owners
        self._fail = fail
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="pointers", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, stack: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join(STOP_S)

    def _live(self) -> None:
        try:
            consumer = _consumer(self._kafka)
            consumer.assign(list(self._places()))
            while not self._stop.is_set():
                if messages := consumer.consume(BATCH_RECORDS, ROUND_S):
                    self._owners.learn(_pointers(messages))
                    metrics.HINT_NODES.set(len(self._owners))
            consumer.close()
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            self._fail(error)

    def _places(self) -> Iterator[TopicPartition]:
        name = IDENTITY_POINTERS.full_name(self._kafka.topic_prefix)
        for partition in range(self._kafka.partitions):
            yield TopicPartition(name, partition, TAIL - self._records_max)


def _pointers(messages: Iterable[Message]) -> Iterator[tuple[int, int | None]]:
    for message in messages:
        error, value = message.error(), message.value()
        if error is not None:
            if not error.retriable():
                log.warning("pointers cannot be read", error=error.str())
        elif value is not None:
            yield from _pointer(value)


def _pointer(value: bytes) -> Iterator[tuple[int, int | None]]:
    try:
        record = decode(value)
    except UnknownSchema:  # of a later release: the hint stays what it was
        return
    yield record["node"], None if record["segments"] else record["owner"]


def _consumer(kafka: KafkaSettings) -> Consumer:
    return Consumer(
        reader_config(kafka, "pointers")
        | {
            "auto.offset.reset": "earliest",
            "enable.partition.eof": False,
            "queued.max.messages.kbytes": 4 << 10,
            "fetch.min.bytes": 64 << 10,
            "fetch.wait.max.ms": 500,
        }
    )
