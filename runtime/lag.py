"""How far a reader is behind, when that becomes a loss, and which transactions hang: what Kafka's offsets mean. Pure.

Offsets alone overstate a lag: behind the last record there may be control markers and aborted records, which nobody will ever
process. So where a reader stands still with nothing in hand, one look into the log itself settles it; `Waits` says when it is
due and remembers the answer. It is due too where a reader was late when last known: one that moves on with nothing in hand would
otherwise go on showing what it has long caught up with.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

Key = tuple[str, int]  # reader or topic, partition
LATE_S = 10.0  # a lag that is worth a look each time, until it is gone


class Ends(NamedTuple):
    """Of one partition: the end of the log, and how far readers of committed records get."""

    end: int
    stable: int


class Lag(msgspec.Struct, frozen=True):
    """`records` counts offsets. `seconds`: the age of the oldest unprocessed record, None while it is not known."""

    records: int
    seconds: float | None


NO_LAG = Lag(0, 0.0)


class _Answer(NamedTuple):
    """What the log holds from `position` on: a record of this time, or nothing below `stable`."""

    position: int
    stable: int
    timestamp_ms: int | None


class Waits:
    """Per partition, whether a record waits where the reader stands. Begin each survey with `due`, end it with `keep`."""

    def __init__(self) -> None:
        self._stood: dict[Key, int] = {}
        self._answers: dict[Key, _Answer] = {}
        self._late: set[Key] = set()

    def due(self, key: Key, position: int, ends: Ends) -> bool:
        """Whether to look into the log: the reader stood here at the last survey too, or was late when last known, and nothing
        is known of this place."""
        is_doubtful = self._stood.get(key) == position or key in self._late
        self._stood[key] = position
        return is_doubtful and position < ends.stable and self._known(key, position, ends) is None

    def found(self, key: Key, position: int, ends: Ends, timestamp_ms: int | None) -> None:
        """The first record from `position` on has this time; None: there is none."""
        self._answers[key] = _Answer(position, ends.stable, timestamp_ms)

    def waiting(self) -> dict[Key, int]:
        """Where a record waits, by what is known."""
        return {
            key: answer.position for key, answer in self._answers.items() if answer.timestamp_ms is not None
        }

    def lag(self, key: Key, position: int, ends: Ends, in_hand_ms: int | None, now_ms: int) -> Lag:
        """`in_hand_ms`: the time of the oldest record that the reader has, None when it has none."""
        found = self._lag(key, position, ends, in_hand_ms, now_ms)
        if found.seconds is not None:
            (self._late.add if found.seconds > LATE_S else self._late.discard)(key)
        return found

    def _lag(self, key: Key, position: int, ends: Ends, in_hand_ms: int | None, now_ms: int) -> Lag:
        behind = ends.stable - position
        if behind <= 0:
            return NO_LAG
        if in_hand_ms is not None:
            return Lag(behind, _age_s(in_hand_ms, now_ms))
        answer = self._known(key, position, ends)
        if answer is None:
            return Lag(behind, None)
        if answer.timestamp_ms is None:
            return NO_LAG
        return Lag(behind, _age_s(answer.timestamp_ms, now_ms))

    def keep(self, keys: set[Key]) -> None:
        """Forget all others."""
        self._stood = {key: position for key, position in self._stood.items() if key in keys}
        self._answers = {key: answer for key, answer in self._answers.items() if key in keys}
        self._late &= keys

    def _known(self, key: Key, position: int, ends: Ends) -> _Answer | None:
        """A record that waits keeps waiting; that there is none holds as long as the log ends where it did."""
        answer = self._answers.get(key)
        if answer is None or answer.position != position:
            return None
        return answer if answer.timestamp_ms is not None or answer.stable == ends.stable else None


def _age_s(timestamp_ms: int, now_ms: int) -> float:
    return max(0.0, (now_ms - timestamp_ms) / 1000)


def retention_left_s(lag: Lag, retention_ms: int) -> float | None:
    """How long until the oldest unprocessed record may be deleted; None when it is not known, or never."""
    if retention_ms < 0 or lag.seconds is None:
        return None
    return retention_ms / 1000 - lag.seconds


class Hanging(msgspec.Struct, frozen=True):
    """A transaction that begins at `start` is open for longer than any may be."""

    topic: str
    partition: int
    start: int
    end: int
    seconds: float


class OpenTransactions:
    """Tells transactions that are merely open from those that hang: committed readers stand before them for over `limit_s`."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._since: dict[Key, tuple[int, float]] = {}
        self._told: dict[tuple[Key, int], float] = {}  # when to tell again, by place and start

    def observe(self, now: float, ends: Mapping[Key, Ends]) -> list[Hanging]:
        """All that hang now."""
        since = {}
        for key, place in ends.items():
            if place.stable < place.end:
                start, first = self._since.get(key, (place.stable, now))
                since[key] = (place.stable, first if start == place.stable else now)
        self._since = since
        self._told = {
            told: due for told, due in self._told.items() if since.get(told[0], (None,))[0] == told[1]
        }
        return [
            Hanging(key[0], key[1], start, ends[key].end, now - first)
            for key, (start, first) in since.items()
            if now - first > self._limit_s
        ]

    def is_due(self, now: float, hanging: Hanging) -> bool:
        """Whether to speak of it: at once, then each time that it has become twice as old."""
        key = ((hanging.topic, hanging.partition), hanging.start)
        if now < self._told.get(key, now):
            return False
        self._told[key] = now + hanging.seconds
        return True
