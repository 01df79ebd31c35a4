"""Leaves about events in relation to each other: sequences, and what did not follow.

A profile's step events are gathered with which steps they match, put in order (time, lowest step matched, message id), and
walked through once: of chains that have matched k steps the latest start is kept, so each event serves one step of a chain.
An event that breaks a chain (`without`) is no step, though it has
a step's place; without one it comes last among those of its time. Where steps exclude each other
and nothing else is asked, ClickHouse's own funnel says the same in less time.
"""

from collections.abc import Sequence as Sequence_
from itertools import combinations

from console.segments.segment_events import NAME, Column, LeafRows, Read, hint, names_of, texts_at
from schemas.segments.segments import Absent, Selection, Sequence, duration_ms

STEP_EVENTS_MAX = 10_000  # of one person and leaf: the earliest ones; more are a machine's
KEYED_EVENTS_MAX = 1_000  # where `same` is asked: each value is looked for in all of them
MS, LOWEST, MESSAGE, FIRST_STEP = 1, 2, 3, 4


def sequence(found: Sequence, leaf: LeafRows) -> Column:
    named = "_then_".join(hint(step) for step in found.steps[:2])
    reads = tuple(leaf.read(step, found.window) for step in _selections(found))
    is_plain = found.without is None and found.same is None and are_disjoint(found.steps)
    sql = _funnel(found, leaf) if is_plain else _walk(found, leaf)
    rows = _any([leaf.conditions(each, found.window) for each in _selections(found)])
    return Column(named, sql, reads, leaf.bots, rows=rows, value=f"countIf({rows})")


def absent(found: Absent, leaf: LeafRows) -> Column:
    """Some event of the first kind, decided by now, without any of the second in time."""
    within = leaf.parameters.place(f"within_{found.within}_ms", "Int64", duration_ms(found.within))
    at = leaf.parameters.place("at_ms", "Int64", leaf.at_ms)
    ones, others = leaf.conditions(found.did, found.window), leaf.conditions(found.then_not)
    is_decided = f"one.1 + {within} < {at}"
    if found.same is None:
        sql = _unanswered(ones, others, within, is_decided)
    else:
        sql = _unanswered_by_key((ones, others), found, within, is_decided)
    read = leaf.read(found.did, found.window)
    reads = (read, Read(names_of(found.then_not), read.since))
    rows = _any([ones, others])
    named = f"{hint(found.did)}_not_{hint(found.then_not)}"
    return Column(named, sql, reads, leaf.bots, rows=rows, value=f"countIf({rows})")


def _unanswered(ones: str, others: str, within: str, is_decided: str) -> str:
    """Events in order, beside each the nearest one of the second kind after and before it: one look at each. (A loop over two
    lists, one in the other, needs memory for every pair.)"""
    done, then = f"(({ones}) AS {NAME}_done)", f"(({others}) AS {NAME}_then)"
    event = f"(toUnixTimestamp64Milli(timestamp), message_id, {done}, {then})"
    gathered = f"groupUniqArrayIf({event}, {NAME}_done OR {NAME}_then)"
    events = f"(arraySlice(arraySort({gathered}), 1, {STEP_EVENTS_MAX}) AS {NAME}_events)"
    answers = f"arrayMap(event -> if(event.4, event.1, toInt64(-1)), {NAME}_events)"
    after = f"arrayShiftLeft(arrayReverseFill(ms -> ms >= 0, {answers}), 1, toInt64(-1))"
    before = f"arrayShiftRight(arrayFill(ms -> ms >= 0, {answers}), 1, toInt64(-1))"
    is_answered = f"after BETWEEN one.1 AND one.1 + {within} OR before = one.1"
    return f"arrayExists((one, after, before) -> one.3 AND {is_decided} AND NOT ({is_answered}), {events}, {after}, {before})"


def _unanswered_by_key(tests: tuple[str, str], found: Absent, within: str, is_decided: str) -> str:
    """Both kinds of events as (ms, message id, keys); an answer shares a key."""
    done, then = (
        _in_order(
            f"(toUnixTimestamp64Milli(timestamp), message_id, {texts_at(found.same or '', selected)})",
            test,
            KEYED_EVENTS_MAX,
        )
        for selected, test in zip((found.did, found.then_not), tests, strict=True)
    )
    is_other = "(other.1, other.2) != (one.1, one.2)"
    return (
        f"arrayExists(one -> notEmpty(one.3) AND {is_decided} AND NOT arrayExists("
        f"other -> other.1 BETWEEN one.1 AND one.1 + {within} AND {is_other} AND hasAny(one.3, other.3), {then}), {done})"
    )


