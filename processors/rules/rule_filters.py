"""Filters and selections, as segments have them, asked of one event in Python: what segment_filters.py says in SQL, with
the same answers (tests/processors/rules/test_rule_filters.py asks both).

Each is compiled once to a function. Its instant, for operators that ask how far away a date is, is when the event was
received, so that a replay answers the same. Pure.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeAlias

from processors.rules.rule_operators import UTC_ZONE, value_check
from processors.rules.rule_paths import Getter, Place, getter
from processors.rules.rule_view import EventView
from schemas.segments.segment_columns import is_commerce, is_item_field, is_items
from schemas.segments.segments import ElementFilter, Filter, Selection, paths_named

Check: TypeAlias = Callable[[EventView, int], bool]
_Inner: TypeAlias = Callable[[EventView, Any, int], bool]  # `Any`: the element in which the filter stands

ANY_EVENT = "*"
ANY_EVENT_TYPES = ("track", "page", "screen")


def filters_check(filters: Sequence[Filter], events: str | Sequence[str], zone: str = UTC_ZONE) -> Check:
    """Whether an event passes all of them. `events`: the names of the selection that they stand in, which decide what short
    names of ecommerce mean."""
    place = Place(is_commerce=bool(events) and is_commerce(events))
    checks = [_filter(each, place, zone) for each in filters]
    return lambda view, at_ms: all(check(view, None, at_ms) for check in checks)


def selection_check(selected: Selection, zone: str = UTC_ZONE) -> Check:
    """Of an event whose name and type are the selection's: `names_of` and `types_of` say which those are."""
    return filters_check(selected.where, selected.event, zone)


def types_of(selected: Selection) -> tuple[str, ...]:
    """Of the events that a selection means."""
    if selected.type is not None:
        return (selected.type,)
    return ANY_EVENT_TYPES if selected.event == ANY_EVENT else ("track",)


def names_of(selected: Selection) -> tuple[str, ...]:
    """Of tracks their name, of pages and screens theirs; `*` is every one."""
    return (selected.event,) if isinstance(selected.event, str) else tuple(selected.event)


def _filter(each: Filter, place: Place, zone: str) -> _Inner:
    for listed, joined in ((each.all_of, _all), (each.any_of, _any), (each.none_of, _none)):
        if listed is not None:
            return joined([_filter(inner, place, zone) for inner in listed])
    if each.path is None:
        return _elements(each, place, zone)
    assert each.op is not None
    read, check = getter(each.path, place), value_check(each.op, each.value, zone)
    return lambda view, element, at_ms: check(read(view, element), at_ms)


def _all(checks: list[_Inner]) -> _Inner:
    return lambda view, element, at_ms: all(check(view, element, at_ms) for check in checks)


def _any(checks: list[_Inner]) -> _Inner:
    return lambda view, element, at_ms: any(check(view, element, at_ms) for check in checks)


def _none(checks: list[_Inner]) -> _Inner:
    return lambda view, element, at_ms: not any(check(view, element, at_ms) for check in checks)


def _elements(each: Filter, place: Place, zone: str) -> _Inner:
    for filters, joined in ((each.any, any), (each.all, all), (each.none, None)):
        if filters is not None:
            return _element_check(filters, place, zone, joined)
    raise AssertionError("a filter says something")


def _element_check(
    filters: ElementFilter, place: Place, zone: str, joined: Callable[[Iterator[bool]], bool] | None
) -> _Inner:
    """`joined` None: no element passes."""
    fields = list(paths_named(filters.where))
    is_typed = is_items(filters.path, of_commerce=place.is_commerce) and all(map(is_item_field, fields))
    inner = Place(is_item=True) if is_typed else Place(is_element=True)
    passes = _all([_filter(each, inner, zone) for each in filters.where])
    listed = _items if is_typed else _listed(filters.path, place)

    def check(view: EventView, element: Any, at_ms: int) -> bool:
        found = (passes(view, each, at_ms) for each in listed(view, element))
        return joined(found) if joined is not None else not any(found)

    return check


def _items(view: EventView, _: Any) -> list[Any]:
    found: list[Any] = view.record["items"]
    return found


def _listed(path: str, place: Place) -> Callable[[EventView, Any], list[Any]]:
    read: Getter = getter(_json_path(path, place), place)

    def listed(view: EventView, element: Any) -> list[Any]:
        found = read(view, element)
        return found if isinstance(found, list) else []

    return listed


def _json_path(path: str, place: Place) -> str:
    """Where the elements stand whose fields have no columns."""
    if place.is_element or place.is_item or not is_items(path, of_commerce=place.is_commerce):
        return path
    return "properties.products" if path == "products" else "properties.items"
