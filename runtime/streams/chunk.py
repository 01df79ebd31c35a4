"""A chunk: consecutive records of one input partition, with the reader's position before and after them.

Positions, not offsets, make chunks chain. An input written by transactions has control markers and aborted records between
its records, so the next record's offset says nothing about whether one is missing; but what a reader passed over on its way
from `start` to `end` was no record for us, and the next chunk must begin exactly where this one ended. Pure: no Kafka here.
"""

from collections.abc import Iterator, Sequence

import msgspec

from schemas.stream import InputRecord


class Chunk(msgspec.Struct, frozen=True):
    """The records between two positions of a reader of one partition."""

    start: int
    end: int
    records: Sequence[InputRecord]


class ChunkLimits(msgspec.Struct, frozen=True):
    """A chunk ends with the record that reaches one of these; a single record may be larger than `bytes_max`.

    What has `busy_bytes_min` by itself may wait `busy_wait_s` for more.
    """

    records_max: int
    bytes_max: int
    busy_bytes_min: int = 0
    busy_wait_s: float = 0.0

    def may_wait(self, records: int, size: int) -> bool:
        """Whether so many records, of so many bytes together, are many, and a chunk has room for more."""
        return records < self.records_max and self.busy_bytes_min <= size < self.bytes_max


class Gap(Exception):
    """A chunk does not begin at the next position: delivery dropped or repeated something. Costs a seek, never data."""

    def __init__(self, wanted: int, got: int) -> None:
        super().__init__(f"the chunk begins at {got} instead of {wanted}")
        self.wanted = wanted
        self.got = got


def cut(start: int, end: int, records: Sequence[InputRecord], limits: ChunkLimits) -> Iterator[Chunk]:
    """Cut what one fetch brought into chunks that chain from `start` to `end`; one without records if it passed only markers."""
    first = 0
    size = 0
    if not records and end > start:
        yield Chunk(start, end, records)
    for index, record in enumerate(records, start=1):
        size += _bytes(record)
        if index == len(records):
            yield Chunk(start, end, records[first:])
        elif index - first >= limits.records_max or size >= limits.bytes_max:
            yield Chunk(start, record.offset + 1, records[first:index])
            start, first, size = record.offset + 1, index, 0


def size_of(records: Sequence[InputRecord]) -> int:
    """Their bytes, keys included."""
    return sum(map(_bytes, records))


def _bytes(record: InputRecord) -> int:
    return len(record.value or b"") + len(record.key or b"")


def missing(start: int, end: int, records: Sequence[InputRecord]) -> int:
    """How many offsets from `start` to `end` hold no record: control markers, or records that a reader lost."""
    return end - start - len(records)


def first_missing(start: int, records: Sequence[InputRecord]) -> int:
    """The first offset from `start` that holds no record; the one behind the last where none is missing."""
    return next(
        (place for place, record in enumerate(records, start) if record.offset != place), start + len(records)
    )
