"""Operators as SQL: what is asked of one value, in two truth values and never NULL.

A positive operator is false on what is missing or cannot be converted. The others are the exact complements of these
(`COMPLEMENTS`), so whoever keeps a verdict with the default 0 keeps the positive one and turns it. The literal's JSON type
decides what is compared: text with texts, a number with numbers, true and false with booleans (docs/segments.md).
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from schemas.segments.segment_paths import Value, json_of
from schemas.segments.segment_sql import Parameters
from schemas.segments.segment_times import instant_ms
from schemas.segments.segment_windows import Bounds, dates, month_days
from schemas.segments.segments import Window, duration_ms

COMPLEMENTS = {
    "neq": "eq",
    "not_in": "in",
    "not_contains": "contains",
    "has_none": "has_any",
    "missing": "exists",
    "blank": "not_blank",
}
_SIGNS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


class Asked(msgspec.Struct, frozen=True):
    """An operator with its literal. `hint`: after what the parameters are named."""

    op: str
    literal: Any
    hint: str
    at_ms: int
    zone: str


def positive(op: str) -> tuple[str, bool]:
    """The operator to ask, and whether its answer is to be turned."""
    return COMPLEMENTS.get(op, op), op in COMPLEMENTS


def test(value: Value, asked: Asked, parameters: Parameters) -> str:
    """SQL of any operator."""
    op, is_turned = positive(asked.op)
    sql = _OPERATORS[op](value, msgspec.structs.replace(asked, op=op), parameters)
    return f"NOT ({sql})" if is_turned else sql


def _exists(value: Value, asked: Asked, parameters: Parameters) -> str:
    if value.form == "text":
        return f"{value.sql} != ''"
    if value.form == "number":
        return f"isNotNull({value.sql})"
    return _or([f"{json_of(value)} != 'null'", *([value.also] if value.also else [])])


def _not_blank(value: Value, asked: Asked, parameters: Parameters) -> str:
    if value.form in ("text", "number"):
        return _exists(value, asked, parameters)
    return _or([f"{json_of(value)} NOT IN ('null', '\"\"', '[]')", *([value.also] if value.also else [])])


def _eq(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _any_of(value, [asked.literal], asked.hint, parameters)


def _in(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _any_of(value, asked.literal, asked.hint, parameters)


def _any_of(value: Value, literals: Sequence[Any], hint: str, parameters: Parameters) -> str:
    texts, numbers, flags = _by_type(literals)
    found = [_flag(value, flag) for flag in flags]
    if texts:
        found.append(_text_in(value, texts, hint, parameters))
    if numbers:
        found.append(_number_in(value, numbers, hint, parameters))
    return _or(found)


def _text_in(value: Value, texts: Sequence[str], hint: str, parameters: Parameters) -> str:
    one = len(texts) == 1
    place = parameters.place(hint, *(("String", texts[0]) if one else ("Array(String)", list(texts))))
    if value.form == "text" and "" not in texts:
        return f"{value.sql} = {place}" if one else f"{value.sql} IN {place}"
    listed = value.sql if value.form == "texts" and "" not in texts else f"texts_of({json_of(value)})"
    return f"has({listed}, {place})" if one else f"hasAny({listed}, {place})"


def _number_in(value: Value, numbers: Sequence[float], hint: str, parameters: Parameters) -> str:
    one = len(numbers) == 1
    given = [float(number) for number in numbers]
    place = parameters.place(hint, *(("Float64", given[0]) if one else ("Array(Float64)", given)))
    if value.form == "number" and one:
        return f"ifNull({value.sql} = {place}, 0)"
    listed = f"numbers_of({json_of(value)})"
    return f"has({listed}, {place})" if one else f"hasAny({listed}, {place})"


def _flag(value: Value, wanted: bool) -> str:
    if value.form == "flag":
        return value.sql if wanted else f"NOT {value.sql}"
    return (
        f"has(arrayMap(text -> lower(text), texts_of({json_of(value)})), '{'true' if wanted else 'false'}')"
    )


def _has_all(value: Value, asked: Asked, parameters: Parameters) -> str:
    texts, numbers, flags = _by_type(asked.literal)
    json = json_of(value)
    found = [_flag(value, flag) for flag in flags]
    if texts:
        place = parameters.place(asked.hint, "Array(String)", list(texts))
        found.append(f"hasAll(texts_of({json}), {place})")
    if numbers:
        given = [float(number) for number in numbers]
        place = parameters.place(asked.hint, "Array(Float64)", given)
        found.append(f"hasAll(numbers_of({json}), {place})")
    return " AND ".join(found)


def _compared(value: Value, asked: Asked, parameters: Parameters) -> str:
    sign = _SIGNS[asked.op]
    place = parameters.place(asked.hint, "Float64", float(asked.literal))
    return _number_passes(value, lambda number: f"{number} {sign} {place}")


def _between(value: Value, asked: Asked, parameters: Parameters) -> str:
    low, high = (parameters.place(asked.hint, "Float64", float(end)) for end in asked.literal)
    return _number_passes(value, lambda number: f"{number} BETWEEN {low} AND {high}")


def _number_passes(value: Value, passes: Callable[[str], str]) -> str:
    if value.form == "number":
        return f"ifNull({passes(value.sql)}, 0)"
    return f"arrayExists(number -> {passes('number')}, numbers_of({json_of(value)}))"


def _contains(value: Value, asked: Asked, parameters: Parameters) -> str:
    place = parameters.place(asked.hint, "String", asked.literal)
    return _text_passes(value, lambda text: f"position(lowerUTF8({text}), lowerUTF8({place})) > 0")


def _starts_with(value: Value, asked: Asked, parameters: Parameters) -> str:
    place = parameters.place(asked.hint, "String", asked.literal)
    return _text_passes(value, lambda text: f"startsWith({text}, {place})")


def _ends_with(value: Value, asked: Asked, parameters: Parameters) -> str:
    place = parameters.place(asked.hint, "String", asked.literal)
    return _text_passes(value, lambda text: f"endsWith({text}, {place})")


def _matches(value: Value, asked: Asked, parameters: Parameters) -> str:
    place = parameters.place(asked.hint, "String", asked.literal)
    if value.form == "text":
        return f"{value.sql} != '' AND match({value.sql}, {place})"
    return _text_passes(value, lambda text: f"match({text}, {place})")


def _text_passes(value: Value, passes: Callable[[str], str]) -> str:
    if value.form == "text":
        return passes(value.sql)
    return f"arrayExists(text -> {passes('text')}, texts_of({json_of(value)}))"


def _is_true(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _flag(value, True)


def _is_false(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _flag(value, False)


def _before(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _date_passes(value, Bounds(until=instant_ms(asked.literal, asked.zone)), asked, parameters)


def _after(value: Value, asked: Asked, parameters: Parameters) -> str:
    return _date_passes(value, Bounds(since=instant_ms(asked.literal, asked.zone) + 1), asked, parameters)


def _within(value: Value, asked: Asked, parameters: Parameters) -> str:
    window = msgspec.convert(asked.literal, Window)
    return _date_passes(value, dates(window, asked.at_ms, asked.zone), asked, parameters)


def _date_passes(value: Value, found: Bounds, asked: Asked, parameters: Parameters) -> str:
    tests = []
    if found.since is not None:
        tests.append(f"date >= {parameters.place(f'{asked.hint}_from_ms', 'Int64', found.since)}")
    if found.until is not None:
        tests.append(f"date < {parameters.place(f'{asked.hint}_until_ms', 'Int64', found.until)}")
    zone = parameters.place("zone", "String", asked.zone)
    return f"arrayExists(date -> {' AND '.join(tests)}, dates_of({json_of(value)}, {zone}))"


def _anniversary(value: Value, asked: Asked, parameters: Parameters) -> str:
    days = month_days(asked.at_ms, duration_ms(asked.literal), asked.zone)
    place = parameters.place(f"{asked.hint}_days", "Array(String)", days)
    zone = parameters.place("zone", "String", asked.zone)
    return f"hasAny(month_days_of({json_of(value)}, {zone}), {place})"


def _by_type(literals: Sequence[Any]) -> tuple[list[str], list[float], list[bool]]:
    texts = [each for each in literals if isinstance(each, str)]
    flags = [each for each in literals if isinstance(each, bool)]
    numbers = [each for each in literals if isinstance(each, int | float) and not isinstance(each, bool)]
    return texts, numbers, flags


def _or(tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else "(" + " OR ".join(tests) + ")"


_OPERATORS: dict[str, Callable[[Value, Asked, Parameters], str]] = {
    "exists": _exists,
    "not_blank": _not_blank,
    "eq": _eq,
    "in": _in,
    "has_any": _in,
    "has_all": _has_all,
    "gt": _compared,
    "gte": _compared,
    "lt": _compared,
    "lte": _compared,
    "between": _between,
    "contains": _contains,
    "starts_with": _starts_with,
    "ends_with": _ends_with,
    "matches": _matches,
    "is_true": _is_true,
    "is_false": _is_false,
    "before": _before,
    "after": _after,
    "within": _within,
    "anniversary": _anniversary,
}
