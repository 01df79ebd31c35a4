"""Agent `commerce`: facts of carts and products in; carts, the catalogue and candidates for `Cart Abandoned` out.

Records are worked off one by one, and a chunk writes each cart and each product once: the state does not tell how chunks were
cut. A cart that was touched, is not empty and was not ordered becomes a
*candidate* when so much time has passed since; whoever reads the candidates asks what only ClickHouse knows, and acts
(docs/carts.md). Each activity makes one candidate at most.

State of a partition, by the first byte of its keys: carts, products, timers.py, the carts that a subject touched, orders.py.
"""

from collections.abc import Sequence

import msgspec

from processors.commerce.carts import KEPT_MS, CartState, changed, content, with_fact, without
from processors.commerce.commerce_facts import CartFact, ProductFact, decode_facts, product_key
from processors.commerce.commerce_facts import UnknownCommerceVersion as UnknownVersion
from processors.commerce.commerce_records import (
    Keyed,
    candidate_record,
    cart_fields,
    cart_record,
    product_record,
)
from processors.commerce.products import KEPT_MS as PRODUCT_KEPT_MS
from processors.commerce.products import ProductState, stated
from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from processors.identity.erased import Erased
from processors.timers import Timers
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.identity.identifiers import node_id, partition_of
from schemas.identity.orders import Erase, Order
from schemas.stream import InputRecord, OutputRecord, State

CART, PRODUCT, TOUCHED_BY = b"c", b"p", b"i"
DELETED_VERSION = b"z"
KEY_BYTES = 9  # such a letter and a hash
VERSIONS_PER_STRETCH = 1_000  # more often no cart changes for long
CARTS_PER_SUBJECT_MAX = 64  # found when the subject is forgotten: the latest

_encode = msgspec.msgpack.Encoder().encode
_decode_cart = msgspec.msgpack.Decoder(CartState).decode
_decode_product = msgspec.msgpack.Decoder(ProductState).decode


class Commerce:
    """The step of agent `commerce` on `commerce.facts`."""

    def __init__(self, *, hash_key: bytes, partitions: int, abandoned_after_s: int) -> None:
        self.hash_key = hash_key
        self.partitions = partitions
        self.abandoned_after_ms = abandoned_after_s * 1000

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        chunk = _Chunk(self, state)
        for record in records:
            try:
                pack = decode_facts(record.value or b"")
            except (msgspec.DecodeError, UnknownVersion, RecursionError) as error:
                chunk.outputs.append(self._refuse(str(error), partition, record))
                continue
            chunk.facts(pack.carts, pack.products)
            chunk.obey(pack.orders)
            chunk.tick(pack.tick)
        return chunk.close()

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"commerce.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.COMMERCE, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )


