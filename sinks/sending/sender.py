"""Makes attempts: each destination has a lane of its own, with its gate and its channel, and every attempt gets one result.

Runs on one event loop. Nothing here waits for a destination but the attempts themselves: what a lane cannot take at once, and
what would be too much in all lanes together, is answered `postponed`. A destination that control does not know is waited for, for
a moment, since an attempt may come before the news of its destination; then its attempts fail. A destination that was edited gets
a new lane.
"""

import asyncio
import time
from collections.abc import Callable, Sequence

import msgspec
import structlog

from runtime import metrics
from runtime.environment.settings import DeliverSettings
from schemas.actions.action_work import Result
from schemas.actions.destinations import Destination, destination_key
from schemas.control import ControlState
from sinks.sending.circuit import Rules
from sinks.sending.sender_channel import Channel
from sinks.sending.sender_gate import BUSY, Ending, Gate, Later, Limits, Permit
from sinks.sending.sender_offsets import Window
from sinks.sending.sender_outcomes import Answer, final, postponed
from sinks.sending.sender_reader import Arrival

log = structlog.get_logger()

SWEEP_S = 0.25
UNKNOWN_MS = 60_000  # so long a destination that control does not know may still come
UNKNOWN_AGAIN_MS = 5_000


class Lane:
    """A destination as it was defined when the lane was made. `name`: of workspace and destination, for metrics."""

    def __init__(self, destination: Destination, channel: Channel, gate: Gate[Arrival]) -> None:
        self.destination = destination
        self.channel = channel
        self.gate = gate
        self.name = f"{destination.workspace}/{destination.destination}"
        self.is_retired = False


class Tools(msgspec.Struct, frozen=True):
    """What a sender gets of its process. `chance`: of [0, 1). `fail`: with what nobody expected."""

    state: Callable[[], ControlState]
    channel: Callable[[Destination], Channel]
    answer: Callable[[Arrival, Result], None]
    now_ms: Callable[[], int]
    chance: Callable[[], float]
    fail: Callable[[BaseException], None]


