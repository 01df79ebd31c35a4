"""The segments that a person is in: SQL and what is made of its answers. Pure."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.people import Place
from console.question import Question
from console.times import iso

# As view segment_members, of one profile, and grouped here: asked of the view it took more than twice the time.
_CHANGES = """\
SELECT segment, seq, change, reason, effective_at, observed_at, version, run, attempt
FROM segment_changes
PREWHERE profile = {profile:UInt64}
WHERE workspace = {workspace:String}"""

# View segment_void_attempts says which do not count; to work it out here takes two thirds of its time.
_STEPS = "SELECT run, attempt, step FROM segment_runs WHERE run IN {runs:Array(UInt64)}"
SEALED, PUBLISHED = "sealed", "published"


class Change(msgspec.Struct, frozen=True):
    segment: str
    seq: int
    change: str
    reason: str
    effective_at: datetime
    observed_at: datetime
    version: str
    run: int
    attempt: int


class Membership(msgspec.Struct, frozen=True):
    """`entered_at`: the refresh that found them in it, `effective_at`: since when that holds; `reason` of the last change."""

    segment: str
    entered_at: str
    reason: str
    effective_at: str
    observed_at: str
    version: str


def changes_of(place: Place, profile: int) -> Question:
    return place.asking(_CHANGES, keys=1, profile=profile)


def changes(rows: Sequence[Sequence[Any]]) -> list[Change]:
    return [Change(*row) for row in rows]


def runs_of(found: Sequence[Change]) -> set[int]:
    return {change.run for change in found}


def steps_of(place: Place, runs: Collection[int]) -> list[Question]:
    """At most one: the steps of the attempts of these runs."""
    return [place.asking(_STEPS, keys=len(runs), runs=sorted(runs))] if runs else []


def void_in(steps: Sequence[Sequence[Any]]) -> set[tuple[int, int]]:
    """Runs with those of their attempts that do not count: all but the last that was sealed."""
    kept = _kept(steps)
    return {(run, attempt) for run, attempt, _ in steps if attempt != kept.get(run)}


def void_beside(finished: Mapping[int, int], found: Sequence[Change]) -> set[tuple[int, int]]:
    """The same of runs of which it is known which attempt counts."""
    return {
        (change.run, change.attempt)
        for change in found
        if change.attempt != finished.get(change.run, change.attempt)
    }


def finished_in(steps: Sequence[Sequence[Any]]) -> dict[int, int]:
    """Of the runs that are done, the attempt that counts, for ever: none begins once one is published."""
    kept = _kept(steps)
    return {run: attempt for run, attempt, step in steps if step == PUBLISHED and attempt == kept.get(run)}


def _kept(steps: Sequence[Sequence[Any]]) -> dict[int, int]:
    kept: dict[int, int] = {}
    for run, attempt, step in steps:
        if step == SEALED:
            kept[run] = max(attempt, kept.get(run, 0))
    return kept


def memberships(found: Sequence[Change], void: Collection[tuple[int, int]]) -> list[Membership]:
    by_segment = defaultdict[str, list[Change]](list)
    for change in found:
        if (change.run, change.attempt) not in void:
            by_segment[change.segment].append(change)
    return [
        _membership(those, last)
        for _, those in sorted(by_segment.items())
        for last in (max(those, key=lambda change: change.seq),)
        if last.change != "leave"
    ]


def _membership(those: Sequence[Change], last: Change) -> Membership:
    return Membership(
        segment=last.segment,
        entered_at=iso(max(change.observed_at for change in those if change.change == "enter")),
        reason=last.reason,
        effective_at=iso(last.effective_at),
        observed_at=iso(max(change.observed_at for change in those)),
        version=last.version,
    )
