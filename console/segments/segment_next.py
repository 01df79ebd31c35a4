"""When the answer for one profile may change if nothing happens: the moments at which an edge of a window passes what was done.

Each end of a window follows T and never goes back, so the first T at which it is past a moment is found by halving. What is
found are candidates; whoever asks works the segment out at each, in order. Dates in traits of groups are left out. Pure.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from console.segments.segment_compiler import worded
from console.segments.segment_events import LeafRows
from console.segments.segment_identity import identity_of
from console.segments.segment_scope import Asked, Scope, where
from schemas.segments.segment_filters import Rows
from schemas.segments.segment_paths import inner
from schemas.segments.segment_sql import Query
from schemas.segments.segment_tree import Inlined, Leaf, leaves
from schemas.segments.segment_windows import (
    DAY_MS,
    Bounds,
    bounds,
    local_date,
    month_days,
    start_of_day,
    unit_start,
)
from schemas.segments.segments import Selection, Trait, Window, duration_ms

HORIZON_MS = 3_660 * DAY_MS  # no calendar window is longer in days
ANNIVERSARY_DAYS_MAX = 400
TIMES_MAX = 500  # of one leaf: the latest events


def times_query(wanted: Inlined, at_ms: int, scope: Scope) -> Query:
    """One row: of each leaf, in their order, the times of what it looks at, the future's too."""
    asked = Asked(at_ms, scope)
    columns = [_times(leaf, asked) for leaf in leaves(wanted)]
    identity = identity_of(asked)
    tests = [f"workspace = {asked.workspace}", *asked.kept(profile=identity.profile())]
    listed = ",\n        ".join(columns)
    sql = f"SELECT\n    [\n        {listed}\n    ] AS times\nFROM {identity.rows('events')}\n{where(tests)}\n"
    return Query(worded(sql, asked, identity.tables()), asked.parameters.values)


def dates_query(leaf: Leaf, at_ms: int, scope: Scope) -> Query | None:
    """One row: the dates in the trait that a leaf is about, if its answer depends on the time."""
    trait = leaf.condition.trait
    if trait is None or trait.op not in ("within", "anniversary"):
        return None
    asked = Asked(at_ms, scope)
    identity = identity_of(asked)
    name, *keys = trait.name.split(".")
    tests = [
        f"name = {asked.parameters.place('trait', 'String', name)}",
        *asked.visible(),
        *asked.kept(profile=identity.profile()),
    ]
    zone = asked.parameters.place("zone", "String", leaf.zone)
    latest = "argMax(value, (timestamp, message_id, value))"
    sql = f"SELECT dates_of({inner(latest, keys)}, {zone}) AS dates\nFROM {identity.rows('traits')}\n{where(tests)}\n"
    return Query(worded(sql, asked, identity.tables()), asked.parameters.values)


def candidates(leaf: Leaf, moments: Iterable[int], at_ms: int) -> Iterator[int]:
    """Moments after T at which the leaf's answer may be another one; `moments`: of its events, or the dates in its trait."""
    for moment in moments:
        for change in _changes(leaf, moment, at_ms):
            if at_ms < change <= at_ms + HORIZON_MS:
                yield change


def _changes(leaf: Leaf, moment: int, at_ms: int) -> Iterator[int]:
    trait = leaf.condition.trait
    if trait is not None and trait.op == "anniversary":
        yield from _anniversary(trait, moment, at_ms, leaf.zone)
        return
    if trait is not None:
        yield from _edges(msgspec.convert(trait.value, Window), moment, at_ms, leaf.zone)
        return
    yield moment + 1
    if leaf.condition.absent is not None:
        yield moment + duration_ms(leaf.condition.absent.within) + 1
    if (window := _window(leaf)) is not None:
        yield from _edges(window, moment, at_ms, leaf.zone)


def _edges(window: Window, moment: int, at_ms: int, zone: str) -> Iterator[int]:
    def ends(at: int) -> Bounds:
        return bounds(window, at, zone)

    yield _passed(lambda at: _since(ends(at)), moment, at_ms)
    yield _passed(lambda at: _until(ends(at), at), moment, at_ms)


def _passed(end: Callable[[int], int], moment: int, at_ms: int) -> int:
    """The first T after `at_ms` at which an end is past the moment; beyond the horizon where there is none."""
    low, high = at_ms, at_ms + HORIZON_MS + 1
    if end(low) > moment:
        return at_ms
    while low + 1 < high:
        middle = (low + high) // 2
        low, high = (low, middle) if end(middle) > moment else (middle, high)
    return high


def _since(found: Bounds) -> int:
    return 0 if found.since is None else found.since


def _until(found: Bounds, at: int) -> int:
    return at if found.until is None else found.until


def _anniversary(trait: Trait, moment: int, at_ms: int, zone: str) -> Iterator[int]:
    """The first day on which the date's month and day come into the days ahead, or leave them."""
    wanted = local_date(moment, zone).strftime("%m-%d")
    length = duration_ms(trait.value)
    is_in = wanted in month_days(at_ms, length, zone)
    today = local_date(at_ms, zone)
    for ahead in range(1, ANNIVERSARY_DAYS_MAX):
        start = start_of_day(unit_start(today, "day", -ahead), zone)
        if (wanted in month_days(start, length, zone)) != is_in:
            yield start
            return


def _times(leaf: Leaf, asked: Asked) -> str:
    selected = _selections(leaf)
    if not selected and leaf.condition.profile is None:
        return "[]::Array(Int64)"
    rows = LeafRows(Rows(asked.at_ms, leaf.zone, asked.parameters), leaf.bots, are_mixed=True)
    tests = " OR ".join(f"({rows.conditions(each)})" for each in selected) or "1"
    times = f"groupUniqArrayIf(toUnixTimestamp64Milli(timestamp), {tests})"
    return f"arraySlice(arrayReverseSort({times}), 1, {TIMES_MAX})"


def _selections(leaf: Leaf) -> Sequence[Selection]:
    found = leaf.condition
    if found.sequence is not None:
        return [*found.sequence.steps, *([found.sequence.without] if found.sequence.without else [])]
    if found.absent is not None:
        return [found.absent.did, found.absent.then_not]
    one = found.did or found.first or found.last
    return [one] if one is not None else []


def _window(leaf: Leaf) -> Window | None:
    found = leaf.condition
    for each in (found.did, found.first, found.last, found.sequence, found.absent):
        if each is not None:
            return each.window
    profile = found.profile
    return (profile.first_seen or profile.last_seen) if profile is not None else None
