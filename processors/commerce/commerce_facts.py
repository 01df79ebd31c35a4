"""Commerce facts: what one event says of a product or of a cart, for agent `commerce`.

Also the messages of topic `commerce.facts` (private: msgpack, versioned): facts of events, orders (schemas/identity/orders.py),
and the *ticks* that tell the agent how late it is, so that time is part of its input. Facts go to the partition of what they are
about. Ordinary events send nothing. Amounts and quantities are whole numbers of millionths.

What names people stays behind: a fact knows a visitor and a subject as node ids, keyed hashes, and nothing that an event carries
of them.
"""

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from processors.events.parsed import ParsedEvent, object_of
from schemas.identity.orders import Order
from schemas.wire.stamps import MONEY_SCALE, Item, Stamps

VERSION = 1
PACK_BYTES_MAX = 700_000
KEY_BYTES_MAX = 255  # of a product's or a cart's id; what is longer is none
NAME_CHARS_MAX = 255  # of a name, a brand, a category, a variant; the rest is cut off
ADDRESS_CHARS_MAX = 1_000  # of an address; a longer one is left out
ITEMS_PER_FACT_MAX = 100  # the first ones

MICRO = Decimal(10) ** MONEY_SCALE

TOUCHED, ADDED, REMOVED, VIEWED, ORDERED = range(5)

CART_EVENTS = {
    "Product Added": ADDED,
    "Product Removed": REMOVED,
    "Cart Viewed": VIEWED,
    "Checkout Started": VIEWED,
    "Checkout Step Viewed": TOUCHED,
    "Checkout Step Completed": TOUCHED,
    "Payment Info Entered": TOUCHED,
    "Coupon Entered": TOUCHED,
    "Coupon Applied": TOUCHED,
    "Order Completed": ORDERED,
}
# What an order says of a product is left out: its prices are what somebody paid.
PRODUCT_EVENTS = frozenset(
    {
        *(
            "Product Viewed",
            "Product Clicked",
            "Product Added",
            "Product List Viewed",
            "Product List Filtered",
        ),
        *("Product Shared", "Product Added to Wishlist"),
    }
)


