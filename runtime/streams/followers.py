"""The thread that keeps warm copies: one consumer over many changelogs, read committed, into one store each.

A copy is the folder that a Part of this worker would open, brought to some committed position of its changelog and never
beyond, by the same reading as at recovery. Large folded batches, a few rounds a second: it must cost little. What goes wrong
with one copy ends that copy, until it is wanted the next time. Deliberately absent: deciding what to follow; see standbys.py.
"""

import threading
from collections.abc import Callable
from queue import SimpleQueue

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime import metrics
from runtime.environment.settings import KafkaSettings
from runtime.kafka import reader_config
from runtime.lookup import Lookup
from runtime.streams.group import TP
from runtime.streams.part import PartSpec
from runtime.streams.recovery import FOLDER_AGE_MS_MAX, RecoveryStalled, Source, behind, recover
from runtime.streams.store import Store, StoreBusy, StoreDamaged

log = structlog.get_logger()

BATCH_RECORDS = 20_000
ROUND_S = 0.25  # records gather for so long; an order waits as long
RELEASE_S = 10.0


class Copy(msgspec.Struct):
    """A folder being followed. `position`: where its changelog is read on, markers passed; `at_end_ms`: when that was its end."""

    spec: PartSpec
    store: Store
    position: int
    at_end_ms: int


class _Want(msgspec.Struct, frozen=True):
    specs: frozenset[PartSpec]


class _Release(msgspec.Struct, frozen=True):
    spec: PartSpec
    done: threading.Event


