"""What a JSON Schema cannot say of a segment's definition: zones, instants, the order of bounds, patterns, how deep and how many.

Every check looks at one mapping of the document and says what is wrong with it; the walk over the tree is one for all.

Patterns are compiled by RE2, the engine that runs them in ClickHouse: what it has not (look-around, references back) is refused
here and not in a query.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import re2

from schemas.definitions.problems import Path, Problem, place_of
from schemas.segments.segment_columns import wrong_column
from schemas.segments.segment_times import instant_ms
from schemas.segments.segment_tree import DEPTH_MAX, LEAVES_MAX, STEPS_MAX
from schemas.segments.segments import MS, duration_ms
from schemas.values.zones import zone

DURATION_DAYS_MAX = 36_500  # a hundred years: subtracted from now, still a time that ClickHouse has
FILTER_DEPTH_MAX = 8  # of filters within filters
FILTERS_MAX = 64  # of one condition
PATTERN_BYTES_MAX = 8 << 20  # of one compiled pattern: RE2's own default, which ClickHouse leaves as it is

_GROUPS = ("all", "any", "not")
_FILTER_LISTS = ("all_of", "any_of", "none_of")
_FILTER_ELEMENTS = ("any", "all", "none")


def problems_in(document: dict[str, Any]) -> Iterator[Problem]:
    """Of a document whose shape is right."""
    zone_name = document.get("timezone", "")
    if wrong := wrong_zone(zone_name):
        yield Problem("timezone", wrong)
        zone_name = ""
    yield from _of_mappings(document["where"], ("where",), zone_name or "UTC")
    yield from _of_tree(document["where"])


def problems_of_part(part: Any, path: Path, zone_name: str = "UTC") -> Iterator[Problem]:
    """Of a part of another definition: selections, filters, tests of traits and durations as segments have them."""
    yield from _of_mappings(part, path, zone_name)
    if isinstance(part, dict):
        yield from _of_filters(part, path)


def _of_mappings(part: Any, path: Path, zone_name: str) -> Iterator[Problem]:
    for inner, mapping in _mappings(part, path):
        for key, what in (*_of_mapping(mapping, zone_name), *_columns(mapping, inner)):
            yield Problem(place_of((*inner, key)), what)


def wrong_zone(name: str) -> str:
    """ "" for a time zone that there is, and for none."""
    try:
        if name:
            zone(name)
    except ValueError as error:
        return f"{error}: names are those of the time zone database, such as Europe/Berlin, America/New_York, UTC"
    return ""


def _mappings(value: Any, path: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    if isinstance(value, dict):
        yield path, value
        for key, inner in value.items():
            yield from _mappings(inner, (*path, key))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _mappings(inner, (*path, place))


def _of_mapping(mapping: dict[str, Any], zone_name: str) -> Iterator[tuple[str, str]]:
    yield from _durations(mapping)
    yield from _bounds(mapping)
    yield from _instants(mapping, zone_name)
    if wrong := _value(mapping.get("op"), mapping.get("value"), zone_name):
        yield "value", wrong


def _columns(mapping: dict[str, Any], path: Path) -> Iterator[tuple[str, str]]:
    """Within a filter of elements a path is the element's."""
    if any(pair[0] in _FILTER_ELEMENTS and pair[1] == "where" for pair in pairwise(path)):
        return
    for key in ("path", "same"):
        if isinstance(mapping.get(key), str) and (wrong := wrong_column(mapping[key])):
            yield key, wrong


def _value(op: str | None, value: Any, zone_name: str) -> str:
    match op:
        case "between":
            return _DESCENDING if value[0] > value[1] else ""
        case "anniversary":
            return too_long(value)
        case "before" | "after":
            return _no_instant(value, zone_name)
        case "matches":
            return _no_pattern(value)
    return ""


_DESCENDING = "the smaller number comes first: as it is, nothing is between them"


