"""What a dotted path means in SQL: a typed column of `events`, or a property's JSON.

A path that is the name of a typed column is that column; where every event of a selection is one of the catalogue's
ecommerce events, the spec's own names (`products`, `revenue`, `order_id`) go to the typed columns too. Everything else is a
property: JSON, read by the rules for values of traits (segment_words.py). Deliberately absent: what is asked of a value
(segment_operators.py).
"""

from collections.abc import Sequence
from typing import Literal, TypeAlias

import msgspec

from schemas.segments import segment_columns
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
    is_commerce,
)
from schemas.segments.segment_sql import backquoted, quoted

# What a key of a JSON column cannot begin with: the engine would take it for the question of a type, or of an object.
_TAKEN = (":`", "^`")

Form: TypeAlias = Literal["text", "number", "flag", "moment", "json", "texts", "numbers"]


class Value(msgspec.Struct, frozen=True):
    """`sql` by form: text ('' is missing), number (NULL is missing), flag, moment; texts and numbers are arrays of these.
    json: text of JSON ('null' is missing); `also`: SQL that says whether there is an object instead. `currency`: SQL of an
    amount's, of each element's."""

    form: Form
    sql: str
    also: str = ""
    currency: str = ""


class Place(msgspec.Struct, frozen=True):
    """Where paths are read: in an event, whose selection names ecommerce events alone or not, or in an element of a list."""

    is_commerce: bool = False
    element: str = ""  # SQL of its JSON text
    fields: tuple[str, ...] | None = None  # of an item of `items`, whose fields are variables


def place_of(events: str | Sequence[str]) -> Place:
    return Place(is_commerce=is_commerce(events))


def value_at(path: str, place: Place) -> Value:
    if place.fields is not None:
        return _item_field(path)
    if place.element:
        return _inside(place.element, path)
    if is_items(path, place):
        return Value("json", "replaceOne(toJSONString(items), '[]', 'null')")
    return _column(column_of(path, of_commerce=place.is_commerce)) or _property(path)


def _column(column: str) -> Value | None:
    if column in TEXTS:
        return Value("text", column)
    if column in LISTS:
        return Value("texts", column)
    if column in NUMBERS:
        return _number(column)
    if column in MOMENTS:
        return Value("moment", column)
    if column in FLAGS:
        return Value("flag", column)
    if column.startswith(f"{ITEMS}."):
        return _field_of_items(column.removeprefix(f"{ITEMS}."))
    return None


def is_items(path: str, place: Place) -> bool:
    return segment_columns.is_items(path, of_commerce=place.is_commerce)


def json_of(value: Value) -> str:
    """The value as JSON text, never NULL."""
    sql = value.sql
    if value.form == "json":
        return sql
    if value.form == "text":
        return f"if({sql} = '', 'null', toJSONString({sql}))"
    if value.form == "number":
        return f"ifNull(toString({sql}), 'null')"
    if value.form == "flag":
        return f"if({sql}, 'true', 'false')"
    if value.form == "moment":
        return f"if(toUnixTimestamp64Milli({sql}) = 0, 'null', concat('\"', replaceOne(toString({sql}), ' ', 'T'), 'Z\"'))"
    kept = "each -> each != ''" if value.form == "texts" else "each -> isNotNull(each)"
    return f"replaceOne(toJSONString(arrayFilter({kept}, {sql})), '[]', 'null')"


def property_json(path: str) -> str:
    """JSON text of a property; where one of its parents is a list, of what each element has there, as a list."""
    keys = path.removeprefix(PROPERTIES).split(".")
    if _is_taken(keys):
        return inner("toJSONString(properties)", keys)
    within = [
        f"nullIf(toJSONString(arrayFilter(each -> isNotNull(each), {_dotted(keys[:n])}[].{_keys(keys[n:])})), '[]')"
        for n in range(1, len(keys))
    ]
    return f"coalesce({', '.join([f'toJSONString({_dotted(keys)})', *within])}, 'null')"


def _property(path: str) -> Value:
    keys = path.removeprefix(PROPERTIES).split(".")
    if _is_taken(keys):
        return Value("json", property_json(path))
    return Value("json", property_json(path), also=f"toJSONString(properties.^{_keys(keys)}) != '{{}}'")


def _is_taken(keys: Sequence[str]) -> bool:
    return any(key.startswith(_TAKEN) for key in keys)


def _number(column: str) -> Value:
    if column == "visit.number":
        return Value("number", f"nullIf({column}, 0)")
    if column == "bot.score":
        return Value("number", column)
    return Value("number", column, currency="commerce.currency")


def _field_of_items(field: str) -> Value:
    sql = f"{ITEMS}.{field}"
    if field in ITEM_TEXTS:
        return Value("texts", sql)
    if field == "position":
        return Value("numbers", f"arrayMap(each -> nullIf(each, 0), {sql})")
    return Value("numbers", sql, currency="items.currency" if field == "price" else "")


def _item_field(field: str) -> Value:
    if field in ITEM_TEXTS:
        return Value("text", field)
    return Value("number", f"nullIf({field}, 0)" if field == "position" else field)


def _inside(json: str, path: str) -> Value:
    return Value("json", inner(json, path.split(".")))


def inner(json: str, keys: Sequence[str]) -> str:
    """JSON text of what is reached by the keys, through lists too."""
    for key in keys:
        json = f"inner_of({json}, {quoted(key)})"
    return json


def _dotted(keys: Sequence[str]) -> str:
    return f"properties.{_keys(keys)}"


def _keys(keys: Sequence[str]) -> str:
    return ".".join(backquoted(key) for key in keys)
