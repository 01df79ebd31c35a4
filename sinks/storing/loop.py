"""One sink's loop: poll, batch, write the intent, insert, commit. The order of these is the promise; nothing else commits.

    commit   the block's start, with its end in the metadata      the intent
    insert   the block, under its token                           at most once, whoever repeats it
    commit   the block's end                                      done

A crash anywhere leaves either no trace or an intent; the next owner of the partition repeats exactly that block. Each partition
has one block on its way; blocks of several partitions are inserted beside each other, and reading goes on meanwhile, until enough
is held. All of Kafka happens here, on one thread: only inserts run elsewhere (inserts.py).

While ClickHouse or Kafka is away the same blocks are tried again, one at a time with growing pauses, and nothing more is read. A
partition that goes to another member of the group is given up after its insert has ended and was committed.
"""

import threading
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from runtime import metrics
from sinks.storing.block import Block
from sinks.storing.consumer import CommitFailed, Polled
from sinks.storing.failure import Action, Refused, SinkError, decide, delay_of
from sinks.storing.inserts import Ended, Inserts
from sinks.storing.intent import metadata_of
from sinks.storing.lanes import Lanes
from sinks.storing.reload import ReloadTimer

log = structlog.get_logger()

WAIT_S = 0.1
WAIT_BESIDE_INSERTS_S = 0.02  # their end is to be seen soon


class Log(Protocol):
    """What the loop needs of a consumer."""

    def poll(self, wait_s: float) -> Polled: ...
    def commit(self, partition: int, offset: int, metadata: str = "") -> None: ...
    def hold(self, is_holding: bool) -> None: ...


class Dictionaries(Protocol):
    """Loads what depends on the tables that this sink fills. Raises SinkError."""

    def __call__(self) -> None: ...


class Bounds(msgspec.Struct, frozen=True):
    """The longest pause between attempts, and how much may be held while inserts run."""

    retry_s_max: float
    held_bytes_max: int


