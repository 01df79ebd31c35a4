"""The schedules of one partition: each rule's are kept by the one that its name chooses, which remembers when it last came up.

A schedule begins when it is first seen, in this version and switched on: nothing of the past comes up. After a standstill the
last moment that was missed comes up, within what `expires_after` allows, and not those before it.
"""

from collections.abc import Iterator

import msgspec

from processors.rules.rule_schedules import latest
from processors.rules.rules_now import Known, RulesNow
from schemas.identity.identifiers import partition_of
from schemas.segments.segments import duration_ms
from schemas.stream import State

LAST = b"s"  # one entry: they are as few as rules

_encode = msgspec.msgpack.Encoder(order="sorted").encode
_decode = msgspec.msgpack.Decoder(dict[str, int]).decode


class Spot(msgspec.Struct, frozen=True):
    """Which partition of how many."""

    partition: int
    partitions: int


class Schedules:
    """By key and version of a rule, up to when it has been looked at."""

    def __init__(self, state: State, spot: Spot) -> None:
        self._state = state
        self._spot = spot

    def due(self, rules: RulesNow, now: int) -> Iterator[tuple[Known, int]]:
        """Each rule whose moment has come by `now`, with the moment. Earlier ones than any `now` before have come up already."""
        stored = self._state.get(LAST)
        before = _decode(stored) if stored else {}
        after: dict[str, int] = {}
        for known in rules.schedules:
            if partition_of(known.rule.key.encode(), self._spot.partitions) == self._spot.partition:
                name = f"{known.rule.key} {known.version}"
                since = after[name] = before.get(name, now)
                at = _came_up(known, since, now)
                if at is not None:
                    after[name] = at
                    yield known, at
        if after != before:
            self._state[LAST] = _encode(after)


def _came_up(known: Known, since: int, now: int) -> int | None:
    schedule = known.rule.trigger.schedule
    assert schedule is not None
    since = max(since, now - duration_ms(known.rule.limits.expires_after))
    return latest(schedule.cron, schedule.timezone, since, now) if since < now else None
