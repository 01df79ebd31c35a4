"""What a dotted path of a filter reads in one event: a typed part of the record, or a property.

What segment_paths.py says in SQL, in Python; which path means which column stands in segment_columns.py for both.
A path becomes a function once, when a rule is compiled. Pure.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeAlias

import msgspec

from processors.rules.rule_values import text_of
from processors.rules.rule_view import EventView, property_at
from schemas.segments.segment_columns import (
    FLAGS,
    ITEM_TEXTS,
    ITEMS,
    LISTS,
    MOMENTS,
    NUMBERS,
    PROPERTIES,
    TEXTS,
    column_of,
    is_items,
)
from schemas.segments.segment_windows import EPOCH
from schemas.values.json_values import inner_of

PAGE = ("url", "path", "title", "referrer", "search")  # the parts of the column, in their order

Getter: TypeAlias = Callable[
    [EventView, Any], Any
]  # of an event, and of the element in which the path stands


class Place(msgspec.Struct, frozen=True):
    """Where paths are read: in an event, in an element of a list of JSON, or in an item of `items`."""

    is_commerce: bool = False
    is_element: bool = False
    is_item: bool = False


def getter(path: str, place: Place) -> Getter:
    """None is missing; texts, numbers, booleans, decimals, lists of these, and objects."""
    if place.is_item:
        return _item_field(path)
    if place.is_element:
        return _inside(path.split("."))
    if is_items(path, of_commerce=place.is_commerce):
        return lambda view, _: view.record[ITEMS] or None
    column = column_of(path, of_commerce=place.is_commerce)
    return _column(column) or _property(column if column.startswith(PROPERTIES) else path)


def _column(column: str) -> Getter | None:
    if column in TEXTS:
        return _text(column)
    if column in LISTS:
        return _list(column)
    if column in NUMBERS:
        return _number(column)
    if column in MOMENTS:
        return _moment(column)
    if column in FLAGS:
        return _stated(column)
    if column.startswith(f"{ITEMS}."):
        return _field_of_items(column.removeprefix(f"{ITEMS}."))
    return None


def _stated(column: str) -> Getter:
    """As it stands in the record."""
    head, *rest = column.split(".")

    def read(view: EventView, _: Any) -> Any:
        found = view.record[head]
        for key in rest:
            found = found[key]
        return found

    return read


def _text(column: str) -> Getter:
    if column.startswith("page."):  # a column of its own, which ClickHouse makes of the context
        return _page(column.removeprefix("page."))
    read = _stated(column)
    return lambda view, element: read(view, element) or None


def _page(field: str) -> Getter:
    number = PAGE.index(field)

    def read(view: EventView, _: Any) -> Any:
        page = view.parsed("context").get("page")
        if isinstance(page, list):  # the column is made of a list's elements too
            found = page[number] if number < len(page) else None
        else:
            found = page.get(field) if isinstance(page, dict) else None
        return None if found is None else _as_text(found) or None

    return read


def _as_text(value: Any) -> str:
    return msgspec.json.encode(value).decode() if isinstance(value, dict | list) else text_of(value)


def _list(column: str) -> Getter:
    read = _stated(column)
    return lambda view, element: [each for each in read(view, element) if each != ""] or None


def _number(column: str) -> Getter:
    read = _stated(column)
    if column == "visit.number":
        return lambda view, element: read(view, element) or None
    return read


def _moment(column: str) -> Getter:
    read = _stated(column)

    def moment(view: EventView, element: Any) -> str | None:
        ms = read(view, element)
        written = (EPOCH + timedelta(milliseconds=ms)).isoformat(timespec="milliseconds")
        return written.replace("+00:00", "Z") if ms else None

    return moment


def _field_of_items(field: str) -> Getter:
    read = _item_field(field)

    def listed(view: EventView, _: Any) -> list[Any] | None:
        return [found for item in view.record[ITEMS] if (found := read(view, item)) is not None] or None

    return listed


def _item_field(field: str) -> Getter:
    if field in ITEM_TEXTS or field == "position":
        return lambda _, item: item[field] or None
    return lambda _, item: item[field]


def _property(path: str) -> Getter:
    dotted = path.removeprefix(PROPERTIES)
    return lambda view, _: property_at(view.flat, dotted)


def _inside(keys: list[str]) -> Getter:
    def read(_: EventView, element: Any) -> Any:
        for key in keys:
            element = inner_of(element, key)
        return element

    return read
