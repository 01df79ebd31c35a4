"""The Part: state, changelog, outputs and position of one agent's one input partition, moving together or not at all.

Rules:
- One chunk is one Kafka transaction: outputs, the changelog records of every changed key, and the next position. The local
  store is written after the commit, so it is never ahead.
- A Part takes only the chunk that begins at `next`; anything else is a Gap, and nothing happens.
- Who opens a Part ends the transactions of every earlier owner, for ever. A worker that lost its partition without knowing
  can therefore change nothing, not even its own store.
- On any other doubt the Part raises and is finished: it must be closed and opened again, which reads what was committed.

Deliberately absent: retrying a chunk in place, consumer-group offsets, a clock, locks (one thread at a time).
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import structlog
from confluent_kafka import KafkaException

from runtime import metrics
from runtime.environment.settings import KafkaSettings
from runtime.lookup import Lookup
from runtime.streams.chunk import Chunk, Gap
from runtime.streams.recent import Recent
from runtime.streams.recovery import RecoveryStalled, Source, recover
from runtime.streams.state import ChunkState
from runtime.streams.store import NEXT, USER, Store, StoreBusy, StoreDamaged, encode_next
from runtime.streams.transaction import KAFKA, STORE, Outgoing, PartLost, Transactions, loss
from schemas.stream import OutputRecord, Step
from schemas.topics import TOPICS, Topic, changelog

log = structlog.get_logger()

STATE_MEASURED_S = 10.0  # how often its size is looked at, while it changes
UNRECORDED_OFFSETS_MAX = 10_000  # progress that changed nothing else is recorded at least this often


class PartSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Which Part, and the topics that its step may write to."""

    agent: str
    input: Topic
    partition: int
    kafka: KafkaSettings
    state_dir: Path
    transaction_timeout_s: int = 60
    recent_bytes_max: int = 0
    outputs: tuple[Topic, ...] = TOPICS

    @property
    def input_name(self) -> str:
        return self.input.full_name(self.kafka.topic_prefix)

    @property
    def changelog_name(self) -> str:
        return changelog(self.kafka.generation, self.agent).full_name(self.kafka.topic_prefix)

    @property
    def folder(self) -> Path:
        return self.state_dir / self.kafka.generation / self.agent / str(self.partition)

    @property
    def transactional_id(self) -> str:
        kafka = self.kafka
        return f"{kafka.topic_prefix}{kafka.generation}-{self.agent}-{self.input.name}-{self.partition}"


class Part:
    """Opened by `open_part`. `next` is the input position that the next chunk must begin at."""

    def __init__(
        self, spec: PartSpec, step: Step, transactions: Transactions, store: Store, position: int
    ) -> None:
        self._spec = spec
        self._step = step
        self._transactions = transactions
        self._store = store
        self._recent = Recent(store, spec.recent_bytes_max)
        self._usable = True
        self._damaged = False
        self._recorded = self.next = position
        self._measure_at = 0.0
        self._partitions = {topic.name: topic.partitions or spec.kafka.partitions for topic in spec.outputs}

    def process(self, chunk: Chunk) -> None:
        """Run the step on a chunk and commit what it did.

        Raises Gap (nothing happened, the Part goes on), PartLost (close it and open another), or whatever the step raised,
        which is a bug; the Part is finished then too.
        """
        if not self._usable:
            raise PartLost(KAFKA, "a Part was used after it had failed")
        if chunk.start != self.next:
            raise Gap(self.next, chunk.start)
        began = time.monotonic()
        self._usable = False  # until all is done: whatever interrupts this must not be built upon
        with self._damage_is_loss():
            state = ChunkState(self._recent)
            outputs = self._step(self._spec.partition, chunk.records, state)
            changes = state.changes()
            if outputs or changes or chunk.end - self._recorded >= UNRECORDED_OFFSETS_MAX:
                self._commit(outputs, changes, chunk.end)
        self.next = chunk.end
        self._usable = True
        metrics.CHUNK_SECONDS.labels(self._spec.agent).observe(time.monotonic() - began)
        metrics.CHUNK_RECORDS.labels(self._spec.agent).inc(len(chunk.records))
        metrics.CHUNK_SIZE.labels(self._spec.agent).observe(len(chunk.records))

    @property
    def is_behind(self) -> bool:
        """True when progress was made that changed nothing else and that Kafka has not been told."""
        return self._usable and self.next != self._recorded

    def record_progress(self) -> None:
        """Commit the position alone. For a quiet moment: without it a restart would only read more again."""
        self._usable = False
        with self._damage_is_loss():
            self._commit([], {}, self.next)
        self._usable = True

    def close(self) -> None:
        """Let everything go; a damaged folder is removed. Never raises PartLost."""
        self._transactions.close(healthy=self._usable)
        self._usable = False
        self._store.close()
        with suppress(KeyError):
            metrics.STATE_BYTES.remove(self._spec.agent, str(self._spec.partition))
        if self._damaged:
            self._store.remove()

    def _commit(
        self, outputs: Sequence[OutputRecord], changes: Mapping[bytes, bytes | None], position: int
    ) -> None:
        spec = self._spec
        began = time.monotonic()
        state = [(USER + key, value) for key, value in changes.items()]
        progress = (NEXT, encode_next(position))
        outgoing = self._grouped(outputs)
        if state:
            outgoing.append(Outgoing(spec.changelog_name, spec.partition, state))
        mark = self._transactions.commit(outgoing, Outgoing(spec.changelog_name, spec.partition, [progress]))
        metrics.COMMIT_SECONDS.labels(spec.agent).observe(time.monotonic() - began)
        self._store.write([*state, progress], mark)
        self._recent.written(changes)
        self._recorded = position
        if began >= self._measure_at:
            self._measure_at = began + STATE_MEASURED_S
            _measure(spec, self._store)

    @contextmanager
    def _damage_is_loss(self) -> Iterator[None]:
        try:
            yield
        except StoreDamaged as error:
            self._damaged = True
            raise PartLost(STORE, str(error)) from error

    def _grouped(self, outputs: Sequence[OutputRecord]) -> list[Outgoing]:
        grouped: defaultdict[tuple[str, int], list[tuple[bytes, bytes | None]]] = defaultdict(list)
        for record in outputs:
            grouped[record.topic, record.partition].append((record.key, record.value))
        prefix = self._spec.kafka.topic_prefix
        for (topic, partition), records in grouped.items():
            if not 0 <= partition < self._partitions.get(topic, 0):
                raise ValueError(
                    f"agent {self._spec.agent} wrote to {topic}[{partition}], which does not exist"
                )
            metrics.OUTPUT_RECORDS.labels(self._spec.agent, topic).inc(len(records))
        return [
            Outgoing(prefix + topic, partition, records) for (topic, partition), records in grouped.items()
        ]


