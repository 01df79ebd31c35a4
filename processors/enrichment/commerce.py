"""Ecommerce, typed: the order, cart and amounts of an event of the catalogue's family `ecommerce`, and its products as items.

The items are those of the list `products`; an event about one product (Product Viewed, Product Added, ...) without such a list
is itself the item. A property goes by its name of the second version of the public spec, in camel case, and by what it was called
in the first one (`id`); its own name goes before the others.

What cannot be taken is left out and named; what semantics.py says of types is not said again. Then sums are held against each
other (sums.py). Nothing is ever changed to fit, and nothing is refused.

Deliberately absent: what an event leaves out (a catalogue's name and price), and anything about more than one event: orders are a
view over all reports of them (docs/commerce.md).
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from processors.enrichment.money import amount, currency, quantity
from processors.enrichment.sums import mismatches
from processors.events.parsed import object_of
from schemas.events.call import decode_json
from schemas.wire.stamps import NO_COMMERCE, Commerce, Item, Meaning

FAMILY = "ecommerce"
ITEMS_MAX = 500  # of one event; more are left out
COMPLAINTS_MAX = 16  # of one event; more are not listed
POSITION_MAX = 2**53  # beyond, a number of JSON is no whole number for certain
REMEMBERED_MAX = 4_096  # texts of properties
REMEMBERED_BYTES_MAX = 1_024  # of each
ID_BITS_MAX = 128  # a number with more is no id

_PLACES = [f".products.{index}" for index in range(ITEMS_MAX)]

ONE_PRODUCT = frozenset(
    {
        "Product Clicked",
        "Product Viewed",
        "Product Added",
        "Product Removed",
        "Product Added to Wishlist",
        "Product Removed from Wishlist",
        "Wishlist Product Added to Cart",
        "Product Shared",
        "Product Reviewed",
    }
)
ORDER_EVENTS = frozenset(
    {"Checkout Started", "Order Completed", "Order Updated", "Order Refunded", "Order Cancelled"}
)

Reader = Callable[[Any], tuple[Any, str]]
Fields = dict[str, Any]
# A property that is read: the field it fills, whether of the item, whether this is its own name, and how its value is read, None
# for a text.
Known = tuple[str, bool, bool, Reader | None]


class Typed(msgspec.Struct, frozen=True, gc=False):
    """`said`: what could not be taken, as the violations of a Meaning."""

    commerce: Commerce
    items: tuple[Item, ...]
    said: list[str]


def with_commerce(
    meaning: Meaning, properties: dict[str, Any], text: bytes = b""
) -> tuple[Meaning, Commerce, tuple[Item, ...]]:
    """What an event of this meaning says; the meaning, with what is wrong added to it. `text` is the JSON of `properties`, where
    it is at hand: who looks at a product sends what others who do send, and then it is remembered."""
    if meaning.family != FAMILY:
        return meaning, NO_COMMERCE, ()
    if 0 < len(text) <= REMEMBERED_BYTES_MAX:
        typed = _remembered(meaning.event, text)
    else:
        typed = typed_commerce(meaning.event, properties)
    if typed.said:
        said = (*meaning.violations, *typed.said[:COMPLAINTS_MAX])
        meaning = msgspec.structs.replace(meaning, violations=said)
    return meaning, typed.commerce, typed.items


@lru_cache(REMEMBERED_MAX)
def _remembered(event: str, text: bytes) -> Typed:
    return typed_commerce(event, object_of(decode_json(text)))


def typed_commerce(event: str, properties: dict[str, Any]) -> Typed:
    """`event` is the catalogue's name."""
    said: list[str] = []
    fields: Fields = {}
    item: Fields = {}
    _read(properties, _known_of(event), "", (fields, item, said))
    commerce = Commerce(**fields) if fields else NO_COMMERCE
    listed = properties.get("products")
    if not listed or not isinstance(listed, list):
        return Typed(commerce, (Item(currency=commerce.currency, **item),) if item else (), said)
    items, is_whole = _listed(listed, commerce.currency, said)
    if is_whole and items and len(fields) > 1:
        said.extend(mismatches(commerce, items))
    return Typed(commerce, items, said)


