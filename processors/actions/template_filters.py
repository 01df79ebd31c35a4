"""Filters of templates: those of Liquid that are kept, each within limits, and our own.

Liquid's own filters take whatever size they are given, and some make much out of little: a text in which every character is
replaced by a text, a number rounded to a billion places, a date written a billion characters wide. Here nothing that goes into a
filter is large, and what comes out of one is known not to be before it is made. No filter reads a clock: `now` is the
firing's moment (docs/templates.md).

Deliberately absent: `safe` and `escapejs`, since nothing may leave HTML unescaped.
"""

import hashlib
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import wraps
from typing import Any

import msgspec
from liquid import Environment, RenderContext
from liquid.exceptions import FilterArgumentError
from liquid.filter import with_context
from liquid.template import BoundTemplate
from liquid.token import Token
from liquid.undefined import UNDEFINED

from processors.events.times import parse_time
from schemas.values.zones import zone

TEXT_CHARS_MAX = 100_000
ITEMS_MAX = 10_000
NUMBER_BITS_MAX = 256
DIGITS_MAX = 20  # of rounding
# What filling in all templates of one firing may cost. One is a character or an item that goes into a filter: some 0.1
# microseconds at worst, so a firing takes about a second at most, and the same everywhere and whenever it is made again.
WORK_MAX = 5_000_000
STEP_WORK = 10  # of a filter and of a value that is looked up, whatever their size
COMPARISONS_PER_WORK = 50

# As Liquid has them; what makes more of its input than the sum of it is bounded below.
KEPT = (
    *(
        "abs",
        "at_least",
        "at_most",
        "ceil",
        "divided_by",
        "floor",
        "minus",
        "modulo",
        "plus",
        "round",
        "times",
    ),
    *("append", "capitalize", "downcase", "escape", "escape_once", "lstrip", "newline_to_br", "prepend"),
    *("remove", "remove_first", "remove_last", "replace", "replace_first", "replace_last", "rstrip", "slice"),
    *("split", "squish", "strip", "strip_html", "strip_newlines", "truncate", "truncatewords", "upcase"),
    *("base64_decode", "base64_encode", "base64_url_safe_decode", "base64_url_safe_encode"),
    *("url_decode", "url_encode"),
    *("compact", "concat", "find", "find_index", "first", "has", "join", "last", "map", "reject", "reverse"),
    *("sort", "sort_natural", "sum", "uniq", "where", "default", "size"),
)

_DIRECTIVE = re.compile(r"%(-?)(.)", re.DOTALL)
_PLAIN = frozenset("aAbBdHIjmMpSyYzZ")

Filter = Callable[..., Any]
_encode = msgspec.json.Encoder(enc_hook=str).encode


class TooMuchWork(ValueError):
    """Templates of one firing together cost more than WORK_MAX."""


class Work:
    """What may still be spent on one firing."""

    def __init__(self) -> None:
        self.left = WORK_MAX

    def spend(self, amount: int) -> None:
        self.left -= amount
        if self.left < 0:
            raise TooMuchWork("more loops and filters than one firing may cost")


class Scope(dict[str, Any]):
    """What templates of one firing see, and what they may cost together."""

    def __init__(self, seen: Mapping[str, Any]) -> None:
        super().__init__(seen)
        self.work = Work()


class CountingContext(RenderContext):
    """Counts what is looked up and what filters are given."""

    def __init__(self, template: BoundTemplate, scope: Mapping[str, Any]) -> None:
        super().__init__(template, globals=scope)
        self.work = scope.work if isinstance(scope, Scope) else Work()

    def get(self, path: list[object], *, token: Token | None, default: object = UNDEFINED) -> object:
        found = super().get(path, token=token, default=default)
        self.work.spend(STEP_WORK + (len(found) if isinstance(found, list | dict) else 0))
        return found


