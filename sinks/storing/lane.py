"""One partition's way from records to blocks: a queue, the batch that grows, and the block that is being stored. Pure."""

from collections import deque
from collections.abc import Iterable

from sinks.storing.batch import Batch, Limits, Source
from sinks.storing.block import Block, Record
from sinks.storing.intent import Intent


class Lane:
    """`next_block` gives the same block until `stored` is called: a failed insert is repeated as it was."""

    def __init__(self, source: Source, limits: Limits, repeat: Intent | None = None) -> None:
        self._source = source
        self._limits = limits
        self._queue: deque[Record] = deque()
        self._queue_bytes = 0
        self._batch = Batch(source, limits, repeat)
        self._block: Block | None = None
        self._end = 0
        self._next: int | None = None
        self._oldest: Record | None = None
        self._last = -1

    @property
    def bytes_held(self) -> int:
        """Of all records that are read and not stored yet."""
        return self._queue_bytes + self._batch.bytes_held

    def began(self, offset: int) -> None:
        """Everything below this offset is stored."""
        self._next = offset

    @property
    def position(self) -> int | None:
        """The next offset to store, None while it is not known. This and `oldest` may be read by other threads."""
        oldest = self._oldest
        if oldest is not None:
            return oldest.offset
        return max(self._end, self._next or 0) or self._next

    @property
    def oldest(self) -> Record | None:
        """The first record that was read and is not stored."""
        return self._oldest

    def add(self, records: Iterable[Record]) -> None:
        for record in records:
            assert record.offset > self._last, f"offset {record.offset} came after {self._last}"
            self._last = record.offset
            self._oldest = self._oldest or record
            self._queue.append(record)
            self._queue_bytes += len(record.value or b"")

    def reached(self, offset: int) -> None:
        """The partition's end was at this offset after the records added so far."""
        self._end = offset

    def next_block(self, now: float, *, flush: bool = False) -> Block | None:
        """The next block to store, if it is time; `flush` takes what there is."""
        if self._block is None:
            self._fill(now)
            if self._batch.is_ready(now) or (flush and self._batch.may_be_cut):
                self._block = self._batch.block()
        return self._block

    def stored(self) -> None:
        """The block is in ClickHouse, and its end is committed."""
        self._next = self._block.end if self._block else self._next
        self._oldest = self._queue[0] if self._queue else None
        self._block = None
        self._batch = Batch(self._source, self._limits)

    def _fill(self, now: float) -> None:
        while self._queue and self._batch.append(self._queue[0], now):
            self._queue_bytes -= len(self._queue.popleft().value or b"")
        if not self._queue:
            self._batch.reached(self._end)