def _read(
    values: dict[str, Any], names: dict[str, Known], place: str, into: tuple[Fields, Fields, list[str]]
) -> None:
    """Fill the fields of the event, those of the item, and what is wrong. `place`: of the event, or which product of its list."""
    fields, item, said = into
    for name, value in values.items():
        if (known := names.get(name)) is None:
            continue
        field, is_of_item, is_own_name, read = known
        found = item if is_of_item else fields
        if not is_own_name and field in found:
            continue
        if read is None:
            kept = value.strip() if type(value) is str else _text(value)
        else:
            kept, complaint = read(value)
            if complaint and len(said) < COMPLAINTS_MAX:
                said.append(f"properties{place}.{name}: {complaint}")
        if kept or (kept is not None and kept != ""):
            found[field] = kept


def _listed(listed: list[Any], default: str, said: list[str]) -> tuple[tuple[Item, ...], bool]:
    """And whether they are all of them, each with what it said: then their sum says something."""
    said_before = len(said)
    items = []
    for index, product in enumerate(listed[:ITEMS_MAX]):
        if isinstance(product, dict):
            item: Fields = {"currency": default}
            _read(product, _ITEM, _PLACES[index], (item, item, said))
            items.append(Item(**item))
    if len(listed) > ITEMS_MAX:
        said.append(f"properties.products: the first {ITEMS_MAX} of {len(listed)} are kept as items")
    return tuple(items), len(items) == len(listed) and len(said) == said_before


def _text(value: object) -> str:
    """Numbers are ids to many shops. What else is no text is left out: semantics.py has named it."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < POSITION_MAX else repr(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() <= ID_BITS_MAX:
        return str(value)
    return ""


def _position(value: object) -> tuple[int, str]:
    if type(value) is int and 0 <= value <= POSITION_MAX:
        return value, ""
    found, said = quantity(value)
    if found is None:
        return 0, said
    whole = int(found)
    return (whole, "") if whole == found and whole <= POSITION_MAX else (0, "left out, no whole number")


_AMOUNTS = ("value", "revenue", "total", "subtotal", "shipping", "tax", "discount")
_ITEM_TEXTS = ("product_id", "sku", "name", "brand", "category", "variant", "coupon")
_EVENT_READERS: dict[str, Reader | None] = {
    **dict.fromkeys(("order_id", "checkout_id", "cart_id", "coupon", "affiliation")),
    **dict.fromkeys(_AMOUNTS, amount),
    "currency": currency,
}
_ITEM_READERS: dict[str, Reader | None] = {
    **dict.fromkeys(_ITEM_TEXTS),
    "price": amount,
    "quantity": quantity,
    "position": _position,
}


def _named(
    readers: dict[str, Reader | None], also: dict[str, tuple[str, ...]], *, is_of_item: bool
) -> dict[str, Known]:
    """By each name that a property goes by."""
    found: dict[str, Known] = {}
    for field, read in readers.items():
        first, *words = field.split("_")
        camel = first + "".join(word.title() for word in words)
        for name in (*also.get(field, ()), camel, field):
            found[name] = (field, is_of_item, name == field, read)
    return found


_ALSO_OF_ITEM: dict[str, tuple[str, ...]] = {"product_id": ("id",)}
_ITEM = _named(_ITEM_READERS | {"currency": currency}, _ALSO_OF_ITEM, is_of_item=True)


@lru_cache(64)
def _known_of(event: str) -> dict[str, Known]:
    """Of an event about one product `coupon` is the product's."""
    also: dict[str, tuple[str, ...]] = {}
    if event.startswith("Coupon "):
        also["coupon"] = ("coupon_id", "couponId")
    if event in ORDER_EVENTS:
        also["order_id"] = ("id",)
    known = _named(_EVENT_READERS, also, is_of_item=False)
    if event in ONE_PRODUCT:
        known |= _named(_ITEM_READERS, _ALSO_OF_ITEM, is_of_item=True)
    return known
