"""A lane: one input partition on its way through this worker, from the reader to its Part.

The pump reads ahead; the lane takes what was delivered and has the Part process it in a thread, one chunk after the other.
The Part alone decides what comes next: after a gap the pump is sent to the Part's position.

A Part that is lost is opened again, after a pause: long enough, when another worker has fenced it, for the group to say whose
the partition is. An exception of a step leaves the lane as it is; its caller ends the process.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol, TypeVar

import msgspec
import structlog

from runtime import metrics
from runtime.streams.chunk import Chunk, Gap
from runtime.streams.group import TP, Parcel
from runtime.streams.pump import Pump, Surroundings
from runtime.streams.transaction import FENCED, PartLost
from runtime.watch.judgement import Phase, Sight

log = structlog.get_logger()

QUIET_S = 2.0  # progress that changed nothing is recorded after this much silence
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)
T = TypeVar("T")


class Processor(Protocol):
    """What a lane needs of a Part; see part.py for what each method promises and raises."""

    @property
    def next(self) -> int: ...

    @property
    def is_behind(self) -> bool: ...

    def process(self, chunk: Chunk) -> None: ...

    def record_progress(self) -> None: ...

    def close(self) -> None: ...


OpenPart = Callable[[Callable[[], bool]], Processor]  # the argument tells whether to give up


class LaneSpec(msgspec.Struct, frozen=True):
    """`contiguous`: the input has no transactions. `changelog`: the topic of the Part's state."""

    agent: str
    tp: TP
    contiguous: bool
    changelog: str = ""