class Loop:
    """`run` returns when it is told to stop; it raises what a person has to mend."""

    def __init__(self, name: str, log_: Log, lanes: Lanes, inserts: Inserts, bounds: Bounds) -> None:
        self._name = name
        self._log = log_
        self._lanes = lanes
        self._inserts = inserts
        self._bounds = bounds
        self._running: set[int] = set()
        self._failing: set[int] = set()
        self._failures = 0
        self.beats = 0  # signs of life
        self._not_before = 0.0
        self._dictionaries: Dictionaries | None = None
        self._timer = ReloadTimer(0)

    def reload_after_inserts(self, dictionaries: Dictionaries, timer: ReloadTimer) -> None:
        self._dictionaries, self._timer = dictionaries, timer

    @property
    def is_holding(self) -> bool:
        """ClickHouse or Kafka is away: what there is, is tried again. May be asked by any thread."""
        return self._failures > 0

    def run(self, stop: threading.Event, clock: Callable[[], float] = time.monotonic) -> None:
        self._lanes.before_loss = lambda partitions: self._give_up(partitions, clock)
        try:
            while not stop.is_set():
                self._read_and_store(clock)
                if self._timer.is_due(clock()):
                    self._reload(clock)
            self._drain(clock)
        finally:
            self._lanes.before_loss = None
        if self._timer.is_stale and not self._failures:
            self._reload(clock)

    def _read_and_store(self, clock: Callable[[], float]) -> None:
        """When enough is held, the end of an insert is waited for instead of records: it makes room."""
        if self._running and self._lanes.bytes_held >= self._bounds.held_bytes_max:
            self._settle(clock, WAIT_S)
        else:
            self._lanes.add(self._log.poll(WAIT_BESIDE_INSERTS_S if self._running else WAIT_S))
            self._settle(clock, 0)
        self._start(clock)

    def _drain(self, clock: Callable[[], float]) -> None:
        """Everything that there is, until something fails; what runs is waited for."""
        is_well = True
        while is_well:
            is_well = self._start(clock, flush=True)
            if not self._running:
                return
            is_well = self._settle(clock, WAIT_S) and is_well
        while self._running:
            self._settle(clock, WAIT_S)

    def _give_up(self, partitions: list[int], clock: Callable[[], float]) -> None:
        """They are about to be another member's, who goes on behind what ours have stored."""
        while self._running & set(partitions):
            self._settle(clock, WAIT_S)
        self._failing -= set(partitions)
        self._release()

    def _start(self, clock: Callable[[], float], *, flush: bool = False) -> bool:
        """Begin what is ready, as far as there is room; after a failure, one by one. False when a commit failed."""
        if clock() < self._not_before and not flush:
            return True
        at_once = 1 if self._failures else self._inserts.at_once
        for partition, lane in self._lanes.in_turn():
            if partition in self._running:
                continue
            block = lane.next_block(clock(), flush=flush)
            if block is not None and len(self._running) < at_once and not self._begin(block, clock):
                return False
        return True

    def _begin(self, block: Block, clock: Callable[[], float]) -> bool:
        self._lanes.had_its_turn(block.partition)
        if not self._commit(block, block.start, metadata_of(block.end, block.token), clock):
            return False
        self._running.add(block.partition)
        self._inserts.start(block)
        return True

    def _settle(self, clock: Callable[[], float], wait_s: float) -> bool:
        """Conclude the inserts that have ended. False when something failed."""
        self.beats += 1
        found = self._inserts.ended(wait_s) if self._running else []
        self._running -= {ended.block.partition for ended in found}
        outcomes = [self._conclude(ended, clock) for ended in found]
        return all(outcomes)

    def _conclude(self, ended: Ended, clock: Callable[[], float]) -> bool:
        block = ended.block
        if ended.error is not None:
            self._judge(block, ended.error, clock)
            return False
        self._timer.inserted()
        self._measure(ended)
        if not self._commit(block, block.end, "", clock):
            return False
        self._lanes.by_partition[block.partition].stored()
        self._failing.discard(block.partition)
        self._release()
        return True

    def _judge(self, block: Block, error: BaseException, clock: Callable[[], float]) -> None:
        """Raises what waiting does not mend."""
        if not isinstance(error, SinkError):
            raise error
        decision = decide(error, self._failures + 1, delay_s_max=self._bounds.retry_s_max)
        if decision.action is not Action.RETRY:
            log.error("block refused", sink=self._name, block=block.token, error=error.summary)
            raise error
        metrics.INSERT_RETRIES.labels(self._name).inc()
        self._hold(block, error.summary, clock() + decision.delay_s)

    def _commit(self, block: Block, offset: int, metadata: str, clock: Callable[[], float]) -> bool:
        try:
            self._log.commit(block.partition, offset, metadata)
        except CommitFailed as error:
            self._hold(block, str(error), clock() + delay_of(self._failures + 1, self._bounds.retry_s_max))
            return False
        return True

    def _measure(self, ended: Ended) -> None:
        records = len(ended.block.records) + len(ended.block.refused)
        metrics.INSERT_SECONDS.labels(self._name).observe(ended.seconds)
        metrics.STORED_ROWS.labels(self._name).inc(records - ended.refused)
        metrics.REFUSED_RECORDS.labels(self._name).inc(ended.refused)
        if ended.refused:
            log.error(
                "records became dead letters",
                sink=self._name,
                block=ended.block.token,
                records=ended.refused,
            )

    def _hold(self, block: Block, reason: str, until: float) -> None:
        """`reason` may be logged: it quotes nothing that was sent."""
        self._failing.add(block.partition)
        self._failures += 1
        self._not_before = until
        self._log.hold(True)
        log.warning(
            "waiting to store", sink=self._name, block=block.token, failures=self._failures, error=reason
        )

    def _release(self) -> None:
        """Nothing waits any more: stored, or gone to another member of the group."""
        if self._failures and not self._failing:
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
