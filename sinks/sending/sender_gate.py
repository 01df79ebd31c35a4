"""What one destination may have at once: attempts on their way, a rate, a queue, a circuit. Pure: time and chance are arguments.

What does not fit is not held: it is told when to come again, at once, so that one destination that is dead or slow holds up
nothing but itself. Those that are sent away are spread over the time that comes by what the destination can take, so that they
do not come back all together. Deliberately absent: sending, and what is shared between destinations.
"""

from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

import msgspec

from sinks.sending import circuit
from sinks.sending.circuit import Circuit, Rules
from sinks.sending.sender_outcomes import Health

BURST_MS = 1_000  # of a rate: so much of it may be used at once
COME_AGAIN_MS_MIN = 1_000
COME_AGAIN_MS_MAX = 300_000
SMOOTHING = 0.1  # of the newest in the mean time of an attempt
LEFT_ALONE = "not tried: the destination has failed too often, or asked to be left alone for a while"
BUSY = "not tried: the destination is busy"

T = TypeVar("T")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    concurrency_max: int
    requests_per_s_max: float | None
    queue_max: int
    queue_ms_max: int


class Permit(msgspec.Struct, frozen=True):
    """One attempt on its way."""

    era: int


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What an attempt said about its destination. `wish_ms`: how long that wants to be left alone."""

    health: Health
    took_ms: int
    wish_ms: int = 0


class Later(msgspec.Struct, frozen=True):
    """Not now: to come again after `ms`."""

    ms: int
    error: str


class Waiting(msgspec.Struct, Generic[T], frozen=True):
    item: T
    since_ms: int


class Gate(Generic[T]):
    """`offer` first; what waits comes out of `next_one`, or is sent away by `evicted`. Each permit ends with `ended`."""

    def __init__(self, limits: Limits, rules: Rules) -> None:
        self._limits = limits
        self._rules = rules
        self.circuit = Circuit()
        self.in_flight = 0
        self._waiting: deque[Waiting[T]] = deque()
        self._allowed_at_ms = 0.0  # of the rate: the time that is used up
        self._took_ms = 0.0  # an attempt's mean
        self._slot_ms = 0.0  # the time at which the last one that was sent away will find its turn

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def offer(self, item: T, now_ms: int, *, may_wait: bool = True) -> Permit | Later | None:
        """Begin it, send it away, or None: it waits."""
        if not self._waiting and (permit := self._permit(now_ms)) is not None:
            return permit
        if pause := circuit.wait_ms(self.circuit, now_ms):
            return self.later(now_ms, LEFT_ALONE, pause)
        expected_ms = (len(self._waiting) + 1) * self._each_ms
        is_full = len(self._waiting) >= self._limits.queue_max or expected_ms > self._limits.queue_ms_max
        if is_full or not may_wait:
            return self.later(now_ms, BUSY)
        self._waiting.append(Waiting(item, now_ms))
        return None

    def next_one(self, now_ms: int) -> tuple[T, Permit] | None:
        """What waits longest, if it may begin now."""
        if not self._waiting or (permit := self._permit(now_ms)) is None:
            return None
        return self._waiting.popleft().item, permit

    def evicted(self, now_ms: int) -> list[tuple[T, Later]]:
        """What has waited too long, or all of it when the circuit has opened."""
        pause = circuit.wait_ms(self.circuit, now_ms)
        error = LEFT_ALONE if pause else BUSY
        found = []
        while self._waiting and (pause or now_ms - self._waiting[0].since_ms > self._limits.queue_ms_max):
            found.append((self._waiting.popleft().item, self.later(now_ms, error, pause)))
        return found

    def taken_out(self, is_wanted: Callable[[T], bool]) -> list[T]:
        """What waits and is wanted elsewhere."""
        found = [each.item for each in self._waiting if is_wanted(each.item)]
        self._waiting = deque(each for each in self._waiting if not is_wanted(each.item))
        return found

    def ended(self, permit: Permit, ending: Ending, now_ms: int, chance: float) -> None:
        """`chance`: of [0, 1)."""
        self.in_flight -= 1
        self._took_ms += (ending.took_ms - self._took_ms) * (SMOOTHING if self._took_ms else 1)
        before, rules = self.circuit, self._rules
        if ending.health == "well":
            self.circuit = circuit.succeeded(before, rules, permit.era)
        elif ending.health == "ill":
            self.circuit = circuit.failed(before, rules, permit.era, now_ms, chance)
        elif ending.health == "busy":
            self.circuit = circuit.paused(before, rules, permit.era, now_ms, ending.wish_ms)
        else:
            self.circuit = circuit.unsettled(before, permit.era)

    def later(self, now_ms: int, error: str, pause_ms: int = 0) -> Later:
        """The next turn that nobody has been told yet."""
        first = now_ms + max(pause_ms, COME_AGAIN_MS_MIN)
        last = max(first, now_ms + COME_AGAIN_MS_MAX)
        self._slot_ms = min(max(self._slot_ms + self._each_ms, first), last)
        return Later(int(self._slot_ms) - now_ms, error)

    @property
    def _each_ms(self) -> float:
        """How long one more keeps the destination, all that it does at once considered."""
        rate = self._limits.requests_per_s_max
        return max(self._took_ms / self._limits.concurrency_max, 1000 / rate if rate else 0.0)

    def _permit(self, now_ms: int) -> Permit | None:
        if self.in_flight >= self._limits.concurrency_max or not self._is_in_rate(now_ms):
            return None
        self.circuit, is_admitted = circuit.admitted(self.circuit, self._rules, now_ms)
        if not is_admitted:
            return None
        self.in_flight += 1
        if self._limits.requests_per_s_max:
            self._allowed_at_ms = max(self._allowed_at_ms, now_ms) + 1000 / self._limits.requests_per_s_max
        return Permit(self.circuit.era)

    def _is_in_rate(self, now_ms: int) -> bool:
        """A virtual clock that runs ahead by what each attempt takes of the rate, and may run ahead by BURST_MS."""
        rate = self._limits.requests_per_s_max
        if rate is None:
            return True
        each_ms = 1000 / rate
        return max(self._allowed_at_ms, now_ms) + each_ms <= now_ms + max(BURST_MS, each_ms)
