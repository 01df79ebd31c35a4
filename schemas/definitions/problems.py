"""What is wrong with a definition, place by place; and the definition as JSON has it, which all further checks read. Pure."""

import math
from collections.abc import Iterable
from datetime import date
from typing import Any, NamedTuple

NESTING_MAX = 64  # of a document, whatever it holds


class Problem(NamedTuple):
    """Of a definition: where, and what with how to mend it."""

    place: str
    what: str


Path = tuple[str | int, ...]


def place_of(path: Iterable[str | int]) -> str:
    """where.all[0].did"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "its top"


def plain(document: Any) -> tuple[Any, list[Problem]]:
    """The document as JSON has it: dates that YAML reads from unquoted text are text again. With what no JSON can say."""
    problems: list[Problem] = []
    return _plain(document, (), problems), problems


def _plain(value: Any, path: Path, problems: list[Problem]) -> Any:
    if len(path) > NESTING_MAX:
        problems.append(Problem(place_of(path), f"nested more than {NESTING_MAX} levels deep: no segment is"))
    elif isinstance(value, dict):
        return {key: _plain(value[key], (*path, str(key)), problems) for key in _texts(value, path, problems)}
    elif isinstance(value, list | tuple):
        return [_plain(each, (*path, place), problems) for place, each in enumerate(value)]
    elif isinstance(value, date):
        return value.isoformat()  # a datetime is a date too
    elif wrong := _not_json(value):
        problems.append(Problem(place_of(path), wrong))
    return value


def _texts(mapping: dict[Any, Any], path: Path, problems: list[Problem]) -> list[str]:
    for key in mapping:
        wrong = _not_json(key) if isinstance(key, str) else "a key must be a text: write it in quotes"
        if wrong:
            problems.append(Problem(place_of(path), f"key {key!r}: {wrong}"))
    return [key for key in mapping if isinstance(key, str)]


def _not_json(value: Any) -> str:
    if value is None or isinstance(value, bool | int):
        return ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else "a number that is finite is expected"
    if not isinstance(value, str):
        return f"neither text nor number, list nor mapping: {type(value).__name__}"
    if "\0" in value or any("\ud800" <= character <= "\udfff" for character in value):
        return "no text of Unicode: it has a NUL or half a surrogate pair"
    return ""
