"""A lane: one input partition on its way through this worker, from the reader over a Faust agent to its Part.

Two tasks. The pump reads chunks and hands them to Faust, a bounded number ahead. The server takes them from the agent and has
the Part process them, one after the other, in a thread. The Part alone decides what comes next: whatever Faust drops, repeats
or delays, the lane seeks to the Part's position and goes on. Every seek begins a new session, and what an older session
delivered is ignored.

A Part that is lost is opened again, after a pause: long enough, when another worker has fenced it, for the group to say whose
the partition is. An exception of a step leaves the lane as it is; its caller ends the process.
"""

import asyncio
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from typing import Protocol, TypeVar

import msgspec
import structlog
from faust.types import TP

from runtime import metrics
from runtime.chunk import Chunk, ChunkLimits, Gap, cut, missing
from runtime.part import Part
from runtime.transaction import FENCED, KAFKA, PartLost
from runtime.transport import PositionLost, Taken

log = structlog.get_logger()

CHUNKS_AHEAD_MAX = 2  # one being processed, one waiting
TAKE_S = 0.5
QUIET_S = 2.0  # progress that changed nothing is recorded after this much silence
MISSES_MAX = 2  # so many looks at an idle lane whose chunks are still with Faust, and they count as dropped
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)
T = TypeVar("T")


class Parcel(msgspec.Struct, frozen=True):
    """What travels through Faust: a chunk, and the session of the lane that read it."""

    session: int
    chunk: Chunk


class Reader(Protocol):
    """Reads one consumer's partitions; `deliver` sends a value through the agents."""

    async def seek_to(self, tp: TP, position: int) -> None: ...

    async def take(self, tp: TP, timeout_s: float) -> Taken | None: ...

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None: ...


class Surroundings(msgspec.Struct, frozen=True):
    """What all lanes of a worker share. `fenced_pause_s`: see the module's text."""

    reader: Reader
    pool: Executor
    limits: ChunkLimits
    fenced_pause_s: float
    sessions: Iterator[int] = msgspec.field(default_factory=itertools.count)


OpenPart = Callable[[Callable[[], bool]], Part]  # the argument tells whether to give up


class LaneSpec(msgspec.Struct, frozen=True):
    """`contiguous`: the input has no transactions, so a missing offset is a record that the reader lost."""

    agent: str
    tp: TP
    contiguous: bool


