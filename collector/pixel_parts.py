"""Which parts of the pixel's second script a configuration has work for, and the script with those alone. Pure.

The whole script has marks around its parts (collector/pixel/parts.ts): `/*! if a b */` in front of
statements that are there for one of `a` and `b`, `/*! end */` behind them, one within another. What remains is a script as the
whole is: each part is called only within its own marks. Absent: what the parts do.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

_MARK: Final = re.compile(rb"/\*! (if [a-z ]+|end) \*/\n?")
_PLACES: Final = ("page", "query", "meta")


def cut(whole: bytes, wanted: frozenset[str]) -> bytes:
    """Only what is outside of all marks, or within marks that name something wanted."""
    kept, pieces = [True], list[bytes]()
    for index, piece in enumerate(_MARK.split(whole)):
        mark, *names = piece.decode().split() if index % 2 else [""]
        if mark == "end":
            kept.pop()
        elif mark:
            kept.append(kept[-1] and not wanted.isdisjoint(names))
        elif kept[-1]:
            pieces.append(piece)
    return b"".join(pieces)


def parts_of(config: dict[str, Any]) -> frozenset[str]:
    """From what parts_config made; none: the first script does all."""
    events = config.get("events", ())
    parts: set[str] = {name for name in ("emails", "domains") if name in config}
    if events:
        parts.add("views")
    for event in events:
        parts.update(_of_event(event))
    return frozenset(parts | {"automatic"} if parts else ())


def _of_event(event: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in ("pages", "query", "outbound", "properties") if event.get(name))
    by_element = "sight" if "selector" in event else "depth"
    yield by_element if event["on"] == "scroll" else event["on"]
    for taken in event.get("properties", {}).values():
        if isinstance(taken, dict):
            yield from ("place" for name in _PLACES if name in taken)
            yield from ("field",) if "field" in taken else ()
