"""What is waited for: `after` was done, and for as long as `within` nothing of `of` may come. Pure functions of one wait.

Of one person and rule the newest start counts, by the events' own times; an older one that comes late changes nothing. A wait
ends early by what the same person did after its start; what others did who turn out to be the same, and what came before its
start was known, finds the stage behind the candidates, which asks ClickHouse.
"""

import msgspec

from processors.rules.rules_now import Name
from schemas.rules.rule_facts import Occurrence

HOUR_MS = 3_600_000
KEPT_MS_MAX = 7 * 24 * HOUR_MS


class Wait(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`started`, `occurrence` and what follows: of the event that it began with. `ended_at`: the newest of what may end it.
    `timed_at`: when it comes up next, by the list of timers that it stands in; 0: in none."""

    name: Name
    person: int
    subject: int
    within: int
    started: int
    occurrence: str
    seen_at: int
    message_id: str
    hops: int
    event: bytes
    ended_at: int = 0
    has_fired: bool = False
    timed_at: int = 0

    @property
    def due_at(self) -> int:
        return self.started + self.within

    @property
    def is_waiting(self) -> bool:
        return not self.has_fired and self.ended_at <= self.started

    @property
    def comes_up_at(self) -> int:
        """It is kept for a while after its time, so that what comes late is known to be late."""
        kept = min(max(self.within, HOUR_MS), KEPT_MS_MAX)
        return self.due_at if self.is_waiting else self.due_at + kept


def is_over(wait: Wait, now: int) -> bool:
    """Whether it was waited for to the end, and nothing came."""
    return wait.is_waiting and wait.due_at <= now


def started(before: Wait | None, name: Name, within: int, by: Occurrence) -> Wait:
    """The same object when that changes nothing."""
    if before is not None and before.name == name:
        if (by.time, by.id) <= (before.started, before.occurrence):
            return before
        ended_at, timed_at = before.ended_at, before.timed_at
    else:  # what was waited for under an earlier version is dropped
        ended_at, timed_at = 0, before.timed_at if before else 0
    return Wait(
        name=name,
        person=by.person,
        subject=by.subject,
        within=within,
        started=by.time,
        occurrence=by.id,
        seen_at=by.seen_at,
        message_id=by.message_id,
        hops=by.hops,
        event=by.event,
        ended_at=ended_at,
        timed_at=timed_at,
    )


def ended(wait: Wait, time: int) -> Wait:
    """By something of that time. What came after its time is none of its business; what came with its start neither."""
    if time <= wait.ended_at or not wait.started < time <= wait.due_at:
        return wait
    return msgspec.structs.replace(wait, ended_at=time)