class _Chunk:
    """What one chunk gathers."""

    def __init__(self, step: Commerce, state: State) -> None:
        self._step = step
        self._state = state
        self._erased = Erased(state)
        self._timers = Timers(state, KEY_BYTES)
        self._carts: dict[bytes, tuple[CartState | None, CartState | None]] = {}  # as it was, as it is
        self._products: dict[bytes, ProductState] = {}
        self.outputs: list[OutputRecord] = []

    def facts(self, carts: Sequence[CartFact], products: Sequence[ProductFact]) -> None:
        for fact in carts:
            if not self._erased.erases(fact.subject, fact.time):
                key = self._key(CART, fact.key)
                self._told(key, fact)
        for each in products:
            self._product(self._key(PRODUCT, product_key(each.workspace, each.product)), each)

    def obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Erase):
                self._erased.take(order)
                for key in self._touched_by(order.node):
                    self._erase(key, order)

    def tick(self, now: int) -> None:
        for key in self._timers.advance(now):
            if key[:1] == CART:
                self._due(key, now)
            else:
                self._product_due(key, now)

    def close(self) -> list[OutputRecord]:
        for key, (before, after) in self._carts.items():
            self._save(key, before, after)
        for key, product in self._products.items():
            self._state[key] = _encode(product)
        return self.outputs

    def _key(self, letter: bytes, name: bytes) -> bytes:
        return letter + node_id(name, self._step.hash_key).to_bytes(8, "big")

    def _cart(self, key: bytes) -> CartState | None:
        if key not in self._carts:
            stored = self._state.get(key)
            known = _decode_cart(stored) if stored else None
            self._carts[key] = known, known
        return self._carts[key][1]

    def _told(self, key: bytes, fact: CartFact) -> None:
        before = self._cart(key) or self._new(fact)
        after = with_fact(before, fact)
        if after is not before:
            after = msgspec.structs.replace(after, told_at=self._timers.now)
        self._set(key, self._timed(key, after))

    def _new(self, fact: CartFact) -> CartState:
        """Its versions go on from any that it had before it was last forgotten."""
        version = max(self._timers.stretch * VERSIONS_PER_STRETCH, self._deleted_version())
        visitor = 0 if fact.cart_id else fact.visitor
        return CartState(fact.workspace, fact.cart_id, visitor, changes=version)

    def _deleted_version(self) -> int:
        """The highest that any deletion had here: a cart that comes back at once must not be older than its deletion."""
        return int.from_bytes(self._state.get(DELETED_VERSION) or b"", "big")

    def _set(self, key: bytes, cart: CartState | None) -> None:
        self._carts[key] = self._carts[key][0], cart

    def _timed(self, key: bytes, cart: CartState) -> CartState:
        """In a list for the next thing that may be due. One that it stands in for a later time is passed over then."""
        moment = self._timers.moment(self._due_at(cart))
        if cart.timed_at and cart.timed_at <= moment:
            return cart
        self._timers.set(moment, key)
        return msgspec.structs.replace(cart, timed_at=moment)

    def _due_at(self, cart: CartState) -> int:
        if cart.is_waiting:
            return cart.active_at + self._step.abandoned_after_ms
        return max(cart.touched_at, cart.told_at) + KEPT_MS

    def _due(self, key: bytes, now: int) -> None:
        """Its time may have come: what is to be done is done, and the next time set."""
        cart = self._cart(key)
        if cart is None or cart.timed_at > now:
            return
        cart = msgspec.structs.replace(cart, timed_at=0)
        if cart.is_waiting and self._due_at(cart) <= now:
            if lines := content(cart):
                self._send(candidate_record(_number(key), cart, lines, self._due_at(cart)))
            cart = changed(cart, fired_at=cart.active_at)
        if not cart.is_waiting and self._due_at(cart) <= now:
            self._expire(key, cart)
        else:
            self._set(key, self._timed(key, cart))

    def _expire(self, key: bytes, cart: CartState) -> None:
        """From the state alone: what the topic and ClickHouse have of it stays, with what this chunk changed of it."""
        before, _ = self._carts.pop(key)
        self._show(key, before, cart)
        self._state.pop(key, None)
        self._unlist(key, cart)

    def _erase(self, key: bytes, order: Erase) -> None:
        """The whole cart when its last activity is erased; else what is older."""
        cart = self._cart(key)
        if cart is None:
            return
        if order.since <= cart.touched_at <= order.until:
            self._set(key, None)
            self._unlist(key, cart)
            version = max(self._deleted_version(), cart.changes + 1)
            self._state[DELETED_VERSION] = version.to_bytes(8, "big")
        else:
            self._set(key, without(cart, order.since, order.until))

    def _save(self, key: bytes, before: CartState | None, after: CartState | None) -> None:
        """Written when it changed, sent when what others see of it changed."""
        if after == before:
            return
        if after is None:
            self._state.pop(key, None)
        else:
            self._state[key] = _encode(after)
            self._list(key, after, before)
        self._show(key, before, after)

    def _show(self, key: bytes, before: CartState | None, after: CartState | None) -> None:
        shown, known = cart_fields(_number(key), after), cart_fields(_number(key), before)
        if shown != known:
            version = after.changes if after else before.changes + 1 if before else 1
            self._send(cart_record(_number(key), shown, version))

    def _send(self, keyed: Keyed) -> None:
        topic, key, value = keyed
        self.outputs.append(OutputRecord(topic.name, partition_of(key, self._step.partitions), key, value))

    def _list(self, key: bytes, after: CartState, before: CartState | None) -> None:
        """Subjects that are new to it find it from now on."""
        for subject in after.subjects if before is None else after.subjects[len(before.subjects) :]:
            index = TOUCHED_BY + subject.to_bytes(8, "big")
            keys = [found for found in _split(self._state.get(index)) if found != key]
            self._state[index] = b"".join([*keys, key][-CARTS_PER_SUBJECT_MAX:])

    def _unlist(self, key: bytes, cart: CartState) -> None:
        for subject in cart.subjects:
            index = TOUCHED_BY + subject.to_bytes(8, "big")
            keys = [found for found in _split(self._state.get(index)) if found != key]
            if keys:
                self._state[index] = b"".join(keys)
            else:
                self._state.pop(index, None)

    def _touched_by(self, subject: int) -> list[bytes]:
        """Also those of this chunk."""
        stored = _split(self._state.get(TOUCHED_BY + subject.to_bytes(8, "big")))
        fresh = [key for key, (_, cart) in self._carts.items() if cart and subject in cart.subjects]
        return list(dict.fromkeys([*stored, *fresh]))

    def _product(self, key: bytes, fact: ProductFact) -> None:
        known = self._known_product(key)
        after, news = stated(known or ProductState(), fact, self._step.hash_key)
        if after == known:
            return
        if known is None:
            self._timers.set(self._timers.moment(after.seen + PRODUCT_KEPT_MS), key)
        self._products[key] = after
        if news is not None:
            self._send(product_record(fact, news, after))

    def _known_product(self, key: bytes) -> ProductState | None:
        if key in self._products:
            return self._products[key]
        stored = self._state.get(key)
        return _decode_product(stored) if stored else None

    def _product_due(self, key: bytes, now: int) -> None:
        product = self._known_product(key)
        if product is None:
            return
        if product.seen + PRODUCT_KEPT_MS <= now:
            self._products.pop(key, None)
            self._state.pop(key, None)
        else:
            self._timers.set(self._timers.moment(product.seen + PRODUCT_KEPT_MS), key)


def _split(keys: bytes | None) -> list[bytes]:
    keys = keys or b""
    return [keys[start : start + KEY_BYTES] for start in range(0, len(keys), KEY_BYTES)]


def _number(key: bytes) -> int:
    return int.from_bytes(key[1:], "big")