def date(
    value: object, form: object = "%Y-%m-%d", zone_name: object = "UTC", *, context: RenderContext
) -> str:
    """A moment as `strftime` writes it; a third argument names a time zone. What is no moment stays as it is."""
    said = context.resolve("now") if value in ("now", "today") else value
    moment = parse_time(said) if isinstance(said, str | int | float) else None
    if moment is None:
        return str(value)
    try:
        local = datetime.fromtimestamp(moment // 1000, UTC).astimezone(zone(str(zone_name)))
    except (ValueError, OverflowError) as error:
        raise FilterArgumentError(str(error), token=None) from error
    return _DIRECTIVE.sub(lambda found: _written(found, local, moment), str(form))


def _written(found: re.Match[str], local: datetime, moment: int) -> str:
    """One directive. None takes a width, which would be as wide as it says."""
    bare, letter = found[1], found[2]
    if letter in _PLAIN:
        text = local.strftime(f"%{letter}")
        return (text.lstrip("0") or "0") if bare else text
    special = {"%": "%", "s": str(moment // 1000), "L": f"{moment % 1000:03d}", "e": f"{local.day:2d}"}
    special |= {"F": f"{local:%Y-%m-%d}", "T": f"{local:%H:%M:%S}", "u": str(local.isoweekday())}
    if letter not in special:
        raise FilterArgumentError(f"date: no directive %{letter}", token=None)
    return special[letter]


def json(value: object) -> str:
    return _encode(value).decode()


def sha256(value: object) -> str:
    """In hex, of the text's UTF-8."""
    return hashlib.sha256(str(value).encode()).hexdigest()


def register(environment: Environment) -> None:
    """What is not kept is gone."""
    known: Mapping[str, Filter] = dict(environment.filters)
    environment.filters.clear()
    for name in KEPT:
        environment.add_filter(name, _bounded(_BEFORE.get(name), known[name]))
    environment.add_filter("date", _bounded(None, with_context(date)))
    environment.add_filter("json", _bounded(None, json))
    environment.add_filter("sha256", _bounded(None, sha256))


def _bounded(before: Callable[..., None] | None, made: Filter) -> Filter:
    wants_context = getattr(made, "with_context", False)

    @wraps(made)  # also the marks by which the engine knows what else it wants
    def bounded(value: Any, *arguments: Any, context: RenderContext, **named: Any) -> Any:
        for each in (value, *arguments):
            _require_small(each)
        if before is not None:
            before(value, *arguments)
        if isinstance(context, CountingContext):
            context.work.spend(_cost(made.__name__, value, arguments))
        own = {"context": context} if wants_context else {}
        return made(value, *arguments, **named, **own)

    return with_context(bounded)


def _cost(name: str, value: object, arguments: tuple[object, ...]) -> int:
    size = sum(
        len(each) for each in (value, *arguments) if isinstance(each, str | list | tuple | range | dict)
    )
    compares_all = name == "uniq" and isinstance(value, list | tuple | range)
    return STEP_WORK + size + (size * size // COMPARISONS_PER_WORK if compares_all else 0)


def _require_small(value: object) -> None:
    if isinstance(value, str):
        _require(len(value) <= TEXT_CHARS_MAX, f"a text of more than {TEXT_CHARS_MAX} characters")
    elif isinstance(value, list | tuple | range):
        _require(len(value) <= ITEMS_MAX, f"more than {ITEMS_MAX} items")
    elif isinstance(value, int):
        _require(value.bit_length() <= NUMBER_BITS_MAX, f"a number of more than {NUMBER_BITS_MAX} bits")


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise FilterArgumentError(f"{what} in a filter", token=None)


def _replaces(value: object, old: object = "", new: object = "", *_: object) -> None:
    text = str(value)
    size = len(text) + text.count(str(old)) * len(str(new))
    _require(size <= TEXT_CHARS_MAX, f"a replacement of more than {TEXT_CHARS_MAX} characters")


def _joins(value: object, separator: object = " ", *_: object) -> None:
    if isinstance(value, list | tuple | range):
        size = sum(len(str(each)) for each in value) + len(value) * len(str(separator))
        _require(size <= TEXT_CHARS_MAX, f"a text of more than {TEXT_CHARS_MAX} characters")


def _rounds(_: object, digits: object = 0, *__: object) -> None:
    _require(not isinstance(digits, int) or abs(digits) <= DIGITS_MAX, f"more than {DIGITS_MAX} digits")
    _require(not isinstance(digits, str) or len(digits) <= 3, "digits that are no number")


_BEFORE: dict[str, Callable[..., None]] = {"replace": _replaces, "join": _joins, "round": _rounds}
