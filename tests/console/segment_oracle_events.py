"""Which events a selection means, what stands at a path of one, and whether it passes filters.

Shares no code with what is tested.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any

from schemas.segments.segments import ElementFilter, Filter, Selection
from tests.console.segment_data import Happened, World
from tests.console.segment_oracle_values import Now, holds, number, text

EVERY = ("track", "page", "screen")
TYPED = ("page", "touch", "device", "place", "commerce", "visit", "items", "consent", "bot")
AMOUNTS = ("revenue", "total", "subtotal", "shipping", "tax", "discount", "value")
COMMERCE = (*AMOUNTS, "order_id", "cart_id", "coupon", "currency", "affiliation")
ITEM_FIELDS = (
    "product_id",
    "sku",
    "name",
    "brand",
    "category",
    "variant",
    "coupon",
    "currency",
    "price",
    "quantity",
    "position",
)
# Those of the catalogue that the data here have, by their canonical names.
ECOMMERCE = ("Order Completed", "Order Refunded", "Product Viewed", "Product Added", "Cart Viewed")

_EXACT = Context(prec=60)
_MICRO = Decimal("0.000001")


def matches(event: Happened, selection: Selection, now: Now) -> bool:
    types = (selection.type,) if selection.type else EVERY if selection.event == "*" else ("track",)
    names = [selection.event] if isinstance(selection.event, str) else selection.event
    is_named = selection.event == "*" or event.name in names
    return (
        event.type in types
        and is_named
        and all(passes(event, one, selection, now) for one in selection.where)
    )


def passes(event: Happened, condition: Filter, selection: Selection, now: Now) -> bool:
    return _passes(lambda path: value_at(event, path, selection), condition, now)


def _passes(at: Any, condition: Filter, now: Now) -> bool:
    if condition.all_of is not None:
        return all(_passes(at, one, now) for one in condition.all_of)
    if condition.any_of is not None:
        return any(_passes(at, one, now) for one in condition.any_of)
    if condition.none_of is not None:
        return not any(_passes(at, one, now) for one in condition.none_of)
    if condition.path is not None:
        assert condition.op is not None
        return holds(condition.op, at(condition.path), condition.value, now)
    return _of_elements(at, condition, now)


def _of_elements(at: Any, condition: Filter, now: Now) -> bool:
    """`all` and `none` of no elements hold."""
    if condition.any is not None:
        return any(_elements_pass(at, condition.any, now))
    if condition.all is not None:
        return all(_elements_pass(at, condition.all, now))
    assert condition.none is not None
    return not any(_elements_pass(at, condition.none, now))


def _elements_pass(at: Any, condition: ElementFilter, now: Now) -> list[bool]:
    found = at(condition.path)
    elements = found if isinstance(found, list) else []
    return [all(_passes(_within(element), one, now) for one in condition.where) for element in elements]


def _within(element: Any) -> Any:
    return lambda path: reached(element, path.split("."))


def value_at(event: Happened, path: str, selection: Selection) -> Any:
    """None for nothing there, which a typed text says by being empty."""
    parts = path.split(".")
    if is_commerce(selection) and parts[0] == "products":
        return _items(event, parts[1:])
    if is_commerce(selection) and path in COMMERCE:
        parts = ["commerce", path]
    if parts[0] == "items":
        return _items(event, parts[1:])
    if parts[0] in ("name", "source"):
        return getattr(event, parts[0]) or None
    if parts[0] in TYPED:
        return present(reached(event.typed, parts))
    return reached(event.properties, parts[1:] if parts[0] == "properties" else parts)


def is_commerce(selection: Selection) -> bool:
    names = [selection.event] if isinstance(selection.event, str) else selection.event
    return all(name in ECOMMERCE for name in names)


def _items(event: Happened, parts: list[str]) -> Any:
    """Of a field that items lack the client's own text is read."""
    if parts and parts[0] not in ITEM_FIELDS:
        return reached(event.properties, ["products", *parts])
    found = reached(event.typed.get("items", []), parts)
    return (
        [one for one in found if present(one) is not None] or None if parts and found is not None else found
    )


def present(value: Any) -> Any:
    return None if value == "" else value


def reached(value: Any, parts: list[str]) -> Any:
    """Down a path; through a list: of each element that has it."""
    if not parts or value is None:
        return value
    if isinstance(value, list):
        found = [reached(element, parts) for element in value]
        there = [one for one in found if one is not None]
        return [inner for one in there for inner in (one if isinstance(one, list) else [one])] or None
    return reached(value.get(parts[0]), parts[1:]) if isinstance(value, dict) else None


def texts(event: Happened, path: str, selection: Selection) -> set[str]:
    """What `distinct` counts and `same` compares: the texts of what is there."""
    found = value_at(event, path, selection)
    values = found if isinstance(found, list) else [found]
    return {said for value in values if (said := text(value))}


def amounts(event: Happened, path: str, selection: Selection, world: World) -> list[Fraction]:
    """The numbers at a path; typed amounts in the base currency. What is none, or no rate converts, is skipped."""
    found = value_at(event, path, selection)
    values = found if isinstance(found, list) else [found]
    numbers = [one for value in values if (one := number(value)) is not None]
    name = path.removeprefix("commerce.")
    if name in AMOUNTS and (path.startswith("commerce.") or is_commerce(selection)):
        currency = event.typed.get("commerce", {}).get("currency", "")
        return [
            one
            for one in (converted(value, currency, event.at, world) for value in numbers)
            if one is not None
        ]
    return numbers


def converted(amount: Fraction, currency: str, at: int, world: World) -> Fraction | None:
    rate = rate_of(currency or world.base_currency, datetime.fromtimestamp(at / 1000, UTC).date(), world)
    if rate is None:
        return None
    exact = _EXACT.multiply(Decimal(amount.numerator) / Decimal(amount.denominator), rate)
    return Fraction(exact.quantize(_MICRO, ROUND_HALF_EVEN, _EXACT))


def rate_of(currency: str, day: date, world: World) -> Decimal | None:
    if currency == world.base_currency:
        return Decimal(1)
    known: Mapping[date, Decimal] = dict(world.rates.get(currency, ()))
    days = [since for since in known if since <= day]
    return known[max(days)] if days else None
