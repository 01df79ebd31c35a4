"""A batch grows into a block: where to cut, and when. Pure; time is an argument.

A new batch is cut by rows, bytes, age and where the schema changes. Where it was cut is written down (intent.py) before it is
inserted; a batch that repeats a written-down range takes exactly that range, whatever the limits say now.
"""

import msgspec

from schemas.events.reasons import Reason
from schemas.wire.codec import UnknownSchema, schema_id_of
from sinks.storing.block import Block, Record, RefusedRecord
from sinks.storing.intent import Intent


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """A batch that is aged but has many rows waits on until `busy_age_s_max`, since a large insert costs a row less."""

    rows_max: int
    bytes_max: int
    age_s_max: float
    busy_rows_min: int
    busy_age_s_max: float

    def age_of(self, rows: int) -> float:
        return self.age_s_max if rows < self.busy_rows_min else max(self.age_s_max, self.busy_age_s_max)


class Source(msgspec.Struct, frozen=True):
    """Which partition a batch is of, and the schemas that belong on it."""

    topic: str
    partition: int
    schema_ids: frozenset[int]


class Batch:
    """Append until it refuses, or until it is ready; then `block()`, and a new batch from the block's end."""

    def __init__(self, source: Source, limits: Limits, repeat: Intent | None = None) -> None:
        self._source = source
        self._limits = limits
        self._opened = 0.0
        self._repeat = repeat
        self._closed = False
        self._bytes = 0
        self._schema_id = 0
        self._first: int | None = None
        self._next = 0
        self._records: list[Record] = []
        self._refused: list[RefusedRecord] = []

    def append(self, record: Record, now: float) -> bool:
        """False when the record belongs to the next batch; this one is then ready."""
        if self._closed or not self._is_within(record.offset):
            self._closed = True
            return False
        fits = record.value is None or self._take(record, record.value)
        if fits:
            self._count(record, now)
        self._closed = not fits or self._is_full()
        return fits

    def reached(self, offset: int) -> None:
        """The partition has nothing more below this offset (its end, or what compaction left of it)."""
        if self._repeat is not None and offset >= self._repeat.end:
            self._closed = True

    def is_ready(self, now: float) -> bool:
        if self._closed:
            return True
        aged = now - self._opened >= self._limits.age_of(self._rows)
        return self._repeat is None and self._first is not None and aged

    @property
    def bytes_held(self) -> int:
        """Of the records appended."""
        return self._bytes

    @property
    def may_be_cut(self) -> bool:
        """There is something in it, and its end is ours to choose."""
        return self._first is not None and self._repeat is None

    def block(self) -> Block:
        """What has been appended. A repeated range keeps its written-down bounds, even if compaction took records away."""
        assert self._repeat is not None or self._first is not None
        start = self._repeat.start if self._repeat else self._first
        return Block(
            topic=self._source.topic,
            partition=self._source.partition,
            start=start or 0,
            end=self._repeat.end if self._repeat else self._next,
            schema_id=self._schema_id,
            records=tuple(self._records),
            refused=tuple(self._refused),
        )

    @property
    def _rows(self) -> int:
        return len(self._records) + len(self._refused)

    def _is_within(self, offset: int) -> bool:
        return self._repeat is None or offset < self._repeat.end

    def _take(self, record: Record, value: bytes) -> bool:
        try:
            schema_id = schema_id_of(value)
        except UnknownSchema as error:
            return self._refuse(record, str(error))
        if schema_id not in self._source.schema_ids:
            return self._refuse(record, f"schema id {schema_id} does not belong on this topic")
        if self._records and schema_id != self._schema_id:
            return self._repeat is not None and self._refuse(
                record, "the schema changes within a repeated block"
            )
        self._schema_id = schema_id
        self._records.append(record)
        return True

    def _refuse(self, record: Record, detail: str) -> bool:
        self._refused.append(RefusedRecord(record, Reason.UNREADABLE_RECORD, detail))
        return True

    def _count(self, record: Record, now: float) -> None:
        if self._first is None:
            self._first, self._opened = record.offset, now
        self._bytes += len(record.value or b"")
        self._next = record.offset + 1

    def _is_full(self) -> bool:
        if self._repeat is not None:
            return self._next >= self._repeat.end
        return self._rows >= self._limits.rows_max or self._bytes >= self._limits.bytes_max