class Followers:
    """`fail` is called in the thread, with what ended it."""

    def __init__(
        self,
        kafka: KafkaSettings,
        lookup: Lookup,
        now_ms: Callable[[], int],
        fail: Callable[[BaseException], None],
    ) -> None:
        self._orders: SimpleQueue[_Want | _Release | None] = SimpleQueue()
        self._kafka = kafka
        self._lookup = lookup
        self._now_ms = now_ms
        self._fail = fail
        self._consumer = _consumer(kafka)
        self._copies: dict[TP, Copy] = {}
        self._wanted: set[PartSpec] = set()
        self._agents: set[str] = set()
        self._thread = threading.Thread(target=self._live, name="followers", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def want(self, specs: frozenset[PartSpec]) -> None:
        """Keep these and no others."""
        self._orders.put(_Want(specs))

    def release(self, spec: PartSpec) -> None:
        """Let the folder go: its Part is about to be opened. Returns when that is done."""
        order = _Release(spec, threading.Event())
        self._orders.put(order)
        if not order.done.wait(RELEASE_S):
            log.warning("a standby's folder is still in use", agent=spec.agent, partition=spec.partition)

    def stop(self) -> None:
        self._orders.put(None)
        self._thread.join()

    def _live(self) -> None:
        try:
            while self._obey():
                self._begin_one()
                self._read()
                self._tell()
            self._follow(frozenset())
            self._consumer.close()
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            self._fail(error)

    def _obey(self) -> bool:
        """False when there is nothing to do any more."""
        # With nothing to follow there is nothing to do but wait for an order.
        while not self._wanted or not self._orders.empty():
            match self._orders.get():
                case _Want(specs):
                    self._follow(specs)
                case _Release(spec, done):
                    self._wanted.discard(spec)
                    self._end(_changelog(spec))
                    done.set()
                case None:
                    return False
            self._tell()
        return True

    def _follow(self, specs: frozenset[PartSpec]) -> None:
        self._wanted = set(specs)
        for tp in [tp for tp, copy in self._copies.items() if copy.spec not in specs]:
            self._end(tp)

    def _begin_one(self) -> None:
        """One in a round, so that orders are heard between them."""
        spec = next((spec for spec in self._wanted if _changelog(spec) not in self._copies), None)
        if spec is None:
            return
        try:
            copy = self._opened(spec)
        except RecoveryStalled:
            return  # an order came; what was read stays
        except (KafkaException, StoreBusy, StoreDamaged) as error:
            log.warning("no standby now", agent=spec.agent, partition=spec.partition, cause=str(error))
            self._wanted.discard(spec)
            return
        tp = _changelog(spec)
        self._copies[tp] = copy
        self._consumer.incremental_assign([TopicPartition(tp.topic, tp.partition, copy.position)])
        log.info("standby warm", agent=spec.agent, partition=spec.partition, position=copy.position)

    def _opened(self, spec: PartSpec) -> Copy:
        name, partition, lookup = spec.changelog_name, spec.partition, self._lookup
        store = Store(spec.folder, f"{lookup.topic_identity(name)}/{partition}")
        try:
            source = Source(name, partition, lookup.earliest(name, partition), lookup.end(name, partition))
            recover(store, source, self._kafka, self._now_ms(), lambda: not self._orders.empty())
        except BaseException as error:
            store.close()
            if isinstance(error, StoreDamaged):
                store.remove()
            raise
        return Copy(spec, store, max(source.end, store.mark.position), self._now_ms())

    def _end(self, tp: TP) -> None:
        if (copy := self._copies.pop(tp, None)) is not None:
            self._consumer.incremental_unassign([TopicPartition(tp.topic, tp.partition)])
            copy.store.close()

    def _read(self) -> None:
        if not self._copies:
            return
        records: dict[TP, list[Message]] = {}
        for message in self._consumer.consume(BATCH_RECORDS, ROUND_S):
            tp = TP(message.topic() or "", message.partition() or 0)
            if tp in self._copies and self._is_record(tp, message):
                records.setdefault(tp, []).append(message)
        for tp, new in records.items():
            self._write(tp, new)

    def _is_record(self, tp: TP, message: Message) -> bool:
        error = message.error()
        if error is None:
            return True
        copy = self._copies[tp]
        if error.code() == KafkaError._PARTITION_EOF:
            copy.position = max(copy.position, message.offset() or 0)
            copy.at_end_ms = self._now_ms()
        elif not error.retriable():
            log.warning("a standby lost its place", topic=tp.topic, partition=tp.partition, cause=error.str())
            self._wanted.discard(copy.spec)
            self._end(tp)
        return False

    def _write(self, tp: TP, records: list[Message]) -> None:
        if (copy := self._copies.get(tp)) is None:
            return
        try:
            before = copy.store.mark
            if self._now_ms() - max(before.timestamp, copy.at_end_ms) > FOLDER_AGE_MS_MAX:
                self._end(tp)  # asleep for too long: begun again, where recovery judges the folder
                return
            mark = behind(records, before)
            copy.store.write({m.key() or b"": m.value() for m in records}.items(), mark)
        except StoreDamaged as error:
            log.warning("a standby is built again", folder=str(copy.spec.folder), cause=str(error))
            self._end(tp)
            copy.store.remove()
        else:
            copy.position = max(copy.position, mark.position)

    def _tell(self) -> None:
        self._agents |= {copy.spec.agent for copy in self._copies.values()}
        for agent in self._agents:
            copies = [copy for copy in self._copies.values() if copy.spec.agent == agent]
            metrics.STANDBY_PARTITIONS.labels(agent).set(len(copies))
            metrics.STANDBY_LAG.labels(agent).set(sum(self._lag(copy) for copy in copies))

    def _lag(self, copy: Copy) -> int:
        tp = TopicPartition(copy.spec.changelog_name, copy.spec.partition)
        _, end = self._consumer.get_watermark_offsets(tp, cached=True)  # as the last fetch has told
        return max(0, end - copy.position)


def _changelog(spec: PartSpec) -> TP:
    return TP(spec.changelog_name, spec.partition)


def _consumer(kafka: KafkaSettings) -> Consumer:
    return Consumer(
        reader_config(kafka, "standby")
        | {
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": 16 << 10,
            "fetch.min.bytes": 1 << 20,
            "fetch.wait.max.ms": 500,
        }
    )