class PartOpener(msgspec.Struct, frozen=True):
    """What opening any Part needs besides its spec: the broker's answers, the time, and whether the worker gives up."""

    lookup: Lookup
    now_ms: Callable[[], int]
    halted: Callable[[], bool]


def open_part(spec: PartSpec, step: Step, opener: PartOpener) -> Part:
    """Take the partition over: fence every earlier owner, then bring the local store up to the changelog.

    Raises PartLost when that cannot be done now; nothing is left open then.
    """
    with _failure_is_loss(), ExitStack() as undo:
        transactions = Transactions(
            spec.kafka, spec.transactional_id, spec.transaction_timeout_s, opener.halted
        )
        undo.callback(transactions.close, healthy=False)
        transactions.take_over()
        identity = opener.lookup.topic_identity(spec.changelog_name)
        store = Store(spec.folder, f"{identity}/{spec.partition}")
        undo.callback(store.close)
        position = _recovered_position(spec, store, opener)
        _measure(spec, store)
        undo.pop_all()
    return Part(spec, step, transactions, store, position)


def _measure(spec: PartSpec, store: Store) -> None:
    metrics.STATE_BYTES.labels(spec.agent, str(spec.partition)).set(store.size_bytes)


@contextmanager
def _failure_is_loss() -> Iterator[None]:
    try:
        yield
    except KafkaException as error:
        raise loss(error) from error
    except (RecoveryStalled, StoreBusy) as error:
        raise PartLost(KAFKA, str(error)) from error
    except StoreDamaged as error:
        raise PartLost(STORE, str(error)) from error


def _recovered_position(spec: PartSpec, store: Store, opener: PartOpener) -> int:
    try:
        _recover(spec, store, opener)
        return _position(spec, store, opener.lookup)
    except StoreDamaged:
        store.close()
        store.remove()
        raise


def _recover(spec: PartSpec, store: Store, opener: PartOpener) -> None:
    began = time.monotonic()
    earliest = opener.lookup.earliest(spec.changelog_name, spec.partition)
    end = opener.lookup.end(spec.changelog_name, spec.partition)
    source = Source(spec.changelog_name, spec.partition, earliest, end)
    count = recover(store, source, spec.kafka, opener.now_ms(), opener.halted)
    metrics.RECOVERED_RECORDS.labels(spec.agent).inc(count)
    seconds = round(time.monotonic() - began, 3)
    log.info("part opened", agent=spec.agent, partition=spec.partition, recovered=count, seconds=seconds)


def _position(spec: PartSpec, store: Store, lookup: Lookup) -> int:
    """Where the store's state ends; for a Part without any, where the input begins."""
    earliest = lookup.earliest(spec.input_name, spec.partition)
    recorded = store.next
    if recorded is not None and recorded < earliest:
        lost = earliest - recorded
        log.error("input expired unprocessed", topic=spec.input_name, partition=spec.partition, offsets=lost)
    return max(recorded or 0, earliest)
