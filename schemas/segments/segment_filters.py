"""Filters and selections of events as SQL: conditions on one row of `events`.

Elements of `items` are tested with the fields that a filter names and no others, elements of other lists as JSON.
Deliberately absent: windows and measures (segment_events.py).
"""

from collections.abc import Sequence

from schemas.segments.segment_columns import is_item_field
from schemas.segments.segment_operators import Asked, test
from schemas.segments.segment_paths import Place, is_items, json_of, place_of, value_at
from schemas.segments.segment_sql import Parameters
from schemas.segments.segments import ElementFilter, Filter, Selection, paths_named

ANY_EVENT = "*"


class Rows:
    """What one leaf asks of rows: its instant and zone, and where values go."""

    def __init__(self, at_ms: int, zone: str, parameters: Parameters) -> None:
        self.at_ms = at_ms
        self.zone = zone
        self.parameters = parameters

    def selection(self, selected: Selection) -> list[str]:
        """Conditions that all hold for a matching row."""
        place = place_of(selected.event)
        return [*self._named(selected), *(self.filter(each, place) for each in selected.where)]

    def filters(self, filters: Sequence[Filter], selected: Selection) -> list[str]:
        return [self.filter(each, place_of(selected.event)) for each in filters]

    def filter(self, each: Filter, place: Place) -> str:
        for listed, joined, turned in (
            (each.all_of, " AND ", ""),
            (each.any_of, " OR ", ""),
            (each.none_of, " OR ", "NOT "),
        ):
            if listed is not None:
                return f"{turned}({joined.join(self.filter(inner, place) for inner in listed)})"
        if each.path is None:
            return self._elements(each, place)
        assert each.op is not None
        asked = Asked(each.op, each.value, hint_of(each.path), self.at_ms, self.zone)
        return test(value_at(each.path, place), asked, self.parameters)

    def _elements(self, each: Filter, place: Place) -> str:
        for filters, function, turned in (
            (each.any, "arrayExists", ""),
            (each.all, "arrayAll", ""),
            (each.none, "arrayExists", "NOT "),
        ):
            if filters is not None:
                return f"{turned}{function}({self._element_test(filters, place)})"
        raise AssertionError("a filter says something")

    def _element_test(self, filters: ElementFilter, place: Place) -> str:
        fields = tuple(dict.fromkeys(paths_named(filters.where)))
        if is_items(filters.path, place) and all(is_item_field(field) for field in fields):
            inner = Place(fields=fields)
            tests = " AND ".join(self.filter(each, inner) for each in filters.where)
            arrays = ", ".join(f"items.{field}" for field in fields)
            names = fields[0] if len(fields) == 1 else f"({', '.join(fields)})"
            return f"{names} -> {tests}, {arrays}"
        name = f"{place.element or ''}element"
        tests = " AND ".join(self.filter(each, Place(element=name)) for each in filters.where)
        return f"{name} -> {tests}, JSONExtractArrayRaw({json_of(value_at(_json_path(filters.path, place), place))})"

    def _named(self, selected: Selection) -> list[str]:
        if selected.event == ANY_EVENT:
            if selected.type is None:
                return ["type IN ('track', 'page', 'screen')"]
            return [f"type = '{selected.type}'"]
        names = [selected.event] if isinstance(selected.event, str) else sorted(set(selected.event))
        kind = ("String", names[0]) if len(names) == 1 else ("Array(String)", names)
        sign = "=" if len(names) == 1 else "IN"
        place = self.parameters.place(names[0], *kind)
        if selected.type in ("page", "screen"):
            return [f"type = '{selected.type}'", f"name {sign} {place}"]
        return [f"event {sign} {place}"]


def hint_of(path: str) -> str:
    """After what a value's parameter is named: the last part of its path."""
    return path.rpartition(".")[2] or path


def _json_path(path: str, place: Place) -> str:
    """Where the elements stand whose fields have no columns."""
    if place.element or not is_items(path, place):
        return path
    return "properties.products" if path == "products" else "properties.items"
