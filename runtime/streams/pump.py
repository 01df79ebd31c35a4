"""The pump of a lane: reads chunks of one partition and has them delivered, a bounded number ahead of their processing.

It reads on from where it is told, and from nowhere else. Every `restart` begins a new session: what an older session has read
is ignored wherever it turns up, so a chunk that delivery drops, repeats or delays costs a seek. Deliberately absent: any idea of
what is done with a chunk.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor

import msgspec
import structlog

from runtime import metrics
from runtime.streams.chunk import ChunkLimits, cut, first_missing, missing, size_of
from runtime.streams.group import TP, Parcel, PositionLost, Reader, Taken
from runtime.streams.transaction import KAFKA, PartLost

log = structlog.get_logger()

CHUNKS_AHEAD_MAX = 2  # one being processed, one waiting
TAKE_S = 0.5
HOLE_REREADS = 3
MISSES_MAX = 2  # so many looks at an idle lane whose chunks are still on their way, and they count as dropped


class Surroundings(msgspec.Struct, frozen=True):
    """What all lanes of a worker share. `fenced_pause_s`: see lane.py."""

    reader: Reader
    pool: Executor
    limits: ChunkLimits
    fenced_pause_s: float
    sessions: Iterator[int] = msgspec.field(default_factory=itertools.count)


class Pump:
    """`contiguous`: the input has no transactions, so a missing offset is a record that the reader lost.

    `overdue` is asked when nothing happens: the position to read again from if the lane has nothing to do, else None.
    """

    def __init__(
        self, tp: TP, around: Surroundings, overdue: Callable[[], int | None], *, contiguous: bool
    ) -> None:
        self._tp = tp
        self._around = around
        self._overdue = overdue
        self._contiguous = contiguous
        self._target: int | None = None
        self._ahead = 0  # chunks read and not yet processed
        self._changed = asyncio.Event()
        self._misses = 0
        self._hole = (-1, 0)  # the first offset that was missing, and how often
        self.session = next(around.sessions)

    def restart(self, target: int | None) -> None:
        """Begin a new session at `target`; with None, read nothing until there is another."""
        self.session = next(self._around.sessions)
        self._target = target
        self._ahead = 0
        self._misses = 0
        self._changed.set()

    def done(self, session: int) -> None:
        """A chunk of this session has been processed."""
        if session == self.session:
            self._ahead -= 1
            self._misses = 0
            self._changed.set()

    async def run(self) -> None:
        """Until cancelled. Raises PartLost when the position is not in the log, and what the reader raises."""
        session, position = -1, None
        while True:
            if session != self.session:
                session, position = self.session, self._target
                if position is not None:
                    await self._around.reader.seek_to(self._tp, position)
            elif position is None or self._ahead >= CHUNKS_AHEAD_MAX:
                await self._await_change()
            else:
                position = await self._read(session, position)

    async def _read(self, session: int, position: int) -> int:
        taken = await self._take(TAKE_S)
        if taken is None:
            self._look_for_drops()
            return position
        taken = await self._gathered(session, taken)
        if session == self.session and self._is_whole(position, taken):
            await self._hand_out(session, position, taken)
        return taken.end

    async def _take(self, timeout_s: float) -> Taken | None:
        try:
            return await self._around.reader.take(self._tp, timeout_s)
        except PositionLost as error:
            raise PartLost(KAFKA, str(error)) from error

    async def _gathered(self, session: int, taken: Taken) -> Taken:
        """With what comes soon behind it, where it is much: a transaction has its price, whatever it holds."""
        limits, clock = self._around.limits, asyncio.get_running_loop().time
        end, size = clock() + limits.busy_wait_s, size_of(taken.records)
        while (
            session == self.session
            and limits.may_wait(len(taken.records), size)
            and (left_s := end - clock()) > 0
        ):
            try:
                more = await self._take(left_s)
            except PartLost:
                return taken  # it is processed first, as what was handed out is; the next take says it again
            if more is not None:
                taken = Taken([*taken.records, *more.records], more.end)
                size += size_of(more.records)
        return taken

    async def _hand_out(self, session: int, position: int, taken: Taken) -> None:
        for chunk in cut(position, taken.end, taken.records, self._around.limits):
            while self._ahead >= CHUNKS_AHEAD_MAX and session == self.session:
                await self._await_change()
            if session != self.session:
                return
            self._ahead += 1
            await self._around.reader.deliver(self._tp, Parcel(session, chunk), chunk.end - 1)

    async def _await_change(self) -> None:
        self._changed.clear()
        try:
            # Not wait_for(), here or elsewhere in the core: before Python 3.12 it can swallow a cancellation.
            async with asyncio.timeout(TAKE_S):
                await self._changed.wait()
        except TimeoutError:
            self._look_for_drops()

    def _look_for_drops(self) -> None:
        """Chunks that are neither waiting nor being processed are on their way; they should not be for long."""
        target = self._overdue() if self._ahead else None
        if target is None:
            self._misses = 0
            return
        self._misses += 1
        if self._misses >= MISSES_MAX:
            log.warning(
                "delivery dropped chunks",
                topic=self._tp.topic,
                partition=self._tp.partition,
                chunks=self._ahead,
            )
            metrics.DELIVERY_SEEKS.labels(self._tp.topic, "dropped").inc()
            self.restart(target)

    def _is_whole(self, position: int, taken: Taken) -> bool:
        """Whether what was taken may be handed out.

        A hole in an input without transactions is read again, each time from the broker; if it stays, it is in the log
        itself, and there is nothing to wait for.
        """
        hole = missing(position, taken.end, taken.records) if self._contiguous else 0
        if not hole:
            return True
        tp = self._tp
        log.error("offsets are missing", topic=tp.topic, partition=tp.partition, after=position, count=hole)
        place = first_missing(position, taken.records)
        self._hole = (place, self._hole[1] + 1 if self._hole[0] == place else 1)
        if self._hole[1] > HOLE_REREADS:
            return True
        metrics.DELIVERY_SEEKS.labels(tp.topic, "hole").inc()
        self.restart(position)
        return False