def are_disjoint(steps: Sequence_[Selection]) -> bool:
    """By their names: no event matches two of them."""
    names = [names_of(step) for step in steps]
    return all(
        one is not None and other is not None and "" not in (*one, *other) and not set(one) & set(other)
        for one, other in combinations(names, 2)
    )


def _any(tests: Sequence_[str]) -> str:
    return " OR ".join(f"({test})" for test in dict.fromkeys(tests))


def _selections(found: Sequence) -> list[Selection]:
    return [*found.steps, *([found.without] if found.without else [])]


def _funnel(found: Sequence, leaf: LeafRows) -> str:
    steps = ", ".join(leaf.conditions(step, found.window) for step in found.steps)
    length = duration_ms(found.within)
    return f"windowFunnel({length}, 'strict_once')(toUInt64(toUnixTimestamp64Milli(timestamp)), {steps}) = {len(found.steps)}"


def _walk(found: Sequence, leaf: LeafRows) -> str:
    events = _steps(found, leaf)
    if found.same is None:
        return _has_chain(found, leaf, events)
    keys = FIRST_STEP + len(_selections(found))
    named = f"{NAME}_events"
    breaks = f" OR event.{keys - 1}" if found.without else ""
    own = f"arrayFilter(event -> has(event.{keys}, same){breaks}, {named})"
    all_keys = f"arrayDistinct(arrayFlatten(arrayMap(event -> event.{keys}, {events} AS {named})))"
    return f"arrayExists(same -> {_has_chain(found, leaf, own)}, {all_keys})"


def _has_chain(found: Sequence, leaf: LeafRows, events: str) -> str:
    """The walk: `starts` holds of chains with 1, 2 .. steps the latest start, -1 for none."""
    within = leaf.parameters.place(f"within_{found.within}_ms", "Int64", duration_ms(found.within))
    count = len(found.steps)
    moves = [
        f"if(event.{FIRST_STEP + step}, {_start(step, within)}, starts[{step + 1}])" for step in range(count)
    ]
    if found.without is not None:
        broken = f"event.{FIRST_STEP + count}"
        moves = [f"if({broken}, -1, {move})" for move in moves[:-1]]
        moves.append(f"if({broken}, starts[{count}], {_last(count, within)})")
    nothing = ", ".join(["toInt64(-1)"] * count)
    return f"arrayFold((starts, event) -> [{', '.join(moves)}], {events}, [{nothing}])[{count}] >= 0"


def _last(count: int, within: str) -> str:
    return f"if(event.{FIRST_STEP + count - 1}, {_start(count - 1, within)}, starts[{count}])"


def _start(step: int, within: str) -> str:
    """Of a chain that this event carries on; it stays as it was where there is none in time."""
    if step == 0:
        return f"event.{MS}"
    earlier = f"starts[{step}]"
    return f"if({earlier} >= 0 AND event.{MS} - {earlier} <= {within}, {earlier}, starts[{step + 1}])"


def _steps(found: Sequence, leaf: LeafRows) -> str:
    """Each event as (ms, lowest step, message id, matches step 1, .., breaks, keys)."""
    named = [f"{NAME}_step_{number}" for number in range(1, len(found.steps) + 1)]
    tests = [leaf.conditions(step) for step in found.steps]
    extra = [f"(({leaf.conditions(found.without)}) AS {NAME}_breaks)"] if found.without else []
    parts = [f"(({test}) AS {name})" for test, name in zip(tests, named, strict=True)]
    lowest = f"indexOf([{', '.join([*named, '1'])}], 1)"
    keys = [_keys(found)] if found.same else []
    fields = ", ".join(["toUnixTimestamp64Milli(timestamp)", lowest, "message_id", *parts, *extra, *keys])
    some = " OR ".join([*named, *([f"{NAME}_breaks"] if extra else [])])
    rows = " AND ".join([f"({some})", *leaf.within(found.window)])
    taken = " AND ".join(f"countIf({name}) > 0" for name in named)
    most = KEYED_EVENTS_MAX if found.same else STEP_EVENTS_MAX
    return f"if({taken}, {_in_order(f'({fields})', rows, most)}, [])"


def _in_order(event: str, rows: str, most: int) -> str:
    """The earliest of them. (`groupArraySorted` says the same, in six times the time.)"""
    return f"arraySlice(arraySort(groupArrayIf({event}, {rows})), 1, {most})"


def _keys(found: Sequence) -> str:
    """What an event has at `same`, read as its selection reads it."""
    assert found.same is not None
    commerce, other = (
        texts_at(found.same, found.steps[0]),
        [texts_at(found.same, each) for each in _selections(found)],
    )
    if all(each == commerce for each in other):
        return commerce
    return f"arrayDistinct(arrayConcat({', '.join(dict.fromkeys(other))}))"
