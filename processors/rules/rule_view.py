"""One resolved event as rules read it: its record, and its properties as ClickHouse's JSON column holds them.

That column is a mapping of dotted paths to values, so `{"a.b": 1}` and `{"a": {"b": 1}}` are one, and the first of them
counts; null and objects with nothing in them are not there; what nests too deeply is missing as a whole (docs/segments.md). The
same holds for objects within lists. Parsed when first asked for. Pure.

Deliberately absent: what the column makes of a list of objects and other values, or of a whole number beyond 2^63: that depends
on what else is in its block.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

NESTING_MAX = 10  # of properties, as migration 0020_reports.sql says

Flat = Mapping[str, Any]  # values by dotted path; a list as it was sent

_decode = msgspec.json.Decoder().decode


class _Unstorable(Exception):
    """Properties that the column cannot hold."""


class EventView:
    """Of a record as schemas/wire/codec.py decodes it. `texts` of JSON are parsed once, each when it is needed."""

    __slots__ = ("_flat", "_parsed", "record")

    def __init__(self, record: Mapping[str, Any]) -> None:
        self.record = record
        self._parsed: dict[str, dict[str, Any]] = {}
        self._flat: Flat | None = None

    def parsed(self, field: str) -> dict[str, Any]:
        """`traits`, `properties`, `context` or `integrations`; {} for what is no JSON object."""
        found = self._parsed.get(field)
        if found is None:
            found = self._parsed[field] = object_in(self.record[field])
        return found

    @property
    def flat(self) -> Flat:
        """The properties."""
        if self._flat is None:
            self._flat = flattened(self.parsed("properties"))
        return self._flat


def object_in(text: str) -> dict[str, Any]:
    if text == "{}":
        return {}
    try:
        found = _decode(text)
    except (msgspec.DecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def flattened(properties: Mapping[str, Any]) -> Flat:
    found: dict[str, Any] = {}
    try:
        _flatten(properties, "", found, 1)
    except _Unstorable:
        return {}
    return found


def _flatten(given: Mapping[str, Any], above: str, found: dict[str, Any], depth: int) -> None:
    if depth > NESTING_MAX:
        raise _Unstorable
    for key, value in given.items():
        if value is None:
            continue
        path = above + key
        if isinstance(value, dict):
            _flatten(value, f"{path}.", found, depth + 1)
            continue
        if isinstance(value, list):
            _check(value, depth + 1)
        found.setdefault(path, value)


def _check(values: list[Any], depth: int) -> None:
    """Of a list: that its objects can be held, too."""
    if depth > NESTING_MAX:
        raise _Unstorable
    for each in values:
        if isinstance(each, dict):
            _flatten(each, "", {}, depth + 1)
        elif isinstance(each, list):
            _check(each, depth + 1)


def stored_list(values: list[Any]) -> list[Any]:
    """As the column gives it back: of objects what it holds, booleans among numbers as numbers."""
    if any(isinstance(each, bool) for each in values) and _are_all_numbers(values):
        return [int(each) if isinstance(each, bool) else each for each in values]
    return [_stored(each) for each in values]


def _are_all_numbers(values: list[Any]) -> bool:
    numbers = [each for each in values if each is not None]
    return all(isinstance(each, int | float) for each in numbers) and not all(
        isinstance(each, bool) for each in numbers
    )


def _stored(value: Any) -> Any:
    if isinstance(value, dict):
        return nested(flattened(value))
    return stored_list(value) if isinstance(value, list) else value


def nested(flat: Flat) -> dict[str, Any]:
    """The object again, of its paths."""
    found: dict[str, Any] = {}
    for path, value in flat.items():
        *above, last = path.split(".")
        place = found
        for key in above:
            inner = place.setdefault(key, {})
            if not isinstance(inner, dict):  # a value and an object under one name: the first is found
                break
            place = inner
        else:
            place.setdefault(last, stored_list(value) if isinstance(value, list) else value)
    return found


def property_at(flat: Flat, path: str) -> Any:
    """The value of a property, or what each element of a list above it has there; {} for an object, None for nothing."""
    value = flat.get(path)
    if value is not None:
        return stored_list(value) if isinstance(value, list) else value
    for above, rest in _divided(path):
        within = flat.get(above)
        if isinstance(within, list) and (found := _of_each(within, rest)):
            return found
    below = f"{path}."
    return {} if any(known.startswith(below) for known in flat) else None


def _divided(path: str) -> Iterator[tuple[str, str]]:
    at = path.find(".")
    while at >= 0:
        yield path[:at], path[at + 1 :]
        at = path.find(".", at + 1)


def _of_each(elements: list[Any], path: str) -> list[Any]:
    """Of a list of objects alone: the column has others as values of no type."""
    if not all(isinstance(each, dict) for each in elements):
        return []
    found = (flattened(each).get(path) for each in elements)
    return [stored_list(each) if isinstance(each, list) else each for each in found if each is not None]
