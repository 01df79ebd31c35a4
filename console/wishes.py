"""What a request asks for besides who: the query's parameters, read strictly. Pure.

A parameter that is unknown, or comes twice where it may come once, is an error: a misspelt filter would answer too much.
"""

from collections.abc import Sequence
from typing import Literal

from console.journey import BadCursor, Cursor, Wish, cursor
from console.times import moment_ms

LIMIT = 50
TYPES = ("track", "page", "screen", "identify", "group", "alias")
JOURNEY = ("limit", "order", "event", "type", "since", "until", "next")
REPEATED = ("event", "type")

Pairs = Sequence[tuple[str, str]]


class BadWish(ValueError):
    """A parameter that cannot be; the text names it and what it may be."""


def known(pairs: Pairs, names: Sequence[str]) -> dict[str, list[str]]:
    """Values by name. Raises BadWish."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in names:
            raise BadWish(f"no such parameter; there are: {', '.join(names) or 'none'}")
        found.setdefault(name, []).append(value)
    for name, values in found.items():
        if len(values) > 1 and name not in REPEATED:
            raise BadWish(f"{name} may be given once")
    return found


def journey_wish(pairs: Pairs, limit_max: int) -> Wish:
    """Raises BadWish."""
    given = known(pairs, JOURNEY)
    types = tuple(given.get("type", ()))
    if unknown := [kind for kind in types if kind not in TYPES]:
        raise BadWish(f"type is one of {', '.join(TYPES)}; {len(unknown)} of those given is none")
    return Wish(
        limit=limit_of(given, limit_max, LIMIT),
        order=_order(given),
        names=tuple(given.get("event", ())),
        types=types,
        since_ms=_moment(given, "since"),
        until_ms=_moment(given, "until"),
        after=_cursor(given),
    )


def limit_of(given: dict[str, list[str]], limit_max: int, default: int) -> int:
    """Raises BadWish."""
    text = given.get("limit", [str(default)])[0]
    if not (text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= limit_max):
        raise BadWish(f"limit is a number from 1 to {limit_max}")
    return int(text)


def is_true(given: dict[str, list[str]], name: str) -> bool:
    """Raises BadWish."""
    text = given.get(name, ["false"])[0]
    if text not in ("true", "false"):
        raise BadWish(f"{name} is true or false")
    return text == "true"


def _order(given: dict[str, list[str]]) -> Literal["asc", "desc"]:
    match given.get("order", ["asc"])[0]:
        case "asc":
            return "asc"
        case "desc":
            return "desc"
    raise BadWish("order is asc (the oldest event first) or desc")


def _moment(given: dict[str, list[str]], name: str) -> int | None:
    if name not in given:
        return None
    try:
        return moment_ms(given[name][0])
    except (ValueError, OverflowError):
        raise BadWish(
            f"{name} is a moment in ISO 8601, as 2026-10-01T00:00:00Z (without a zone: UTC)"
        ) from None


def _cursor(given: dict[str, list[str]]) -> Cursor | None:
    if "next" not in given:
        return None
    try:
        return cursor(given["next"][0])
    except BadCursor as error:
        raise BadWish(f"next: {error}") from None
