"""Orders as `control` keeps them: one JSON document per key `order/...`, for ever, so that a later generation can be given them.

A document names nodes by their ids alone, 16 hex digits each: no personal data. `murmur2` finds the partition of the node's key
however many partitions there are; null where the key is not known, and then every partition is given the order. `by` says which
command gave it, so that a command that was cut off can be completed.

Pure. Deliberately absent: a document that takes an order back; there is no such order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress, Unlink

PREFIX = "order/"


class OrderDocument(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times are in ms since the epoch; `target`, `since` and `until` are there where the order has them."""

    order: str
    node: str
    by: str
    murmur2: int | None = None
    target: str | None = None
    since: int | None = None
    until: int | None = None


class Addressed(msgspec.Struct, frozen=True):
    """An order, where its node lives, and the command that it is part of."""

    order: Order
    murmur2: int | None
    by: str


_decode = msgspec.json.Decoder(OrderDocument).decode


def hex_of(node: int) -> str:
    return f"{node:016x}"


def key_of(order: Order) -> str:
    """A repeated order has the same key. One that forgets later replaces one that forgets earlier, as it includes it."""
    node = hex_of(order.node)
    match order:
        case Unlink(target=target):
            return f"{PREFIX}unlink/{node}-{hex_of(target)}"
        case Forget(target=target) if target == EVERY_TARGET:
            return f"{PREFIX}forget/{node}"
        case Forget(target=target):
            return f"{PREFIX}forget/{node}-{hex_of(target)}"
        case Erase(since=since, until=until):
            return f"{PREFIX}erase/{node}-{since}-{until}"
        case Suppress():
            return f"{PREFIX}suppress/{node}"


def outdated(orders: Sequence[Addressed], given: Iterable[Addressed]) -> list[Addressed]:
    """Forgettings of which there is a later one, here or among those `given` before: its document must not be replaced."""
    latest: dict[str, int] = {}
    for each in (*given, *orders):
        if isinstance(each.order, Forget):
            key = key_of(each.order)
            latest[key] = max(each.order.until, latest.get(key, 0))
    return [
        each
        for each in orders
        if isinstance(each.order, Forget) and each.order.until < latest[key_of(each.order)]
    ]


def encode(addressed: Addressed) -> bytes:
    order = addressed.order
    target = getattr(order, "target", EVERY_TARGET)
    return msgspec.json.encode(
        OrderDocument(
            order=type(order).__name__.lower(),
            node=hex_of(order.node),
            by=addressed.by,
            murmur2=addressed.murmur2,
            target=None if target == EVERY_TARGET else hex_of(target),
            since=getattr(order, "since", None),
            until=getattr(order, "until", None),
        )
    )


def decode(value: bytes) -> Addressed:
    """Raises msgspec.DecodeError or ValueError for what is no order of this release."""
    document = _decode(value)
    return Addressed(_order(document), document.murmur2, document.by)


def orders_in(documents: Mapping[str, bytes]) -> Iterator[Addressed]:
    """Every order of the `control` topic's documents."""
    for key, value in documents.items():
        if key.startswith(PREFIX):
            yield decode(value)


def _order(document: OrderDocument) -> Order:
    node = int(document.node, 16)
    target = EVERY_TARGET if document.target is None else int(document.target, 16)
    match document.order, document.since, document.until:
        case "unlink", _, _ if target != EVERY_TARGET:
            return Unlink(node, target)
        case "forget", _, int(until):
            return Forget(node, until, target)
        case "erase", int(since), int(until):
            return Erase(node, since, until)
        case "suppress", _, _:
            return Suppress(node)
    raise ValueError(f"an order {document.order!r} of {document.node} that this release does not know")
