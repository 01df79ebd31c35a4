"""All lanes of one worker: which partitions are whose agent's, from the group's word to open Parts.

`Delivery` is the member that a group tells what it has decided. Parts are opened off the event loop, all partitions at once.
Deliberately absent: retrying, state, positions; see lane.py and part.py. Nothing here knows who runs the group.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from concurrent.futures import ThreadPoolExecutor

import msgspec
import structlog

from runtime.streams.chunk import ChunkLimits
from runtime.streams.group import REVOKE_S, TP, Group, Parcel
from runtime.streams.lane import Lane, LaneSpec, OpenPart
from runtime.streams.part import Part
from runtime.streams.pump import Surroundings
from runtime.watch.judgement import Sight

log = structlog.get_logger()


class Inlet(msgspec.Struct, frozen=True):
    """What one agent reads, where its state is logged, and how the Part of one of its partitions is opened."""

    agent: str
    topic: str
    contiguous: bool
    open_part: Callable[[int, Callable[[], bool]], Part]
    changelog: str = ""


class Policy(msgspec.Struct, frozen=True):
    """Bounds of all lanes. `threads`: Parts that may work at the same time."""

    limits: ChunkLimits
    fenced_pause_s: float
    threads: int


class Delivery:
    """`fail` is called with an exception that nobody may survive: it must end the process."""

    def __init__(
        self, group: Group, inlets: Sequence[Inlet], policy: Policy, fail: Callable[[BaseException], None]
    ) -> None:
        self._group = group
        self._policy = policy
        self._fail = fail
        self._inlets = {inlet.topic: inlet for inlet in inlets}
        self._lanes: dict[TP, Lane] = {}
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._around: Surroundings | None = None
        self.is_assigned = False
        self.is_stopping = False
        group.join(self, {inlet.agent: inlet.topic for inlet in inlets})

    def accept(self, tp: TP, parcel: Parcel) -> None:
        lane = self._lanes.get(tp)
        if lane is not None:
            lane.accept(parcel)

    @property
    def is_ready(self) -> bool:
        return self.is_assigned and all(lane.is_ready for lane in list(self._lanes.values()))

    def sights(self) -> list[Sight]:
        """Every lane as it looks now. May be asked by any thread."""
        return [lane.sight() for lane in list(self._lanes.values())]

    @property
    def partitions(self) -> frozenset[TP]:
        """Those that have a lane: worked on, or about to be."""
        return frozenset(self._lanes)

    def positions(self) -> Mapping[TP, int]:
        known = {tp: lane.position for tp, lane in self._lanes.items()}
        return {tp: position for tp, position in known.items() if position is not None}

    async def stop(self) -> None:
        """Finish the running chunks and close every Part."""
        self.is_assigned, self.is_stopping = False, True
        for lane in self._lanes.values():
            lane.stop()
        if tasks := set(self._tasks.values()):
            await asyncio.wait(tasks)

    async def revoked(self) -> None:
        """All partitions, at every rebalance; most come back, so their Parts stay open until the group has spoken."""
        self.is_assigned = False
        for lane in self._lanes.values():
            lane.suspend()
        idle = [asyncio.create_task(lane.wait_idle()) for lane in self._lanes.values()]
        if idle:
            await asyncio.wait(idle, timeout=REVOKE_S)

    async def assigned(self, partitions: AbstractSet[TP]) -> None:
        ours = {tp for tp in partitions if tp.topic in self._inlets}
        for tp in self._lanes.keys() - ours:
            self._lanes.pop(tp).stop()
        for tp in self._lanes.keys() & ours:
            self._lanes[tp].resume()
        for tp in ours - self._lanes.keys():
            self._add(tp)
        self.is_assigned = True
        log.info("partitions assigned", count=len(ours))

    def _add(self, tp: TP) -> None:
        inlet = self._inlets[tp.topic]
        spec = LaneSpec(inlet.agent, tp, inlet.contiguous, inlet.changelog)
        lane = self._lanes[tp] = Lane(spec, _opener(inlet, tp.partition), self._surroundings())
        before = self._tasks.get(tp)
        task = self._tasks[tp] = asyncio.create_task(_after(before, lane))
        task.add_done_callback(self._lane_ended)

    def _surroundings(self) -> Surroundings:
        if self._around is None:  # not sooner: the group has its reader when it has partitions
            pool = ThreadPoolExecutor(self._policy.threads, thread_name_prefix="part")
            self._around = Surroundings(
                self._group.reader, pool, self._policy.limits, self._policy.fenced_pause_s
            )
        return self._around

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)


def _opener(inlet: Inlet, partition: int) -> OpenPart:
    return lambda halted: inlet.open_part(partition, halted)


async def _after(before: asyncio.Task[None] | None, lane: Lane) -> None:
    """The partition's earlier lane closes its Part before this one opens its own: they share a folder."""
    if before is not None:
        await asyncio.wait({before})
    await lane.run()
