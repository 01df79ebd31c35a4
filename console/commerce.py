"""A person's orders, what they are worth, and their carts: SQL and what is made of its answers. Pure.

Orders are view `orders`, asked for the orders that the person's events name: whose an order is, all who reported it decide.
Carts are as in view `carts`, with the person's orders alone.
"""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec

from console.people import Person, Place
from console.question import Question
from console.times import iso

ORDERS_MAX = 1_000
CARTS_MAX = 1_000

_ORDERS = """\
SELECT
    order_id, message_id, ordered_at, changed_at, toString(status), is_reported, currency, amount, refunded, net,
    base_currency, amount_base, refunded_base, net_base, unconverted, items,
    countIf(is_reported AND status != 'cancelled') OVER () AS counted,
    countIf(is_reported AND status = 'cancelled') OVER () AS cancelled,
    sumIf(amount_base, is_reported AND status != 'cancelled') OVER () AS revenue,
    sumIf(refunded_base, is_reported AND status != 'cancelled') OVER () AS refunds,
    sumIf(net_base, is_reported) OVER () AS lifetime_value
FROM orders
WHERE workspace = {workspace:String} AND profile = {profile:UInt64} AND (order_id, message_id) IN (
    SELECT DISTINCT commerce.order_id, if(commerce.order_id = '', message_id, '')
    FROM events
    THEIRS
        AND meaning.event IN ('Order Completed', 'Order Updated', 'Order Cancelled', 'Order Refunded')
)
ORDER BY ordered_at DESC, order_id, message_id
LIMIT {limit:UInt64}"""

_CARTS = """\
SELECT
    c.cart_id, lower(leftPad(hex(c.cart), 16, '0')), toString(c.source), c.active_at, toString(c.currency), c.value, c.items,
    greatest(
        if(c.ordered_at >= c.active_at, c.ordered_at, fromUnixTimestamp64Milli(0, 'UTC')),
        if(o.timestamp >= c.active_at, o.timestamp, fromUnixTimestamp64Milli(0, 'UTC'))
    ) AS ordered,
    a.timestamp AS abandoned,
    multiIf(toUnixTimestamp64Milli(ordered) > 0, 'ordered', toUnixTimestamp64Milli(abandoned) > 0, 'abandoned', 'open')
FROM
(
    SELECT
        *,
        concat('cart-abandoned-', lower(leftPad(hex(cart), 16, '0')), '-', toString(toUnixTimestamp64Milli(active_at))) AS fired
    FROM cart_states FINAL
    WHERE workspace = {workspace:String} AND subject IN {subjects:Array(UInt64)}
        AND dictGetOrDefault(
            ROOTS,
            'root',
            dictGetOrDefault(SEGMENTS, 'owner', subject, toUnixTimestamp64Milli(active_at), subject) AS owner,
            owner
        ) = {profile:UInt64}
) AS c
ASOF LEFT JOIN
(
    SELECT workspace, timestamp FROM events THEIRS AND meaning.event = 'Order Completed'
) AS o ON o.workspace = c.workspace AND o.timestamp >= c.active_at
LEFT ANY JOIN
(
    SELECT message_id, timestamp FROM events WHERE workspace = {workspace:String} AND event = 'Cart Abandoned'
        AND subject IN {subjects:Array(UInt64)}
) AS a ON a.message_id = c.fired
ORDER BY c.active_at DESC, c.cart
LIMIT {limit:UInt64}"""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Amounts are decimals as text, None where they are not known; those `_base` are in the workspace's currency."""

    order_id: str
    message_id: str
    ordered_at: str
    changed_at: str
    status: str
    is_reported: bool
    currency: str
    amount: Decimal | None
    refunded: Decimal | None
    net: Decimal | None
    base_currency: str
    amount_base: Decimal | None
    refunded_base: Decimal | None
    net_base: Decimal | None
    unconverted: list[str]
    items: list[dict[str, Any]]


class Value(msgspec.Struct, frozen=True):
    """As in view `customers`: orders that were cancelled do not count, `lifetime_value` is what is left after refunds."""

    orders: int
    cancelled: int
    revenue: Decimal
    refunds: Decimal
    lifetime_value: Decimal
    currency: str


class Cart(msgspec.Struct, frozen=True):
    """`status` is open, abandoned or ordered."""

    cart_id: str
    cart: str
    source: str
    active_at: str
    currency: str
    value: Decimal | None
    items: list[dict[str, Any]]
    ordered_at: str | None
    abandoned_at: str | None
    status: str


def orders_of(place: Place, person: Person) -> Question:
    return place.asking(_ORDERS, profile=person.profile, subjects=person.subjects, limit=ORDERS_MAX)


def carts_of(place: Place, person: Person) -> Question:
    return place.asking(_CARTS, profile=person.profile, subjects=person.subjects, limit=CARTS_MAX)


def orders(rows: Sequence[Sequence[Any]]) -> list[Order]:
    return [_order(row) for row in rows]


def value(rows: Sequence[Sequence[Any]]) -> Value | None:
    """None: somebody who never ordered."""
    if not rows:
        return None
    counted, cancelled, revenue, refunds, lifetime_value = rows[0][16:]
    return Value(
        counted,
        cancelled,
        revenue or Decimal(),
        refunds or Decimal(),
        lifetime_value or Decimal(),
        rows[0][10],
    )


def carts(rows: Sequence[Sequence[Any]]) -> list[Cart]:
    return [
        Cart(
            cart_id,
            cart,
            source,
            iso(active),
            currency,
            worth,
            items,
            _since(ordered),
            _since(abandoned),
            status,
        )
        for cart_id, cart, source, active, currency, worth, items, ordered, abandoned, status in rows
    ]


def _since(moment: Any) -> str | None:
    """ClickHouse's joins fill in 1970 where there is nothing."""
    return None if moment.year == 1970 else iso(moment)


def _order(row: Sequence[Any]) -> Order:
    order_id, message_id, ordered_at, changed_at, status, is_reported, currency, *amounts = row[:10]
    base_currency, amount_base, refunded_base, net_base, unconverted, items = row[10:16]
    return Order(
        order_id=order_id, message_id=message_id, ordered_at=iso(ordered_at), changed_at=iso(changed_at), status=status,
        is_reported=bool(is_reported), currency=currency, amount=amounts[0], refunded=amounts[1], net=amounts[2],
        base_currency=base_currency, amount_base=amount_base, refunded_base=refunded_base, net_base=net_base,
        unconverted=unconverted, items=items,
    )  # fmt: skip