class Lane:
    """Run `run()` as a task; it returns after stop(), and raises what a step raised."""

    def __init__(self, spec: LaneSpec, open_part: OpenPart, around: Surroundings) -> None:
        self._spec = spec
        self._open_part = open_part
        self._around = around
        self._part: Processor | None = None
        self._parcels: asyncio.Queue[Parcel | BaseException | None] = asyncio.Queue()
        self._pump = Pump(spec.tp, around, self._overdue, contiguous=spec.contiguous)
        self._suspended = False
        self._stopping = asyncio.Event()
        self._awake = asyncio.Event()  # not suspended, or stopping
        self._awake.set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._beats = 0  # signs of life of what runs in the pool
        self._is_held = False
        self._was_at: int | None = None  # the position of the Part before
        self._oldest_ms: int | None = None

    def accept(self, parcel: Parcel) -> None:
        """A chunk has come through the group."""
        if parcel.session == self._pump.session:
            self._parcels.put_nowait(parcel)

    def suspend(self) -> None:
        """A rebalance begins: read nothing, forget what is on the way. The running chunk goes on, and the Part stays open:
        should another worker get the partition, its opening fences this Part."""
        self._suspended = True
        self._awake.clear()
        self._pump.restart(None)

    def resume(self) -> None:
        """The partition is still ours."""
        self._suspended = False
        self._awake.set()
        self._pump.restart(self.position)

    def stop(self) -> None:
        """Finish the running chunk and close the Part."""
        self._stopping.set()
        self._awake.set()
        self._pump.restart(None)
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

    def sight(self) -> Sight:
        """How the lane looks from outside, to any thread."""
        position = self.position
        return Sight(
            reader=self._spec.agent,
            topic=self._spec.tp.topic,
            partition=self._spec.tp.partition,
            phase=self._phase,
            position=self._was_at if position is None else position,
            beats=self._beats,
            is_busy=not self._idle.is_set(),
            oldest_ms=self._oldest_ms,
            changelog=self._spec.changelog,
        )

    @property
    def _phase(self) -> Phase:
        if self._stopping.is_set():
            return Phase.STOPPING
        if self._suspended:
            return Phase.REBALANCING
        if self._is_held:
            return Phase.HELD
        return Phase.OPENING if self._part is None else Phase.RUNNING

    async def run(self) -> None:
        failures = 0
        while await self._may_open():
            try:
                part = await self._in_pool(lambda: self._open_part(self._halted))
                opened_at = part.next
                try:
                    await self._serve(part)
                finally:
                    failures = 0 if part.next > opened_at else failures
            except PartLost as lost:
                self._note(lost)
                await self._pause(lost, failures)
                failures += 1

    async def _may_open(self) -> bool:
        """Not while a rebalance goes on: opening would fence whoever got the partition. False: the lane is stopped."""
        await self._awake.wait()
        return not self._stopping.is_set()

    def _halted(self) -> bool:
        """Asked again and again by what waits for Kafka or recovers: it lives."""
        self._beats += 1
        return self._stopping.is_set()

    def _note(self, lost: PartLost) -> None:
        tp = self._spec.tp
        metrics.PARTS_REBUILT.labels(self._spec.agent, lost.cause).inc()
        log.warning("part lost", topic=tp.topic, partition=tp.partition, cause=str(lost))

    async def _pause(self, lost: PartLost, failures: int) -> None:
        pause_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
        if lost.cause == FENCED:
            pause_s = self._around.fenced_pause_s
        self._is_held = True
        with suppress(TimeoutError):
            async with asyncio.timeout(pause_s):
                await self._stopping.wait()
        self._is_held = False
        self._beats += 1

    async def _serve(self, part: Processor) -> None:
        self._part = part
        self._pump.restart(None if self._suspended else part.next)
        pumping = asyncio.create_task(self._pump.run())
        pumping.add_done_callback(self._pump_ended)
        try:
            await self._process_all(part)
        finally:
            self._part, self._was_at = None, part.next
            self._pump.restart(None)
            pumping.cancel()
            await asyncio.wait({pumping})  # one taker at a time, or it would take what the next one seeks to
            await self._in_pool(part.close)
            self._parcels = asyncio.Queue()

    def _pump_ended(self, pumping: asyncio.Task[None]) -> None:
        if not pumping.cancelled() and (error := pumping.exception()) is not None:
            self._parcels.put_nowait(error)

    async def _process_all(self, part: Processor) -> None:
        while not self._stopping.is_set():
            parcel = await self._next_parcel()
            if isinstance(parcel, BaseException):
                raise parcel
            if parcel is None:
                await self._record_progress(part)
            elif parcel.session == self._pump.session:
                await self._process(part, parcel.session, parcel.chunk)
        await self._record_progress(part)

    async def _next_parcel(self) -> Parcel | BaseException | None:
        """None when it is quiet, or when the lane is stopped."""
        try:
            async with asyncio.timeout(QUIET_S):
                return await self._parcels.get()
        except TimeoutError:
            return None

    async def _process(self, part: Processor, session: int, chunk: Chunk) -> None:
        self._oldest_ms = chunk.records[0].timestamp if chunk.records else None
        try:
            await self._busy(lambda: part.process(chunk))
        except Gap as gap:
            tp = self._spec.tp
            log.warning(
                "delivery gap", topic=tp.topic, partition=tp.partition, wanted=gap.wanted, got=gap.got
            )
            metrics.DELIVERY_SEEKS.labels(tp.topic, "gap").inc()
            self._pump.restart(part.next)
        else:
            self._pump.done(session)
        finally:
            self._oldest_ms = None

    async def _record_progress(self, part: Processor) -> None:
        if part.is_behind and not self._suspended:
            await self._busy(part.record_progress)

    def _overdue(self) -> int | None:
        """Where to read again from if chunks are on their way; None while there is work, or none is wanted."""
        busy = not self._parcels.empty() or not self._idle.is_set()
        return None if busy or self._suspended else self.position

    async def _busy(self, work: Callable[[], None]) -> None:
        self._idle.clear()
        try:
            await self._in_pool(work)
        finally:
            self._idle.set()

    async def _in_pool(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._around.pool, work)
