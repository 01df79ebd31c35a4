"""What a chunk of the resolver tells agent `commerce`, by partition; the same statement about a product goes out once an hour, as
long as it is remembered (told_products.py).
"""

from collections.abc import Iterator

from processors.commerce.commerce_facts import (
    CART_EVENTS,
    PRODUCT_EVENTS,
    CartFact,
    ProductFact,
    Values,
    cart_fact,
    encode_facts,
    encode_values,
    product_facts,
    product_key,
)
from processors.commerce.products import hour_of
from processors.commerce.told_products import ToldProducts
from processors.events.parsed import ParsedEvent
from schemas.identity.identifiers import node_id, partition_of
from schemas.stream import OutputRecord, State
from schemas.topics import COMMERCE_FACTS
from schemas.wire.stamps import Stamps

Stated = tuple[str, str, int, Values]
Said = tuple[str, str, bytes, int]


class CommerceOutbox:
    def __init__(self, state: State, partitions: int, hash_key: bytes) -> None:
        self._told = ToldProducts(state)
        self._partitions = partitions
        self._hash_key = hash_key
        self._carts: dict[int, list[CartFact]] = {}
        self._products: dict[Stated, ProductFact] = {}
        self._texts: dict[Said, int] = {}

    def add(self, event: ParsedEvent, stamps: Stamps, subject: int, message_id: str) -> None:
        """An event that is stored."""
        name = stamps.meaning.event
        if not name:  # nearly always
            return
        if name in CART_EVENTS:
            fact = cart_fact(event, stamps, subject, node_id(message_id.encode(), self._hash_key))
            self._carts.setdefault(partition_of(fact.key, self._partitions), []).append(fact)
        if name in PRODUCT_EVENTS and self._says_more(event, name):
            self._state(event, stamps)

    def _says_more(self, event: ParsedEvent, name: str) -> bool:
        """Than one of the same properties, as they were sent, in the same hour: the usual one says it again, and later."""
        time, received_at = event.times.happened, event.received_at
        said = event.packed.workspace, name, bytes(event.call.properties), hour_of(time)
        earliest = self._texts.get(said)
        if earliest is not None and earliest <= time <= received_at:
            return False
        self._texts[said] = min(time, received_at)
        return True

    def _state(self, event: ParsedEvent, stamps: Stamps) -> None:
        for stated in product_facts(event, stamps):
            key = stated.workspace, stated.product, hour_of(stated.time), stated.values
            known = self._products.get(key)
            if known is None or stated.time < known.time:
                self._products[key] = stated

    def records(self) -> Iterator[OutputRecord]:
        """Once, after all events of the chunk."""
        products = self._news()
        for place in sorted(self._carts.keys() | products.keys()):
            some, stated = self._carts.get(place, []), products.get(place, [])
            key = some[0].key if some else product_key(stated[0].workspace, stated[0].product)
            for value in encode_facts(some, stated):
                yield OutputRecord(COMMERCE_FACTS.name, place, key, value)

    def _news(self) -> dict[int, list[ProductFact]]:
        """By partition."""
        found: dict[int, list[ProductFact]] = {}
        for (_, _, hour, values), fact in self._products.items():
            key = product_key(fact.workspace, fact.product)
            digest = node_id(encode_values(values), self._hash_key)
            if self._told.is_news(node_id(key, self._hash_key), hour, digest, fact.time):
                found.setdefault(partition_of(key, self._partitions), []).append(fact)
        self._told.save()
        return found