class Lane:
    """Run `run()` as a task; it returns after stop(), and raises what a step raised."""

    def __init__(self, spec: LaneSpec, open_part: OpenPart, around: Surroundings) -> None:
        self._spec = spec
        self._open_part = open_part
        self._around = around
        self._part: Part | None = None
        self._parcels: asyncio.Queue[Parcel | BaseException | None] = asyncio.Queue()
        self._session = next(around.sessions)
        self._ahead = 0  # chunks read and not yet processed
        self._target: int | None = None  # where the pump must seek before it reads on
        self._suspended = False
        self._stopping = asyncio.Event()
        self._awake = asyncio.Event()  # neither suspended, or stopping
        self._awake.set()
        self._changed = asyncio.Event()  # something that the pump may be waiting for
        self._idle = asyncio.Event()
        self._idle.set()
        self._misses = 0
        self._hole: int | None = None

    # What the worker tells a lane

    def accept(self, parcel: Parcel) -> None:
        """A chunk has come through the agent."""
        if parcel.session == self._session:
            self._parcels.put_nowait(parcel)

    def suspend(self) -> None:
        """A rebalance begins: read nothing, forget what is on the way. The running chunk goes on, and the Part stays open:
        should another worker get the partition, its opening fences this Part."""
        self._suspended = True
        self._awake.clear()
        self._restart(None)

    def resume(self) -> None:
        self._suspended = False
        self._awake.set()
        self._restart(None if self._part is None else self._part.next)

    def stop(self) -> None:
        self._stopping.set()
        self._awake.set()
        self._restart(None)
        self._parcels.put_nowait(None)

    async def wait_idle(self) -> None:
        """Until no chunk is being processed."""
        await self._idle.wait()

    @property
    def is_ready(self) -> bool:
        return self._part is not None and not self._suspended

    @property
    def position(self) -> int | None:
        """What is processed; None while no Part is open."""
        return None if self._part is None else self._part.next

    # The life of the Part

    async def run(self) -> None:
        failures = 0
        while await self._may_open():
            try:
                part = await self._in_pool(lambda: self._open_part(self._stopping.is_set))
                opened_at = part.next
                try:
                    await self._serve(part)
                finally:
                    failures = 0 if part.next > opened_at else failures
            except PartLost as lost:
                self._note(lost)
                await _wait(self._stopping, self._pause_s(lost, failures))
                failures += 1

    async def _may_open(self) -> bool:
        """Not while a rebalance goes on: opening would fence whoever got the partition. False: the lane is stopped."""
        await self._awake.wait()
        return not self._stopping.is_set()

    def _note(self, lost: PartLost) -> None:
        metrics.PARTS_REBUILT.labels(self._spec.agent, lost.cause).inc()
        log.warning(
            "part lost", topic=self._spec.tp.topic, partition=self._spec.tp.partition, cause=str(lost)
        )

    def _pause_s(self, lost: PartLost, failures: int) -> float:
        if lost.cause == FENCED:
            return self._around.fenced_pause_s
        return BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]

    async def _serve(self, part: Part) -> None:
        self._part = part
        self._restart(None if self._suspended else part.next)
        pump = asyncio.create_task(self._pump())
        pump.add_done_callback(self._pump_ended)
        try:
            await self._process_all(part)
        finally:
            self._part = None
            self._restart(None)
            pump.cancel()
            await asyncio.wait({pump})  # one taker at a time, or it would take what the next session seeks to
            await self._in_pool(part.close)
            self._parcels = asyncio.Queue()

    def _pump_ended(self, pump: asyncio.Task[None]) -> None:
        if not pump.cancelled() and (error := pump.exception()) is not None:
            self._parcels.put_nowait(error)

    async def _process_all(self, part: Part) -> None:
        while not self._stopping.is_set():
            try:
                parcel = await asyncio.wait_for(self._parcels.get(), QUIET_S)
            except TimeoutError:
                if part.is_behind and not self._suspended:
                    await self._busy(part.record_progress)
                continue
            if isinstance(parcel, BaseException):
                raise parcel
            if parcel is not None and parcel.session == self._session:
                await self._process(part, parcel.chunk)

    async def _process(self, part: Part, chunk: Chunk) -> None:
        session = self._session
        try:
            await self._busy(lambda: part.process(chunk))
        except Gap as gap:
            tp = self._spec.tp
            log.warning(
                "delivery gap", topic=tp.topic, partition=tp.partition, wanted=gap.wanted, got=gap.got
            )
            self._restart(part.next)
        else:
            self._misses = 0
            if session == self._session:
                self._ahead -= 1
                self._changed.set()

    async def _busy(self, work: Callable[[], None]) -> None:
        self._idle.clear()
        try:
            await self._in_pool(work)
        finally:
            self._idle.set()

    # Reading ahead

    def _restart(self, target: int | None) -> None:
        """A new session, from `target`; with None, nothing is read until there is one."""
        self._session = next(self._around.sessions)
        self._target = target
        self._ahead = 0
        self._misses = 0
        self._changed.set()

    async def _pump(self) -> None:
        position: int | None = None
        session = -1
        reader, tp = self._around.reader, self._spec.tp
        while True:
            if session != self._session:
                session, position = self._session, self._target
                if position is not None:
                    await reader.seek_to(tp, position)
                continue
            if position is None or self._ahead >= CHUNKS_AHEAD_MAX:
                await self._await_change()
                continue
            try:
                taken = await reader.take(tp, TAKE_S)
            except PositionLost as error:
                raise PartLost(KAFKA, str(error)) from error
            if taken is None:
                self._look_for_drops()
            elif session == self._session and self._is_whole(position, taken):
                position = await self._hand_out(session, position, taken)

    async def _hand_out(self, session: int, position: int, taken: Taken) -> int:
        for chunk in cut(position, taken.end, taken.records, self._around.limits):
            while self._ahead >= CHUNKS_AHEAD_MAX and session == self._session:
                await self._await_change()
            if session != self._session:
                break
            self._ahead += 1
            await self._around.reader.deliver(self._spec.tp, Parcel(session, chunk), chunk.end - 1)
        return taken.end

    async def _await_change(self) -> None:
        self._changed.clear()
        if not await _wait(self._changed, TAKE_S):
            self._look_for_drops()

    def _look_for_drops(self) -> None:
        """Chunks that are neither waiting nor being processed are with Faust; they should not be there for long."""
        if self._part is None or self._suspended or not self._ahead:
            return
        if not self._parcels.empty() or not self._idle.is_set():
            self._misses = 0
            return
        self._misses += 1
        if self._misses >= MISSES_MAX:
            tp = self._spec.tp
            log.warning("delivery dropped chunks", topic=tp.topic, partition=tp.partition, chunks=self._ahead)
            self._restart(self._part.next)

    def _is_whole(self, position: int, taken: Taken) -> bool:
        """Whether what was taken may be handed out. A hole in an input without transactions is read once more; if it is
        still there, it is in the log itself, and there is nothing to wait for."""
        hole = missing(position, taken.end, taken.records) if self._spec.contiguous else 0
        if not hole:
            return True
        tp = self._spec.tp
        log.error("offsets are missing", topic=tp.topic, partition=tp.partition, after=position, count=hole)
        if self._hole == position:
            return True
        self._hole = position
        self._restart(position)
        return False

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._around.pool, work)


async def _wait(event: asyncio.Event, timeout_s: float) -> bool:
    try:
        return await asyncio.wait_for(event.wait(), timeout_s)
    except TimeoutError:
        return False