class Values(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The catalogue fields of a product as one event states them; what it does not state is "" or None."""

    name: str = ""
    brand: str = ""
    category: str = ""
    variant: str = ""
    currency: str = ""
    url: str = ""
    image_url: str = ""
    price: int | None = None


NO_VALUES = Values()


class ProductFact(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """`product` is its id, or its sku where it has no id."""

    workspace: str
    product: str
    time: int
    values: Values


class Line(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """So many of one product, in a cart or in what an event says of it."""

    product: str
    name: str = ""
    variant: str = ""
    currency: str = ""
    quantity: int | None = None
    price: int | None = None


class CartFact(msgspec.Struct, array_like=True, frozen=True):
    """One event about a cart. `cart_id` is "" where the event names none: then it is the visitor's. `message` is the hash of
    its message id; `time` is never later than its receipt, since nothing happens after it was told."""

    workspace: str
    cart_id: str
    visitor: int
    subject: int
    source: str
    time: int
    message: int
    kind: int
    lines: list[Line]

    @property
    def key(self) -> bytes:
        """What it is about; its partition and its state go by this."""
        return cart_key(self.workspace, self.cart_id, self.visitor)


class FactPack(msgspec.Struct, array_like=True, frozen=True):
    """One message: everything for one partition. `tick` is a moment (ms), 0 for none; orders and tick come after the facts."""

    version: int
    carts: list[CartFact]
    products: list[ProductFact]
    tick: int = 0
    orders: list[Order] = []


class UnknownCommerceVersion(ValueError):
    """Facts of a later release: the reader must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
encode_values: Callable[[Values], bytes] = _encode  # the same bytes for the same values
_decode = msgspec.msgpack.Decoder(FactPack).decode


def cart_key(workspace: str, cart_id: str, visitor: int) -> bytes:
    return (f"{workspace}|c:{cart_id}" if cart_id else f"{workspace}|v:{visitor:016x}").encode()


def product_key(workspace: str, product: str) -> bytes:
    return f"{workspace}|p:{product}".encode()


def cart_fact(event: ParsedEvent, stamps: Stamps, subject: int, message: int) -> CartFact:
    """Of one of `CART_EVENTS`."""
    kind = CART_EVENTS[stamps.meaning.event]
    cart_id = stamps.commerce.cart_id
    return CartFact(
        workspace=event.packed.workspace,
        cart_id=cart_id if _is_key(cart_id) else "",
        visitor=stamps.visitor,
        subject=subject,
        source=event.packed.source,
        time=min(event.times.happened, event.received_at),
        message=message,
        kind=kind,
        lines=[] if kind in (TOUCHED, ORDERED) else _lines(stamps),
    )


def product_facts(event: ParsedEvent, stamps: Stamps) -> list[ProductFact]:
    """One for each product of which the event states a catalogue field."""
    found: list[ProductFact] = []
    if stamps.meaning.event not in PRODUCT_EVENTS:
        return found
    workspace, time = event.packed.workspace, min(event.times.happened, event.received_at)
    currency = stamps.commerce.currency
    objects = _objects(event.properties, len(stamps.items))
    for place, item in enumerate(stamps.items[:ITEMS_PER_FACT_MAX]):
        if (product := _product(item)) and (values := _values(item, objects[place], currency)) != NO_VALUES:
            found.append(ProductFact(workspace, product, time, values))
    return found


def _objects(properties: dict[str, Any], count: int) -> Sequence[object]:
    """Where the items were read from, for what is not typed of them: the listed ones, or the event's own properties."""
    listed = properties.get("products")
    if isinstance(listed, list):
        return listed if len(listed) == count else [None] * count
    return [properties] * count


def _values(item: Item, said: object, currency: str) -> Values:
    found, price = object_of(said), item.price
    return Values(
        name=_name(item.name),
        brand=_name(item.brand),
        category=_name(item.category),
        variant=_name(item.variant),
        currency="" if price is None else _name(item.currency or currency),
        url=_address(found.get("url")),
        image_url=_address(found.get("image_url") or found.get("imageUrl")),
        price=_micro(price),
    )


def _lines(stamps: Stamps) -> list[Line]:
    currency = stamps.commerce.currency
    return [
        Line(
            product=product,
            name=_name(item.name),
            variant=_name(item.variant),
            currency=_name(item.currency or currency),
            quantity=_micro(item.quantity),
            price=_micro(item.price),
        )
        for item in stamps.items[:ITEMS_PER_FACT_MAX]
        if (product := _product(item))
    ]


def _product(item: Item) -> str:
    product, sku = item.product_id, item.sku
    return product if _is_key(product) else sku if _is_key(sku) else ""


def _is_key(value: str) -> bool:
    if not 0 < len(value) <= KEY_BYTES_MAX:
        return False
    return value.isascii() or len(value.encode()) <= KEY_BYTES_MAX


def _name(value: str) -> str:
    return value if len(value) <= NAME_CHARS_MAX else value[:NAME_CHARS_MAX]


def _address(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= ADDRESS_CHARS_MAX else ""


def _micro(amount: Decimal | None) -> int | None:
    return None if amount is None else int(amount * MICRO)


def encode_facts(carts: list[CartFact], products: list[ProductFact]) -> Iterator[bytes]:
    """Messages that Kafka takes: a pack that is too large becomes two."""
    message = _encode(FactPack(VERSION, carts, products))
    if len(message) <= PACK_BYTES_MAX or len(carts) + len(products) < 2:
        yield message
    else:
        cart_half, half = (len(carts) + 1) // 2, len(products) // 2
        yield from encode_facts(carts[:cart_half], products[:half])
        yield from encode_facts(carts[cart_half:], products[half:])


def encode_tick(moment: int) -> bytes:
    """It is so late (ms since the epoch)."""
    return _encode(FactPack(VERSION, [], [], moment))


def encode_orders(orders: list[Order]) -> bytes:
    return _encode(FactPack(VERSION, [], [], 0, orders))


def decode_facts(value: bytes) -> FactPack:
    """Raises msgspec.DecodeError (no pack of facts) or UnknownCommerceVersion."""
    pack = _decode(value)
    if pack.version != VERSION:
        raise UnknownCommerceVersion(
            f"commerce facts version {pack.version}, this release reads {VERSION}: upgrade the processors first"
        )
    return pack
