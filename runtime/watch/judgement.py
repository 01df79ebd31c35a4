"""What a watchdog thinks of its process: what stands still, for how long, and when that is too long. Pure.

Rules:
- `concerns` says what ought to move now. A chunk that is processed and a state that is opened must give signs of life (a chunk
  done, records recovered, an attempt repeated); a partition where records wait must be read; the group must come to rest.
- Nothing is expected of a partition that is held (its dependency is away, and it tries again), rebalanced or stopped. And
  whatever only Kafka could move is judged only while Kafka answers the watchdog's own questions: an outage is no hang.
- Time counts as looked at: from one look to the next at most one interval. A process that was stopped for an hour has not been
  seen standing still for an hour.

Deliberately absent: clocks, threads, Kafka; see watchdog.py and survey.py.
"""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

import msgspec

SUSPICION = 0.9  # of a limit: liveness probes fail, and stacks are logged, before the process ends


class Phase(StrEnum):
    """Where one partition is on its way through a process."""

    REBALANCING = "rebalancing"  # the group has not said whose it is
    OPENING = "opening"  # its state is taken over and recovered
    RUNNING = "running"
    HELD = "held"  # what it depends on is away; it waits, and tries again
    STOPPING = "stopping"


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """One partition of one reader (an agent, a sink) as it looks now.

    `position`: the next offset to process, None while unknown. `beats` grows with each sign of life. `oldest_ms`: Kafka's
    timestamp of the oldest record in hand, None when there is none. `changelog`: the topic of its state, "" without one.
    """

    reader: str
    topic: str
    partition: int
    phase: Phase
    position: int | None
    beats: int
    is_busy: bool = False
    oldest_ms: int | None = None
    changelog: str = ""

    @property
    def place(self) -> str:
        return f"{self.reader}, {self.topic}[{self.partition}]"


class Pulse(msgspec.Struct, frozen=True):
    """A thread or an event loop that must give a sign of life within `limit_s`; any change of `beats` is one.

    `asks_kafka`: it waits for Kafka's answers itself, without a limit of its own.
    """

    name: str
    beats: int
    limit_s: float
    asks_kafka: bool = False


class Survey(msgspec.Struct, frozen=True):
    """What Kafka says: whether it answers, and where a record waits at a position, by (reader, partition)."""

    answers: bool = False
    waiting: Mapping[tuple[str, int], int] = {}


class Look(msgspec.Struct, frozen=True):
    """All of a process at one moment. `unsettled`: why its group is not at rest, "" when it is."""

    sights: Sequence[Sight] = ()
    pulses: Sequence[Pulse] = ()
    unsettled: str = ""


class Limits(msgspec.Struct, frozen=True):
    """How long each may stand still."""

    stall_s: float
    recovery_stall_s: float
    rebalance_s: float


class Concern(msgspec.Struct, frozen=True):
    """Something that ought to change: it stands still as long as `marker` does. `kind` says what is wrong then."""

    subject: str
    kind: str
    marker: tuple[int | bool | str | None, ...]
    limit_s: float


class Verdict(msgspec.Struct, frozen=True):
    """What stands still. `is_final`: for longer than its limit."""

    subject: str
    kind: str
    stood_s: float
    limit_s: float

    @property
    def is_final(self) -> bool:
        return self.stood_s >= self.limit_s

    @property
    def sentence(self) -> str:
        return f"{self.subject}: {self.kind}, for {self.stood_s:.0f} s; the limit is {self.limit_s:.0f} s"


def concerns(look: Look, survey: Survey, limits: Limits) -> Iterator[Concern]:
    """What ought to move at this moment."""
    for pulse in look.pulses:
        if survey.answers or not pulse.asks_kafka:
            yield Concern(pulse.name, "no sign of life", (pulse.beats,), pulse.limit_s)
    if look.unsettled and survey.answers:
        yield Concern("consumer group", look.unsettled, (), limits.rebalance_s)
    for sight in look.sights:
        if (concern := _concern(sight, survey, limits)) is not None:
            yield concern


def _concern(sight: Sight, survey: Survey, limits: Limits) -> Concern | None:
    marker = (sight.phase.value, sight.is_busy, sight.position, sight.beats)
    if sight.phase is Phase.OPENING:
        return Concern(sight.place, "no sign of life from opening its state", marker, limits.recovery_stall_s)
    if sight.phase is not Phase.RUNNING:
        return None
    if sight.is_busy:
        return Concern(sight.place, "no sign of life from its chunk", marker, limits.stall_s)
    if sight.position is not None and sight.oldest_ms is None and survey.answers:
        where = survey.waiting.get((sight.reader, sight.partition))
        if where == sight.position:
            return Concern(sight.place, "nothing is read although records wait", marker, limits.stall_s)
    return None


class Watch:
    """Adds up how long each concern has stood still. `interval_s`: what one look counts for at most."""

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._last: float | None = None
        self._standing: dict[str, tuple[Concern, float]] = {}

    def observe(self, now: float, looked_at: Sequence[Concern]) -> Verdict | None:
        """The concern that is nearest to its limit, or farthest beyond, once it is suspicious."""
        elapsed = 0.0 if self._last is None else min(max(0.0, now - self._last), self._interval_s)
        self._last = now
        self._standing = {concern.subject: (concern, self._stood(concern, elapsed)) for concern in looked_at}
        verdicts = [
            Verdict(concern.subject, concern.kind, stood, concern.limit_s)
            for concern, stood in self._standing.values()
            if stood >= SUSPICION * concern.limit_s
        ]
        return max(verdicts, key=lambda verdict: verdict.stood_s / verdict.limit_s, default=None)

    def _stood(self, concern: Concern, elapsed: float) -> float:
        before, stood = self._standing.get(concern.subject, (None, 0.0))
        return stood + elapsed if before is not None and before.marker == concern.marker else 0.0
