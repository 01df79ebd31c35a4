"""Where an order goes: its node's partition of identity.facts and of contacts.facts, every partition of events.raw, of
commerce.facts and of what rules work on. Pure.

A node whose key nobody knows any more (an address that was only ever a hash) has no known partition: then every partition of
these two is told, and those that do not have the node keep a few bytes for nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence

from processors.commerce.commerce_facts import encode_orders as encode_for_carts
from processors.identity.facts import encode_orders
from schemas.actions.action_work import encode_work
from schemas.contacts.contact_facts import encode_contact_facts
from schemas.events.pack import encode_pack
from schemas.identity.order_documents import Addressed
from schemas.identity.orders import Erase, Forget, Order, Suppress, Unlink
from schemas.rules.rule_facts import encode_rule_facts
from schemas.stream import OutputRecord
from schemas.topics import (
    ACTIONS_WORK,
    COMMERCE_FACTS,
    CONTACTS_FACTS,
    EVENTS_RAW,
    IDENTITY_FACTS,
    RULES_FACTS,
    Topic,
)

RECORD_ORDERS_MAX = 5_000  # some 30 bytes each
KEY = b"order"  # of these records; the partition is chosen by hand

Encode = Callable[[list[Order]], bytes]
Route = tuple[Topic, tuple[type[Order], ...], Encode]

BY_NODE: tuple[Route, ...] = (
    (IDENTITY_FACTS, (Unlink, Forget, Suppress), encode_orders),
    (CONTACTS_FACTS, (Forget, Suppress), lambda orders: encode_contact_facts(orders=orders)),
)
# A cart goes by its own id, and what waits for somebody by who that was when it began: either may be in any partition.
EVERYWHERE: tuple[Route, ...] = (
    (EVENTS_RAW, (Forget, Erase, Suppress), lambda orders: encode_pack([], orders)),
    (COMMERCE_FACTS, (Erase,), encode_for_carts),
    (RULES_FACTS, (Erase,), lambda orders: encode_rule_facts(orders=orders)),
    (ACTIONS_WORK, (Erase,), lambda orders: encode_work(orders=orders)),
)


def records(addressed: Sequence[Addressed], partitions: int) -> Iterator[OutputRecord]:
    """The records that carry these orders, in their order within each partition."""
    for topic, kinds, encode in BY_NODE:
        for partition, orders in _by_partition(addressed, partitions, kinds):
            for some in _cut(orders):
                yield OutputRecord(topic.name, partition, KEY, encode(some))
    for topic, kinds, encode in EVERYWHERE:
        for some in _cut([each.order for each in addressed if isinstance(each.order, kinds)]):
            for partition in range(partitions):
                yield OutputRecord(topic.name, partition, KEY, encode(some))


def _by_partition(
    addressed: Iterable[Addressed], partitions: int, kinds: tuple[type[Order], ...]
) -> list[tuple[int, list[Order]]]:
    found: dict[int, list[Order]] = defaultdict(list)
    for each in addressed:
        if isinstance(each.order, kinds):
            known = each.murmur2
            for partition in range(partitions) if known is None else (known % partitions,):
                found[partition].append(each.order)
    return sorted(found.items())


def _cut(orders: list[Order]) -> Iterator[list[Order]]:
    for start in range(0, len(orders), RECORD_ORDERS_MAX):
        yield orders[start : start + RECORD_ORDERS_MAX]
