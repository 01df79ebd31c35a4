"""Whom the passing of time can have moved between two instants: whatever lies where the edge of a window went along.

Each window of a leaf is a pair of moments that follow T. Between T0 and T1 an edge goes from one moment to another; an event, or
a date in a trait, that lies between them (the first included) is on another side of it than before. So few profiles are to be
looked at again. What is found is too much rather than too little: filters of events are not asked. That T itself went along,
which all leaves share, is up to refresh_sql.py. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from console.refreshing.refresh_sql import T, profile
from schemas.segments.segment_paths import inner
from schemas.segments.segment_sql import Parameters, Query
from schemas.segments.segment_tree import Inlined, Leaf, leaves
from schemas.segments.segment_windows import FIRST_MS, Bounds, bounds, dates, month_days
from schemas.segments.segment_words import used
from schemas.segments.segments import Selection, Trait, Window, duration_ms

RELATIVE = ("within", "anniversary")  # operators whose answer depends on T


class EventEdge(msgspec.Struct, frozen=True):
    """Events of these names (none: of any) in [since, until). They pass the edge `shift_ms` later; None: nobody says when."""

    since: int
    until: int
    shift_ms: int | None
    names: tuple[str, ...] = ()


class DateEdge(msgspec.Struct, frozen=True):
    """Values of a trait that hold a date within one of the ranges, or on one of the days (MM-DD)."""

    name: str
    zone: str
    ranges: tuple[tuple[int, int], ...]
    days: tuple[str, ...]
    of_groups: bool = False


def edges_of(leaf: Leaf, since_ms: int, at_ms: int) -> Iterator[EventEdge | DateEdge]:
    """What changes its side between the two instants."""
    condition = leaf.condition
    if condition.trait is not None:
        yield from _of_trait(condition.trait, leaf.zone, since_ms, at_ms)
    elif condition.group is not None:
        for trait in condition.group.where:
            for edge in _of_trait(trait, leaf.zone, since_ms, at_ms):
                yield msgspec.structs.replace(edge, of_groups=True)
    elif condition.profile is not None:
        for window in (condition.profile.first_seen, condition.profile.last_seen):
            yield from _of_window(window, leaf.zone, (since_ms, at_ms), ())
    else:
        yield from _of_events(leaf, since_ms, at_ms)


def _of_events(leaf: Leaf, since_ms: int, at_ms: int) -> Iterator[EventEdge]:
    condition, span = leaf.condition, (since_ms, at_ms)
    if condition.sequence is not None:
        names = _names([*condition.sequence.steps])
        yield from _of_window(condition.sequence.window, leaf.zone, span, names)
    elif condition.absent is not None:
        names = _names([condition.absent.did])
        yield from _of_window(condition.absent.window, leaf.zone, span, names)
        within = duration_ms(condition.absent.within)
        yield EventEdge(since_ms - within, at_ms - within, within, names)
    elif (one := condition.did or condition.first or condition.last) is not None:
        names = _names([one])
        yield from _of_window(one.window, leaf.zone, span, names)
    else:
        return
    if _is_relative(msgspec.to_builtins(condition)):
        yield EventEdge(FIRST_MS, at_ms, None, names)


def _of_window(
    window: Window | None, zone: str, span: tuple[int, int], names: tuple[str, ...]
) -> Iterator[EventEdge]:
    before, now = (bounds(window, at_ms, zone) for at_ms in span)
    is_calendar = window is not None and window.calendar is not None
    for start, end in _moved(before, now):
        yield EventEdge(start, end, None if is_calendar else span[1] - end, names)


def _moved(before: Bounds, now: Bounds) -> Iterator[tuple[int, int]]:
    for start, end in ((before.since, now.since), (before.until, now.until)):
        if start is not None and end is not None and start != end:
            yield min(start, end), max(start, end)


def _of_trait(trait: Trait, zone: str, since_ms: int, at_ms: int) -> Iterator[DateEdge]:
    if trait.op == "within":
        window = msgspec.convert(trait.value, Window)
        ranges = tuple(_moved(dates(window, since_ms, zone), dates(window, at_ms, zone)))
        if ranges:
            yield DateEdge(trait.name, zone, ranges, ())
    elif trait.op == "anniversary":
        ahead = duration_ms(trait.value)
        before, now = (set(month_days(moment, ahead, zone)) for moment in (since_ms, at_ms))
        if before != now:
            yield DateEdge(trait.name, zone, (), tuple(sorted(before ^ now)))


def _names(selections: Sequence[Selection]) -> tuple[str, ...]:
    found: set[str] = set()
    for each in selections:
        found |= {each.event} if isinstance(each.event, str) else set(each.event)
    return () if "*" in found else tuple(sorted(found))


def _is_relative(written: Any) -> bool:
    if isinstance(written, list):
        return any(_is_relative(each) for each in written)
    if not isinstance(written, dict):
        return False
    return written.get("op") in RELATIVE or any(_is_relative(each) for each in written.values())


def edge_queries(
    wanted: Sequence[Inlined], database: str, workspace: str, span: tuple[int, int]
) -> list[Query]:
    """Rows (profile, effective, segment): one query for each range, whichever segments share it."""
    shared: dict[Any, dict[str, set[str] | None]] = {}
    dated: dict[DateEdge, list[str]] = {}
    for each in wanted:
        for leaf in leaves(each):
            for edge in edges_of(leaf, *span):
                if isinstance(edge, DateEdge):
                    dated.setdefault(edge, []).append(each.segment.segment)
                else:
                    _share(shared, edge, each.segment.segment)
    return [
        *(_event_query(key, found, database, workspace) for key, found in shared.items()),
        *(_date_query(edge, segments, database, workspace) for edge, segments in dated.items()),
    ]


def _share(shared: dict[Any, dict[str, set[str] | None]], edge: EventEdge, segment: str) -> None:
    found = shared.setdefault((edge.since, edge.until, edge.shift_ms), {})
    known = found.get(segment, set())
    found[segment] = None if not edge.names or known is None else known | set(edge.names)


def _event_query(
    key: tuple[int, int, int | None], found: dict[str, set[str] | None], database: str, workspace: str
) -> Query:
    """Page and screen calls have their names in `name`."""
    since, until, shift = key
    given = Parameters()
    segments = given.place("edge_segments", "Array(String)", list(found))
    lists: Any = [sorted(each or ()) for each in found.values()]
    names = given.place("edge_names", "Array(Array(String))", lists)
    tests = [
        f"workspace = {given.place('workspace', 'String', workspace)}",
        f"timestamp >= fromUnixTimestamp64Milli({given.place('edge_since', 'Int64', since)}, 'UTC')",
        f"timestamp < fromUnixTimestamp64Milli({given.place('edge_until', 'Int64', until)}, 'UTC')",
    ]
    if None not in found.values():
        every = sorted({name for each in found.values() for name in each or ()})
        tests.append(f"event IN {given.place('edge_events', 'Array(String)', [*every, ''])}")
    effective = (
        T if shift is None else f"addMilliseconds(timestamp, {given.place('edge_shift', 'Int64', shift)})"
    )
    told = f"arrayFilter((segment, names) -> empty(names) OR has(names, if(event = '', name, event)), {segments}, {names})"
    sql = (
        f"SELECT {profile(database)} AS profile, {effective} AS effective, arrayJoin({told}) AS segment "
        f"FROM events WHERE {' AND '.join(tests)}"
    )
    return Query(
        f"SELECT profile, segment, max(effective) AS effective FROM ({sql}) GROUP BY profile, segment",
        given.values,
    )


def _date_query(edge: DateEdge, segments: list[str], database: str, workspace: str) -> Query:
    given = Parameters()
    name, *keys = edge.name.split(".")
    zone = given.place("edge_zone", "String", edge.zone)
    value = inner("value", keys)
    tests = [
        f"arrayExists(date -> date >= {given.place('edge_from', 'Int64', start)} "
        f"AND date < {given.place('edge_to', 'Int64', end)}, dates_of({value}, {zone}))"
        for start, end in edge.ranges
    ]
    if edge.days:
        days = given.place("edge_days", "Array(String)", list(edge.days))
        tests.append(f"hasAny(month_days_of({value}, {zone}), {days})")
    here = f"workspace = {given.place('workspace', 'String', workspace)}"
    rows = f"{here} AND name = {given.place('edge_trait', 'String', name)} AND ({' OR '.join(tests)})"
    source = f"traits WHERE {rows}"
    if edge.of_groups:
        source = f"group_traits WHERE {here} AND group_id IN (SELECT group_id FROM group_traits WHERE {rows})"
    told = given.place("edge_segments", "Array(String)", segments)
    sql = f"SELECT DISTINCT {profile(database)} AS profile, {T} AS effective, arrayJoin({told}) AS segment FROM {source}"
    words = used(sql, f"{database}.")
    start = f"WITH {', '.join(words)} " if words else ""
    return Query(f"{start}{sql}", given.values)
