"""One sink's loop: poll, batch, write the intent, insert, commit. The order of these is the promise; nothing else commits.

    commit   the block's start, with its end in the metadata      the intent
    insert   the block, under its token                           at most once, whoever repeats it
    commit   the block's end                                      done

A crash anywhere leaves either no trace or an intent; the next owner of the partition repeats exactly that block. While ClickHouse
or Kafka is away the same block is tried again, with growing pauses, and nothing more is read.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

import structlog

from runtime import metrics
from sinks.batch import Limits, Source
from sinks.block import Block
from sinks.consumer import CommitFailed, Polled
from sinks.delivery import Delivery
from sinks.failure import Action, Refused, SinkError, decide, delay_of
from sinks.intent import Intent, metadata_of
from sinks.lane import Lane
from sinks.reload import ReloadTimer

log = structlog.get_logger()

WAIT_S = 0.1


class Log(Protocol):
    """What the loop needs of a consumer."""

    def poll(self, wait_s: float) -> Polled: ...
    def commit(self, partition: int, offset: int, metadata: str = "") -> None: ...
    def hold(self, is_holding: bool) -> None: ...


class Dictionaries(Protocol):
    """Loads what depends on the tables that this sink fills. Raises SinkError."""

    def __call__(self) -> None: ...


class Lanes:
    """The partitions that are ours; the consumer tells when that changes. `is_assigned` may be read by other threads."""

    def __init__(self, topic: str, schema_ids: frozenset[int], limits: Limits) -> None:
        self._topic = topic
        self._schema_ids = schema_ids
        self._limits = limits
        self.by_partition: dict[int, Lane] = {}
        self.is_assigned = False

    def assigned(self, intents: Mapping[int, Intent | None]) -> None:
        self.is_assigned = True  # of no partition too: the group has answered
        for partition, intent in intents.items():
            source = Source(self._topic, partition, self._schema_ids)
            self.by_partition[partition] = Lane(source, self._limits, intent)

    def revoked(self, partitions: list[int]) -> None:
        for partition in partitions:
            self.by_partition.pop(partition, None)

    def add(self, polled: Polled) -> None:
        for partition, records in polled.records.items():
            self.by_partition[partition].add(records)
        for partition, end in polled.ends.items():
            self.by_partition[partition].reached(end)


class Loop:
    """`run` returns when it is told to stop; it raises what a person has to mend."""

    def __init__(self, name: str, log_: Log, lanes: Lanes, delivery: Delivery, *, retry_s_max: float) -> None:
        self._name = name
        self._log = log_
        self._lanes = lanes
        self._delivery = delivery
        self._retry_s_max = retry_s_max
        self._failures = 0
        self._not_before = 0.0
        self._dictionaries: Dictionaries | None = None
        self._timer = ReloadTimer(0)

    def reload_after_inserts(self, dictionaries: Dictionaries, timer: ReloadTimer) -> None:
        self._dictionaries, self._timer = dictionaries, timer

    def run(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        while not stop.is_set():
            self._lanes.add(self._log.poll(WAIT_S))
            self._store_all(clock)
            if self._timer.is_due(clock()):
                self._reload(clock)
        self._store_all(clock, flush=True)
        if self._timer.is_stale and not self._failures:
            self._reload(clock)

    def _store_all(self, clock: Callable[[], float], *, flush: bool = False) -> None:
        """Everything that is ready, until something fails."""
        if clock() < self._not_before and not flush:
            return
        for partition, lane in list(self._lanes.by_partition.items()):
            while (block := lane.next_block(clock(), flush=flush)) is not None:
                if not self._try(partition, block, clock):
                    return
                lane.stored()
        self._release()

    def _try(self, partition: int, block: Block, clock: Callable[[], float]) -> bool:
        try:
            self._store(partition, block, clock)
        except SinkError as error:
            decision = decide(error, self._failures + 1, delay_s_max=self._retry_s_max)
            if decision.action is not Action.RETRY:
                log.error("block refused", sink=self._name, block=block.token, error=error.summary)
                raise
            metrics.INSERT_RETRIES.labels(self._name).inc()
            self._hold(block, error.summary, clock() + decision.delay_s)
            return False
        except CommitFailed as error:
            self._hold(block, str(error), clock() + delay_of(self._failures + 1, self._retry_s_max))
            return False
        return True

    def _store(self, partition: int, block: Block, clock: Callable[[], float]) -> None:
        self._log.commit(partition, block.start, metadata_of(block.end, block.token))
        started = clock()
        refused = self._delivery.deliver(block)
        self._timer.inserted()
        metrics.INSERT_SECONDS.labels(self._name).observe(clock() - started)
        metrics.STORED_ROWS.labels(self._name).inc(len(block.records) + len(block.refused) - refused)
        metrics.REFUSED_RECORDS.labels(self._name).inc(refused)
        if refused:
            log.error("records became dead letters", sink=self._name, block=block.token, records=refused)
        self._log.commit(partition, block.end)

    def _hold(self, block: Block, reason: str, until: float) -> None:
        """`reason` may be logged: it quotes nothing that was sent."""
        self._failures += 1
        self._not_before = until
        self._log.hold(True)
        log.warning(
            "waiting to store", sink=self._name, block=block.token, failures=self._failures, error=reason
        )

    def _release(self) -> None:
        """Nothing waits any more: stored, or gone to another member of the group."""
        if self._failures:
            log.info("storing again", sink=self._name)
            self._failures = 0
            self._log.hold(False)

    def _reload(self, clock: Callable[[], float]) -> None:
        if self._dictionaries is None:
            return
        started = clock()
        try:
            self._dictionaries()
        except Refused as error:
            log.error(
                "dictionaries cannot be loaded now; their LIFETIME must do",
                sink=self._name,
                error=error.summary,
            )
            self._timer.postponed(started, clock())
        except SinkError as error:
            log.warning("dictionaries wait", sink=self._name, error=error.summary)
            self._timer.postponed(started, clock())
        else:
            metrics.RELOAD_SECONDS.observe(clock() - started)
            self._timer.loaded(started, clock())
