"""A segment's condition written as one line, which segment_expression.py reads back as the same tree."""

import re
from collections.abc import Sequence as Several
from typing import Any

import msgspec
from msgspec import UNSET

from schemas.segments.segment_expression import reserved
from schemas.segments.segment_expression_tree import OPERATORS
from schemas.segments.segments import (
    Absent,
    Calendar,
    Comparison,
    Condition,
    Did,
    ElementFilter,
    Filter,
    Group,
    IdIs,
    Measured,
    Moment,
    ProfileIs,
    Selection,
    Sequence,
    Trait,
    Window,
)

_SYMBOLS = {op: symbol for symbol, op in OPERATORS.items()}
_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*")
_MEASURES = ("distinct", "sum", "avg", "min", "max")


def print_expression(condition: Condition) -> str:
    return _some(condition)


def _some(condition: Condition) -> str:
    if condition.any is None or len(condition.any) == 1:
        return _every(condition)
    return " or ".join(_every(part) for part in condition.any)


def _every(condition: Condition) -> str:
    if condition.all is None or len(condition.all) == 1:
        return _one(condition)
    return " and ".join(_one(part) for part in condition.all)


def _one(condition: Condition) -> str:
    if condition.not_ is not None:
        return f"not {_one(condition.not_)}"
    for name, parts in (("all", condition.all), ("any", condition.any)):
        if parts is not None:
            return f"{name} ({_some(parts[0])})" if len(parts) == 1 else f"({_some(condition)})"
    return _leaf(condition)


def _leaf(condition: Condition) -> str:
    if condition.did is not None:
        return _did(condition.did)
    if condition.first is not None:
        return f"first {_moment(condition.first)}"
    if condition.last is not None:
        return f"last {_moment(condition.last)}"
    if condition.sequence is not None:
        return _sequence(condition.sequence)
    if condition.absent is not None:
        return _absent(condition.absent)
    return _of_profile(condition)


def _of_profile(condition: Condition) -> str:
    if condition.trait is not None:
        return _trait(condition.trait)
    if condition.profile is not None:
        return _profile(condition.profile)
    if condition.id is not None:
        return _id(condition.id)
    if condition.group is not None:
        return _group(condition.group)
    if condition.in_segment is not None:
        return f"in segment {_json(condition.in_segment)}"
    return f"in list {_json(condition.in_list)}"


def _did(did: Did) -> str:
    return _joined("did", _selection(did), _measure(did), _window(did.window))


def _measure(did: Did) -> str:
    if did.count is not None:
        return _comparison(did.count)
    if did.days is not None:
        return f"days {_comparison(did.days)}"
    for name in _MEASURES:
        measured: Measured | None = getattr(did, name)
        if measured is not None:
            return f"{name} {_path(measured.path)} {_comparison(measured)}"
    return ""


def _comparison(comparison: Comparison) -> str:
    if comparison.between is not None:
        return _between(comparison.between)
    (found,) = [
        (symbol, value)
        for op, symbol in _SYMBOLS.items()
        if (value := getattr(comparison, op, None)) is not None
    ]
    return f"{found[0]} {_json(found[1])}"


def _between(bounds: Several[Any]) -> str:
    return f"between {_json(bounds[0])} and {_json(bounds[1])}"


def _moment(moment: Moment) -> str:
    having = f"having {_filters(moment.having)}" if moment.having else ""
    return _joined(_selection(moment), _window(moment.window), having)


def _sequence(sequence: Sequence) -> str:
    steps = " then ".join(_selection(step) for step in sequence.steps)
    without = "" if sequence.without is None else f"without {_selection(sequence.without)}"
    return _joined(
        f"sequence ({steps}) within {sequence.within}",
        _window(sequence.window),
        without,
        _same(sequence.same),
    )


def _absent(absent: Absent) -> str:
    what = f"absent {_selection(absent.did)} then {_selection(absent.then_not)} within {absent.within}"
    return _joined(what, _window(absent.window), _same(absent.same))


def _same(path: str | None) -> str:
    return "" if path is None else f"same {_path(path)}"


def _selection(selection: Selection) -> str:
    event = selection.event
    events = "*" if event == "*" else _json(event) if isinstance(event, str) else _values(event)
    where = f"where {_filters(selection.where)}" if selection.where else ""
    return _joined(selection.type or "", events, where)


def _filters(filters: Several[Filter]) -> str:
    return f"({', '.join(_filter(each) for each in filters)})"


def _filter(each: Filter) -> str:
    for name in ("any", "all", "none"):
        elements: ElementFilter | None = getattr(each, name)
        if elements is not None:
            return f"{name} {_path(elements.path)} {_filters(elements.where)}"
    for name in ("all_of", "any_of", "none_of"):
        filters: list[Filter] | None = getattr(each, name)
        if filters is not None:
            return f"{name} {_filters(filters)}"
    return _test(each.path or "", each.op or "", each.value)


def _trait(trait: Trait) -> str:
    return _test(trait.name, trait.op, trait.value)


def _test(path: str, op: str, value: Any) -> str:
    return _joined(_path(path), _SYMBOLS.get(op) or ("not in" if op == "not_in" else op), _value(op, value))


def _value(op: str, value: Any) -> str:
    if value is UNSET:
        return ""
    if op == "between":
        return _between(value).removeprefix("between ")
    if op == "within":
        return _window(msgspec.convert(value, Window))
    if op == "anniversary":
        return str(value)
    return _values(value) if isinstance(value, list) else _json(value)


def _window(window: Window | None) -> str:
    if window is None:
        return ""
    if window.calendar is not None:
        return _calendar(window.calendar)
    if window.ago is not None:
        return f"{window.ago[0]} to {window.ago[1]} ago"
    if window.last is not None:
        return f"last {window.last}"
    if window.ahead is not None:
        return f"next {window.ahead}"
    return _joined(
        *(
            f"{word} {_json(end)}"
            for word, end in (("from", window.from_), ("to", window.to))
            if end is not None
        )
    )


def _calendar(calendar: Calendar) -> str:
    if calendar.this is not None:
        return f"this {calendar.this}"
    plural = "" if calendar.last == 1 else "s"
    return f"last {calendar.last} {'full' if calendar.full else 'calendar'} {calendar.unit}{plural}"


def _profile(profile: ProfileIs) -> str:
    for name in ("first_seen", "last_seen"):
        window: Window | None = getattr(profile, name)
        if window is not None:
            return f"{name} {_window(window)}"
    if profile.channel_first is not None:
        return f"channel_first in {_values(profile.channel_first)}"
    return f"channel_last in {_values(profile.channel_last or ())}"


def _id(id: IdIs) -> str:
    return f"lacks {_json(id.lacks)}" if id.has is None else f"has {_json(id.has)}"


def _group(group: Group) -> str:
    tests = ", ".join(_trait(each) for each in group.where)
    return f"{'last_group' if group.which == 'last' else 'group'} ({tests})"


def _path(path: str) -> str:
    if _BARE.fullmatch(path) and path not in reserved():
        return path
    return "`" + _json(path)[1:-1].replace("`", "\\u0060") + "`"


def _values(values: Several[Any]) -> str:
    return f"({', '.join(map(_json, values))})"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)