def _durations(mapping: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for key in ("last", "ahead", "within"):
        if isinstance(mapping.get(key), str) and (wrong := too_long(mapping[key])):
            yield key, wrong
    for text in mapping.get("ago", ()):
        if wrong := too_long(text):
            yield "ago", wrong


def too_long(text: str) -> str:
    """Of a duration whose form is right."""
    longest = DURATION_DAYS_MAX * MS["d"]
    return (
        ""
        if duration_ms(text) <= longest
        else f"{text} is more than {DURATION_DAYS_MAX} days, a hundred years"
    )


def _bounds(mapping: dict[str, Any]) -> Iterator[tuple[str, str]]:
    between = mapping.get("between")
    if between is not None and between[0] > between[1]:
        yield "between", _DESCENDING
    if wrong := _ago(*mapping["ago"]) if "ago" in mapping else "":
        yield "ago", wrong


def _ago(near: str, far: str) -> str:
    if duration_ms(near) == duration_ms(far):
        return "an empty window: its two ends are the same"
    return "" if duration_ms(near) < duration_ms(far) else f"the nearer duration comes first: [{far}, {near}]"


def _instants(mapping: dict[str, Any], zone_name: str) -> Iterator[tuple[str, str]]:
    ends = [key for key in ("from", "to") if key in mapping]
    wrong = {key: what for key in ends if (what := _no_instant(mapping[key], zone_name))}
    yield from wrong.items()
    if len(ends) == 2 and not wrong:
        start, end = (instant_ms(mapping[key], zone_name) for key in ends)
        if start >= end:
            yield "to", "is not after `from`: no time is in this window"


def _no_instant(text: str, zone_name: str) -> str:
    try:
        instant_ms(text, zone_name)
    except ValueError as error:
        return str(error)
    return ""


def _no_pattern(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = PATTERN_BYTES_MAX
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        told = error.args[0].decode(errors="replace") if isinstance(error.args[0], bytes) else str(error)
        lacks = _RE2_LACKS if "perl operator" in told or "escape sequence" in told else ""
        return f"not a pattern that ClickHouse can run: {told}{lacks}"
    return ""


_RE2_LACKS = "; RE2 has no look-around (?=..) (?!..) (?<=..) and no references back \\1: a second condition often says the same"


def _of_tree(where: dict[str, Any]) -> Iterator[Problem]:
    leaves = steps = 0
    for path, depth, condition in _conditions(where, ("where",), 1):
        if depth == DEPTH_MAX + 1:
            yield Problem(
                place_of(path),
                f"deeper than {DEPTH_MAX} levels: `all` within `all`, `any` within `any` can be one list",
            )
        if not any(kind in condition for kind in _GROUPS):
            leaves += 1
            steps += len(condition.get("sequence", {}).get("steps", ()))
            yield from _of_filters(condition, path)
    if leaves > LEAVES_MAX:
        yield Problem(
            "where",
            f"{leaves} conditions, at most {LEAVES_MAX}: put alternatives of one property into one `in`",
        )
    if steps > STEPS_MAX:
        yield Problem(
            "where", f"sequences of {steps} steps in all, at most {STEPS_MAX}: make several segments of it"
        )


def _conditions(
    condition: dict[str, Any], path: Path, depth: int
) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    yield path, depth, condition
    for kind in ("all", "any"):
        for place, part in enumerate(condition.get(kind, ())):
            yield from _conditions(part, (*path, kind, place), depth + 1)
    if "not" in condition:
        yield from _conditions(condition["not"], (*path, "not"), depth + 1)


def _of_filters(condition: dict[str, Any], path: Path) -> Iterator[Problem]:
    """Of one condition's filters, wherever in it they stand."""
    depths = [depth for _, depth in _filters(condition, 0)]
    if len(depths) > FILTERS_MAX:
        yield Problem(place_of(path), f"{len(depths)} filters, at most {FILTERS_MAX} in one condition")
    if max(depths, default=0) > FILTER_DEPTH_MAX:
        yield Problem(place_of(path), f"filters within filters more than {FILTER_DEPTH_MAX} levels deep")


def _filters(value: Any, depth: int) -> Iterator[tuple[dict[str, Any], int]]:
    """A list of filters stands under `where`, `having` and the three that join filters; each level of them counts."""
    if isinstance(value, list):
        for each in value:
            yield from _filters(each, depth)
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key in ("where", "having", *_FILTER_LISTS) and isinstance(inner, list):
                yield from ((each, depth + 1) for each in inner)
                yield from _filters(inner, depth + 1)
            else:
                yield from _filters(inner, depth)
