"""What agent `commerce` sends: its records' topics, keys and values, made of its states. The key chooses the partition."""

from collections.abc import Sequence

import msgspec

from processors.commerce.carts import CartState, content, currency_of, value_of
from processors.commerce.commerce_facts import Line, ProductFact, Values, product_key
from processors.commerce.products import ProductState, Told
from schemas.events.candidates import VERSION, Candidate, encode_candidate
from schemas.identity.identifiers import profile_id
from schemas.topics import CARTS, CARTS_CANDIDATES, CATALOGUE, Topic
from schemas.wire.avro import AMOUNT_END, amount_bytes
from schemas.wire.codec import encode_cart, encode_product

Keyed = tuple[Topic, bytes, bytes]
Fields = dict[str, object]

_NO_CART: Fields = {
    "workspace": "",
    "cart_id": "",
    "visitor": 0,
    "subject": 0,
    "source": "",
    "timestamp": 0,
    "active_at": 0,
    "ordered_at": 0,
    "candidate_at": 0,
    "currency": "",
    "value": None,
    "items": [],
    "is_deleted": True,
}


def cart_fields(number: int, cart: CartState | None) -> Fields:
    """What others see of a cart, without its version; `number` is the hash of its key."""
    if cart is None:
        return _NO_CART | {"cart": number}
    lines = content(cart)
    return {
        "workspace": cart.workspace,
        "cart": number,
        "cart_id": cart.cart_id,
        "visitor": cart.visitor,
        "subject": cart.subject,
        "source": cart.source,
        "timestamp": cart.touched_at,
        "active_at": cart.active_at,
        "ordered_at": cart.ordered_at,
        "candidate_at": cart.fired_at,
        "currency": currency_of(lines),
        "value": amount_bytes(value_of(lines)),
        "items": [_item(line) for line in lines],
        "is_deleted": False,
    }


def cart_record(number: int, fields: Fields, version: int) -> Keyed:
    return CARTS, profile_id(number).encode(), encode_cart(fields | {"version": version})


def candidate_record(number: int, cart: CartState, lines: Sequence[Line], due_at: int) -> Keyed:
    candidate = Candidate(
        version=VERSION,
        workspace=cart.workspace,
        cart=number,
        cart_id=cart.cart_id,
        subject=cart.subject,
        source=cart.source,
        active_at=cart.active_at,
        due_at=due_at,
        currency=currency_of(lines),
        value=_in_range(value_of(lines)),
        products=[
            (line.product, line.name, line.variant, _in_range(line.quantity), line.price) for line in lines
        ],
    )
    return CARTS_CANDIDATES, profile_id(number).encode(), encode_candidate(candidate)


def _in_range(amount: int | None) -> int | None:
    """None for a sum or a product that has more digits than are kept: it may be wider than 64 bits."""
    return amount if amount is not None and -AMOUNT_END < amount < AMOUNT_END else None


def product_record(fact: ProductFact, told: Told, state: ProductState) -> Keyed:
    record = {
        "workspace": fact.workspace,
        "product": fact.product,
        "statement": told.digest,
        "hour": told.hour,
        "valid_from": told.time,
        "stated": _values(fact.values),
        "latest": _values(state.latest),
    }
    return CATALOGUE, product_key(fact.workspace, fact.product), encode_product(record)


def _item(line: Line) -> Fields:
    return {
        "product": line.product,
        "name": line.name,
        "variant": line.variant,
        "quantity": amount_bytes(line.quantity),
        "price": amount_bytes(line.price),
    }


def _values(values: Values) -> Fields:
    return {**msgspec.structs.asdict(values), "price": amount_bytes(values.price)}