class Sender:
    """Everything in one event loop; `sweep` is called every SWEEP_S."""

    def __init__(self, settings: DeliverSettings, tools: Tools) -> None:
        self._settings = settings
        self._tools = tools
        self._lanes: dict[str, Lane] = {}
        self._flying: dict[asyncio.Task[None], Arrival] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._held = self._held_bytes = 0
        self._unknown_since_ms: dict[str, int] = {}

    async def arrived(self, arrivals: Sequence[Arrival]) -> None:
        for arrival in arrivals:
            self._take(arrival)

    async def revoked(self, windows: Sequence[Window], timeout_s: float) -> None:
        gone = {id(window) for window in windows}
        for lane in self._lanes.values():
            self._let_go(lane.gate.taken_out(lambda arrival: id(arrival.window) in gone))
        flying = [task for task, arrival in self._flying.items() if id(arrival.window) in gone]
        if flying and timeout_s:
            await asyncio.wait(flying, timeout=timeout_s)

    async def stop(self, timeout_s: float) -> None:
        """What waits is dropped, what is on its way may end in time; the rest is cut off, and made again."""
        for lane in self._lanes.values():
            self._let_go(lane.gate.taken_out(lambda _: True))
        if self._flying:
            await asyncio.wait(self._flying, timeout=timeout_s)
        for task in list(self._flying):
            task.cancel()
        if self._flying:
            await asyncio.wait(self._flying)
        for lane in list(self._lanes.values()):
            self._retire(lane)
        if self._closing:
            await asyncio.wait(self._closing, timeout=timeout_s)

    def sweep(self) -> None:
        """Send away what has waited too long, begin what a rate lets pass now, and see to what control says."""
        destinations = self._tools.state().destinations
        for key, lane in list(self._lanes.items()):
            if destinations.get(key) is not lane.destination:
                waiting = lane.gate.taken_out(lambda _: True)
                self._let_go(waiting)
                self._retire(lane)
                for arrival in waiting:
                    self._take(arrival)
                continue
            for arrival, later in lane.gate.evicted(_mono_ms()):
                self._let_go([arrival])
                self._postpone(arrival, later)
            self._begin_waiting(lane)
            metrics.DELIVER_WAITING.labels(lane.name).set(lane.gate.waiting)
            metrics.DELIVER_IN_FLIGHT.labels(lane.name).set(lane.gate.in_flight)

    def _take(self, arrival: Arrival) -> None:
        due = arrival.due
        if self._is_too_late(arrival):
            return
        key = destination_key(due.workspace, due.destination)
        destination = self._tools.state().destinations.get(key)
        if destination is None:
            self._unknown(key, arrival)
            return
        if not _is_for(destination, due.kind):
            self._answer(arrival, final(f"the destination takes no action of kind {due.kind}"), 0)
            return
        self._offer(self._lane(key, destination), arrival)

    def _offer(self, lane: Lane, arrival: Arrival) -> None:
        settings, size = self._settings, len(arrival.due.request)
        if len(self._flying) >= settings.in_flight_max:
            self._postpone(arrival, lane.gate.later(_mono_ms(), BUSY))
            return
        is_full = self._held >= settings.held_max or self._held_bytes + size > settings.held_bytes_max
        verdict = lane.gate.offer(arrival, _mono_ms(), may_wait=not is_full)
        if isinstance(verdict, Permit):
            self._begin(lane, arrival, verdict)
        elif isinstance(verdict, Later):
            self._postpone(arrival, verdict)
        else:
            self._held += 1
            self._held_bytes += size

    def _begin_waiting(self, lane: Lane) -> None:
        while len(self._flying) < self._settings.in_flight_max and (found := lane.gate.next_one(_mono_ms())):
            arrival, permit = found
            self._let_go([arrival])
            self._begin(lane, arrival, permit)

    def _begin(self, lane: Lane, arrival: Arrival, permit: Permit) -> None:
        task = asyncio.get_running_loop().create_task(self._attempt(lane, arrival, permit))
        self._flying[task] = arrival
        task.add_done_callback(self._landed)

    def _landed(self, task: asyncio.Task[None]) -> None:
        del self._flying[task]
        if not task.cancelled() and (error := task.exception()) is not None:
            self._tools.fail(error)

    async def _attempt(self, lane: Lane, arrival: Arrival, permit: Permit) -> None:
        began_ms, started_at = _mono_ms(), self._tools.now_ms()
        answer: Answer | None = None
        try:
            if not self._is_too_late(arrival):
                answer = await lane.channel.send(arrival.due, started_at)
        finally:
            took_ms = _mono_ms() - began_ms
            self._settle(lane, permit, answer, took_ms)
        if answer is not None:
            self._answer(arrival, answer, took_ms, started_at)
            metrics.DELIVER_SECONDS.labels(arrival.due.kind).observe(took_ms / 1000)
        if lane.is_retired:
            self._close_if_idle(lane)
        else:
            self._begin_waiting(lane)

    def _settle(self, lane: Lane, permit: Permit, answer: Answer | None, took_ms: int) -> None:
        before = lane.gate.circuit.phase
        ending = Ending(
            health=answer.health if answer else "unknown",
            took_ms=took_ms,
            wish_ms=answer.retry_after_ms if answer else 0,
        )
        lane.gate.ended(permit, ending, _mono_ms(), self._tools.chance())
        after = lane.gate.circuit.phase
        if after != before:
            metrics.DELIVER_CIRCUITS_OPEN.labels(lane.name).set(float(after != "closed"))
            log.warning(
                "a destination's circuit has changed", destination=lane.name, before=before, after=after
            )

    def _is_too_late(self, arrival: Arrival) -> bool:
        """Whether its time is over; it has its result then."""
        if not arrival.due.not_after or self._tools.now_ms() <= arrival.due.not_after:
            return False
        self._answer(arrival, final("not sent: its time was over"), 0)
        return True

    def _unknown(self, key: str, arrival: Arrival) -> None:
        since_ms = self._unknown_since_ms.setdefault(key, _mono_ms())
        if _mono_ms() - since_ms < UNKNOWN_MS:
            self._postpone(arrival, Later(UNKNOWN_AGAIN_MS, "not tried: no such destination is known yet"))
        else:
            self._answer(arrival, final("there is no such destination"), 0)

    def _lane(self, key: str, destination: Destination) -> Lane:
        lane = self._lanes.get(key)
        if lane is not None and lane.destination is destination:
            return lane
        if lane is not None:
            self.sweep()  # the old one is retired, and what waited for it comes here first
            if key in self._lanes:
                return self._lanes[key]
        self._unknown_since_ms.pop(key, None)
        gate: Gate[Arrival] = Gate(_limits(destination, self._settings), _rules(self._settings))
        made = self._lanes[key] = Lane(destination, self._tools.channel(destination), gate)
        return made

    def _retire(self, lane: Lane) -> None:
        self._lanes.pop(lane.destination.key, None)
        lane.is_retired = True
        for gauge in (metrics.DELIVER_WAITING, metrics.DELIVER_IN_FLIGHT, metrics.DELIVER_CIRCUITS_OPEN):
            gauge.labels(lane.name).set(0)
        self._close_if_idle(lane)

    def _close_if_idle(self, lane: Lane) -> None:
        if not lane.gate.in_flight:
            closing = asyncio.get_running_loop().create_task(lane.channel.close())
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _let_go(self, arrivals: Sequence[Arrival]) -> None:
        """They wait no longer."""
        self._held -= len(arrivals)
        self._held_bytes -= sum(len(arrival.due.request) for arrival in arrivals)

    def _postpone(self, arrival: Arrival, later: Later) -> None:
        self._answer(arrival, postponed(later.error, later.ms), 0)

    def _answer(self, arrival: Arrival, answer: Answer, took_ms: int, started_at: int = 0) -> None:
        due = arrival.due
        metrics.DELIVER_ATTEMPTS.labels(due.kind, answer.outcome).inc()
        result = Result(
            id=due.id,
            attempt=due.attempt,
            outcome=answer.outcome,
            status=answer.status,
            error=answer.error,
            answer=answer.text,
            started_at=started_at or self._tools.now_ms(),
            took_ms=took_ms,
            retry_after_ms=answer.retry_after_ms,
        )
        self._tools.answer(arrival, result)


def _is_for(destination: Destination, kind: str) -> bool:
    target = {
        "webhook": destination.http,
        "http": destination.http,
        "email": destination.smtp,
        "kafka": destination.kafka,
    }
    return target.get(kind) is not None


def _limits(destination: Destination, settings: DeliverSettings) -> Limits:
    return Limits(
        # Half of what all may have: whatever one destination asks for, there is room for others.
        concurrency_max=min(destination.concurrency_max, max(1, settings.in_flight_max // 2)),
        requests_per_s_max=destination.requests_per_s_max,
        queue_max=settings.queue_max,
        queue_ms_max=int(settings.queue_s_max * 1000),
    )


def _rules(settings: DeliverSettings) -> Rules:
    return Rules(
        failures_max=settings.circuit_failures_max,
        share_max=settings.circuit_share_max,
        pause_ms_min=int(settings.circuit_pause_s_min * 1000),
        pause_ms_max=int(settings.circuit_pause_s_max * 1000),
    )


def _mono_ms() -> int:
    return int(time.monotonic() * 1000)
