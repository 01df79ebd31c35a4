"""Where an order goes: its node's partition of identity.facts, every partition of events.raw and of commerce.facts. Pure.

A node whose key nobody knows any more (an address that was only ever a hash) has no known partition: then every partition of
identity.facts is told, and those that do not have the node keep a few bytes for nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from processors.commerce_facts import encode_orders as encode_for_carts
from processors.facts import encode_orders
from schemas.order_documents import Addressed
from schemas.orders import Erase, Forget, Order, Suppress, Unlink
from schemas.pack import encode_pack
from schemas.stream import OutputRecord
from schemas.topics import COMMERCE_FACTS, EVENTS_RAW, IDENTITY_FACTS

RECORD_ORDERS_MAX = 5_000  # some 30 bytes each
KEY = b"order"  # of these records; the partition is chosen by hand

FOR_NODES = (Unlink, Forget, Suppress)
FOR_RESOLVERS = (Forget, Erase, Suppress)


def records(addressed: Sequence[Addressed], partitions: int) -> Iterator[OutputRecord]:
    """The records that carry these orders, in their order within each partition."""
    for partition, orders in sorted(_by_partition(addressed, partitions).items()):
        for some in _cut(orders):
            yield OutputRecord(IDENTITY_FACTS.name, partition, KEY, encode_orders(some))
    for some in _cut([each.order for each in addressed if isinstance(each.order, FOR_RESOLVERS)]):
        for partition in range(partitions):
            yield OutputRecord(EVENTS_RAW.name, partition, KEY, encode_pack([], some))
    for some in _cut([each.order for each in addressed if isinstance(each.order, Erase)]):
        for partition in range(partitions):  # a cart may be in any: it goes by its own id
            yield OutputRecord(COMMERCE_FACTS.name, partition, KEY, encode_for_carts(some))


def _by_partition(addressed: Iterable[Addressed], partitions: int) -> dict[int, list[Order]]:
    found: dict[int, list[Order]] = defaultdict(list)
    for each in addressed:
        if isinstance(each.order, FOR_NODES):
            known = each.murmur2
            for partition in range(partitions) if known is None else (known % partitions,):
                found[partition].append(each.order)
    return found


def _cut(orders: list[Order]) -> Iterator[list[Order]]:
    for start in range(0, len(orders), RECORD_ORDERS_MAX):
        yield orders[start : start + RECORD_ORDERS_MAX]
