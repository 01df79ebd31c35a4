"""All lanes of one worker: which partitions are whose agent's, from the group's word to open Parts.

`Delivery` is given to a Faust app: it listens to the app's signals, and agents hand it what they get. Parts are opened off the
event loop, all partitions at once. Deliberately absent: retrying, state, positions; see lane.py and part.py.
"""

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import faust
import msgspec
import structlog
from faust.types import TP

from runtime.chunk import ChunkLimits
from runtime.lane import Lane, LaneSpec, OpenPart
from runtime.part import Part
from runtime.pump import Parcel, Surroundings
from runtime.transport import ChunkSchema, consumer_of

log = structlog.get_logger()

REVOKE_S = 8.0  # a running chunk may end before the group goes on; what it cannot finish is fenced, and done again elsewhere


class Inlet(msgspec.Struct, frozen=True):
    """What one agent reads, and how the Part of one of its partitions is opened."""

    agent: str
    topic: str
    contiguous: bool
    open_part: Callable[[int, Callable[[], bool]], Part]


class Policy(msgspec.Struct, frozen=True):
    """Bounds of all lanes. `threads`: Parts that may work at the same time."""

    limits: ChunkLimits
    fenced_pause_s: float
    threads: int


class Delivery:
    """`fail` is called with an exception that nobody may survive: it must end the process."""

    def __init__(self, app: faust.App, policy: Policy, fail: Callable[[BaseException], None]) -> None:
        self._app = app
        self._policy = policy
        self._fail = fail
        self._inlets: dict[str, Inlet] = {}
        self._lanes: dict[TP, Lane] = {}
        self._tasks: dict[TP, asyncio.Task[None]] = {}
        self._around: Surroundings | None = None
        self._is_assigned = False
        app.on_partitions_revoked.connect(self._revoked)
        app.on_partitions_assigned.connect(self._assigned)

    def channel(self, inlet: Inlet) -> Any:
        """The Faust topic that the agent of `inlet` is for."""
        self._inlets[inlet.topic] = inlet
        return self._app.topic(inlet.topic, schema=ChunkSchema())

    async def serve(self, stream: Any) -> None:
        """An agent's whole work: every event of the stream is a parcel for a lane. Never acks; positions are the Parts'."""
        async for event in stream.noack().events():
            parcel: Parcel = event.value
            lane = self._lanes.get(event.message.tp)
            if lane is not None:
                lane.accept(parcel)

    @property
    def is_ready(self) -> bool:
        return self._is_assigned and all(lane.is_ready for lane in self._lanes.values())

    def positions(self) -> Mapping[TP, int]:
        known = {tp: lane.position for tp, lane in self._lanes.items()}
        return {tp: position for tp, position in known.items() if position is not None}

    async def stop(self) -> None:
        """Finish the running chunks and close every Part."""
        self._is_assigned = False
        for lane in self._lanes.values():
            lane.stop()
        if tasks := set(self._tasks.values()):
            await asyncio.wait(tasks)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        """All partitions, at every rebalance; most come back, so their Parts stay open until the group has spoken."""
        self._is_assigned = False
        for lane in self._lanes.values():
            lane.suspend()
        idle = [asyncio.create_task(lane.wait_idle()) for lane in self._lanes.values()]
        if idle:
            await asyncio.wait(idle, timeout=REVOKE_S)

    async def _assigned(self, *signal: Any, **_: Any) -> None:
        assigned: set[TP] = signal[1]
        ours = {tp for tp in assigned if tp.topic in self._inlets}
        for tp in self._lanes.keys() - ours:
            self._lanes.pop(tp).stop()
        for tp in self._lanes.keys() & ours:
            self._lanes[tp].resume()
        for tp in ours - self._lanes.keys():
            self._add(tp)
        self._is_assigned = True
        log.info("partitions assigned", count=len(ours))

    def _add(self, tp: TP) -> None:
        inlet = self._inlets[tp.topic]
        spec = LaneSpec(inlet.agent, tp, inlet.contiguous)
        lane = self._lanes[tp] = Lane(spec, _opener(inlet, tp.partition), self._surroundings())
        before = self._tasks.get(tp)
        task = self._tasks[tp] = asyncio.create_task(_after(before, lane))
        task.add_done_callback(self._lane_ended)

    def _surroundings(self) -> Surroundings:
        if self._around is None:  # not sooner: Faust makes its consumer when the event loop runs
            consumer = consumer_of(self._app)
            consumer.positions = self.positions
            pool = ThreadPoolExecutor(self._policy.threads, thread_name_prefix="part")
            self._around = Surroundings(consumer, pool, self._policy.limits, self._policy.fenced_pause_s)
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
