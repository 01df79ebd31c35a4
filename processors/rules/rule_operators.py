"""Operators of segments asked of one value in Python: what segment_operators.py says in SQL, with the same answers.

A positive operator is false on what is missing or cannot be converted; the others are the exact complements of these. The
literal's JSON type decides what is compared (rule_values.py). Each test is compiled once to a function. Pure.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import msgspec
import re2

from processors.rules.rule_values import date_of, number_of, scalars, text_of
from schemas.segments.segment_times import instant_ms
from schemas.segments.segment_windows import FIRST_MS, LAST_MS, Bounds, dates, moment_of, month_days
from schemas.segments.segments import Window, duration_ms
from schemas.values.zones import zone as zone_of

ValueCheck: TypeAlias = Callable[[Any, int], bool]  # of a value, at an instant in ms

UTC_ZONE = "UTC"
COMPLEMENTS = {
    "neq": "eq",
    "not_in": "in",
    "not_contains": "contains",
    "has_none": "has_any",
    "missing": "exists",
    "blank": "not_blank",
}


def value_check(op: str, literal: Any, zone: str = UTC_ZONE) -> ValueCheck:
    """Whether a value passes a test; None is one that is missing."""
    if op in COMPLEMENTS:
        check = _OPERATORS[COMPLEMENTS[op]](literal, zone)
        return lambda value, at_ms: not check(value, at_ms)
    return _OPERATORS[op](literal, zone)


def _exists(_literal: Any, _zone: str) -> ValueCheck:
    return lambda value, _: value is not None


def _not_blank(_literal: Any, _zone: str) -> ValueCheck:
    return lambda value, _: value is not None and value != "" and value != []


def _eq(literal: Any, _zone: str) -> ValueCheck:
    return _one_of([literal])


def _in(literals: Any, _zone: str) -> ValueCheck:
    return _one_of(literals)


def _one_of(literals: Sequence[Any]) -> ValueCheck:
    texts, numbers, flags = _by_type(literals)

    def passes(value: Any, _: int) -> bool:
        return any(
            (texts and text_of(each) in texts)
            or (numbers and number_of(each) in numbers)
            or (flags and text_of(each).lower() in flags)
            for each in scalars(value)
        )

    return passes


def _has_all(literals: Any, _zone: str) -> ValueCheck:
    texts, numbers, flags = _by_type(literals)

    def passes(value: Any, _: int) -> bool:
        found = list(scalars(value))
        said = {text_of(each) for each in found} if texts or flags else set()
        return (
            texts <= said
            and (not numbers or numbers <= {number_of(each) for each in found})
            and (not flags or flags <= {each.lower() for each in said})
        )

    return passes


def _by_type(literals: Sequence[Any]) -> tuple[frozenset[str], frozenset[float | None], frozenset[str]]:
    """Texts, numbers, and booleans as texts."""
    texts = frozenset(each for each in literals if isinstance(each, str))
    flags = frozenset(text_of(each) for each in literals if isinstance(each, bool))
    numbers = frozenset(
        float(each) for each in literals if isinstance(each, int | float) and not isinstance(each, bool)
    )
    return texts, numbers, flags


def _numbers(passes: Callable[[float], bool]) -> ValueCheck:
    def check(value: Any, _: int) -> bool:
        return any(
            number is not None and passes(number) for each in scalars(value) for number in (number_of(each),)
        )

    return check


def _gt(literal: Any, _zone: str) -> ValueCheck:
    bound = float(literal)
    return _numbers(lambda number: number > bound)


def _gte(literal: Any, _zone: str) -> ValueCheck:
    bound = float(literal)
    return _numbers(lambda number: number >= bound)


def _lt(literal: Any, _zone: str) -> ValueCheck:
    bound = float(literal)
    return _numbers(lambda number: number < bound)


def _lte(literal: Any, _zone: str) -> ValueCheck:
    bound = float(literal)
    return _numbers(lambda number: number <= bound)


def _between(literal: Any, _zone: str) -> ValueCheck:
    low, high = map(float, literal)
    return _numbers(lambda number: low <= number <= high)


def _texts(passes: Callable[[str], bool]) -> ValueCheck:
    return lambda value, _: any(passes(text_of(each)) for each in scalars(value))


def _contains(literal: Any, _zone: str) -> ValueCheck:
    part = literal.lower()
    return _texts(lambda text: part in text.lower())


def _starts_with(literal: Any, _zone: str) -> ValueCheck:
    return _texts(lambda text: text.startswith(literal))


def _ends_with(literal: Any, _zone: str) -> ValueCheck:
    return _texts(lambda text: text.endswith(literal))


def _matches(literal: Any, _zone: str) -> ValueCheck:
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = True  # as in ClickHouse: a dot is any character
    pattern = re2.compile(literal, options)
    return _texts(lambda text: pattern.search(text) is not None)


def _flag(wanted: str) -> Callable[[Any, str], ValueCheck]:
    return lambda _literal, _zone: _texts(lambda text: text.lower() == wanted)


def _before(literal: Any, zone: str) -> ValueCheck:
    return _dates(Bounds(until=instant_ms(literal, zone)), zone)


def _after(literal: Any, zone: str) -> ValueCheck:
    return _dates(Bounds(since=instant_ms(literal, zone) + 1), zone)


def _dates(found: Bounds, zone: str) -> ValueCheck:
    return lambda value, _: _lies_in(value, found, zone)


def _lies_in(value: Any, found: Bounds, zone: str) -> bool:
    stated = (date_of(each, zone) for each in scalars(value))
    return any(
        date is not None
        and (found.since is None or date >= found.since)
        and (found.until is None or date < found.until)
        for date in stated
    )


def _within(literal: Any, zone: str) -> ValueCheck:
    window = msgspec.convert(literal, Window)
    return lambda value, at_ms: _lies_in(value, dates(window, at_ms, zone), zone)


def _anniversary(literal: Any, zone: str) -> ValueCheck:
    length = duration_ms(literal)

    def passes(value: Any, at_ms: int) -> bool:
        stated = (date_of(each, zone) for each in scalars(value))
        there = [date for date in stated if date is not None and FIRST_MS <= date < LAST_MS]
        if not there:
            return False
        days = month_days(at_ms, length, zone)
        return any(moment_of(date).astimezone(zone_of(zone)).strftime("%m-%d") in days for date in there)

    return passes


_OPERATORS: dict[str, Callable[[Any, str], ValueCheck]] = {
    "exists": _exists,
    "not_blank": _not_blank,
    "eq": _eq,
    "in": _in,
    "has_any": _in,
    "has_all": _has_all,
    "gt": _gt,
    "gte": _gte,
    "lt": _lt,
    "lte": _lte,
    "between": _between,
    "contains": _contains,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "matches": _matches,
    "is_true": _flag("true"),
    "is_false": _flag("false"),
    "before": _before,
    "after": _after,
    "within": _within,
    "anniversary": _anniversary,
}
