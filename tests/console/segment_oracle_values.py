"""Operators on values, one value against one literal, word by word: the literal's type decides what a value is read as.

A value is what JSON gives (texts, numbers, booleans, lists, objects) or a decimal of a typed column; None is what is missing.
Shares no code with what is tested.
"""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import re2

from schemas.segments.segments import Window
from tests.console.segment_oracle_time import bounds, is_anniversary_ahead, lies_in, moment

_JSON_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?")
_COMPLEMENTS = {
    "neq": "eq",
    "not_in": "in",
    "not_contains": "contains",
    "has_none": "has_any",
    "missing": "exists",
    "not_blank": "blank",
}


class Now(NamedTuple):
    """When and where the clock is read."""

    at: int
    zone: ZoneInfo


def holds(op: str, value: Any, literal: Any, now: Now) -> bool:
    if op in _COMPLEMENTS:
        return not holds(_COMPLEMENTS[op], value, literal, now)
    if op == "exists":
        return value is not None
    if op == "blank":
        return value is None or value == "" or value == []
    if value is None:
        return False
    if op == "has_all":
        return all(holds("eq", value, one, now) for one in literal)
    return _some(lambda element: _TESTS[op](element, literal, now), value)


def _some(test: Callable[[Any], bool], value: Any) -> bool:
    return any(test(element) for element in (value if isinstance(value, list) else [value]))


def text(value: Any) -> str | None:
    """Of a scalar; lists and objects have none."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return None


def number(value: Any) -> Fraction | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return Fraction(str(value))
    if isinstance(value, str) and _JSON_NUMBER.fullmatch(value.strip(" \t\r\n")):
        return Fraction(value.strip(" \t\r\n"))
    return None


def boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    said = value.lower() if isinstance(value, str) else ""
    return said == "true" if said in ("true", "false") else None


def _equal(value: Any, literal: Any) -> bool:
    if isinstance(literal, bool):
        return boolean(value) is literal
    if isinstance(literal, str):
        return text(value) == literal
    return number(value) is not None and number(value) == number(literal)


def _ordered(test: Callable[[Fraction, Fraction], bool]) -> Callable[[Any, Any, Now], bool]:
    def compares(value: Any, literal: Any, _: Now) -> bool:
        found, bound = number(value), number(literal)
        return found is not None and bound is not None and test(found, bound)

    return compares


def _between(value: Any, ends: Sequence[Any], _: Now) -> bool:
    found, low, high = number(value), number(ends[0]), number(ends[1])
    return found is not None and low is not None and high is not None and low <= found <= high


def _said(test: Callable[[str, str], bool]) -> Callable[[Any, Any, Now], bool]:
    def says(value: Any, literal: Any, _: Now) -> bool:
        found = text(value)
        return found is not None and test(found, literal)

    return says


def _dated(test: Callable[[int, int], bool]) -> Callable[[Any, Any, Now], bool]:
    def stands(value: Any, literal: Any, now: Now) -> bool:
        found, bound = moment(value, now.zone), moment(literal, now.zone)
        return found is not None and bound is not None and test(found, bound)

    return stands


def _within(value: Any, window: Any, now: Now) -> bool:
    found = moment(value, now.zone)
    return found is not None and lies_in(found, bounds(msgspec.convert(window, Window), now.at, now.zone))


def _anniversary(value: Any, ahead: str, now: Now) -> bool:
    found = moment(value, now.zone)
    return found is not None and is_anniversary_ahead(found, now.at, ahead, now.zone)


_TESTS: dict[str, Callable[[Any, Any, Now], bool]] = {
    "eq": lambda value, literal, now: _equal(value, literal),
    "in": lambda value, literal, now: any(_equal(value, one) for one in literal),
    "has_any": lambda value, literal, now: any(_equal(value, one) for one in literal),
    "gt": _ordered(lambda value, bound: value > bound),
    "gte": _ordered(lambda value, bound: value >= bound),
    "lt": _ordered(lambda value, bound: value < bound),
    "lte": _ordered(lambda value, bound: value <= bound),
    "between": _between,
    "contains": _said(lambda value, part: part.lower() in value.lower()),
    "starts_with": _said(lambda value, part: value.startswith(part)),
    "ends_with": _said(lambda value, part: value.endswith(part)),
    "matches": _said(lambda value, pattern: re2.search(pattern, value) is not None),
    "is_true": lambda value, literal, now: boolean(value) is True,
    "is_false": lambda value, literal, now: boolean(value) is False,
    "before": _dated(lambda value, bound: value < bound),
    "after": _dated(lambda value, bound: value > bound),
    "within": _within,
    "anniversary": _anniversary,
}
