"""The event `Cart Abandoned`: what it says, and in whose name it is sent. Pure.

Its message id is made of the cart and of its last activity, so that sending it again after a crash is a duplicate, and each
activity fires once.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

import msgspec

from schemas.events.candidates import EVENT, Candidate
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, USER, hash_email, node_key, partition_of
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_RAW
from schemas.wire.stamps import MONEY_SCALE

KEY = b"cart"  # of these records; the partition is chosen by hand

Named = tuple[str, str]  # kind and value of an identifier


def is_usable(named: Named) -> bool:
    """Whether an event can be sent in its name."""
    return named[0] in (USER, EXTERNAL, EMAIL, ANONYMOUS) and bool(named[1])


def event_of(candidate: Candidate, named: Named, now_ms: int) -> PackedEvent:
    """As the collector would have packed it; `named` is what the cart's subject is called in clear."""
    kind, value = named
    call = {
        "type": "track",
        "event": EVENT,
        "messageId": candidate.message_id,
        "timestamp": _iso(candidate.due_at),
        "properties": _properties(candidate),
        **_who(kind, value),
    }
    return PackedEvent(
        workspace=candidate.workspace,
        source=candidate.source,
        routing=node_key(candidate.workspace, kind, hash_email(value) if kind == EMAIL else value),
        type="track",
        message_id=candidate.message_id,
        received_at=now_ms,
        sent_at="",
        context=b"",
        payload=msgspec.json.encode(call),
        unsigned_links=False,
    )


def records(events: list[PackedEvent], partitions: int) -> Iterator[OutputRecord]:
    """One message each: there are few, and one is never too large."""
    for event in events:
        place = partition_of(event.routing, partitions)
        yield OutputRecord(EVENTS_RAW.name, place, KEY, encode_pack([event]))


def _who(kind: str, value: str) -> dict[str, Any]:
    if kind == USER:
        return {"userId": value}
    if kind == ANONYMOUS:
        return {"anonymousId": value}
    if kind == EMAIL:
        return {"context": {"traits": {"email": value}}}
    of, _, number = value.partition(":")
    return {"context": {"externalIds": [{"type": unquote(of), "id": number}]}}


def _properties(candidate: Candidate) -> dict[str, Any]:
    found: dict[str, Any] = {
        "cart_id": candidate.cart_id,
        "currency": candidate.currency,
        "value": _number(candidate.value),
        "last_activity": _iso(candidate.active_at),
        "products": [_product(*each) for each in candidate.products],
    }
    return {name: value for name, value in found.items() if value not in ("", None)}


def _product(
    product: str, name: str, variant: str, quantity: int | None, price: int | None
) -> dict[str, Any]:
    found: dict[str, Any] = {"product_id": product, "name": name, "variant": variant}
    found |= {"quantity": _number(quantity), "price": _number(price)}
    return {name: value for name, value in found.items() if value not in ("", None)}


def _number(millionths: int | None) -> int | float | None:
    """As a client would send it."""
    if millionths is None:
        return None
    amount = Decimal(millionths).scaleb(-MONEY_SCALE)
    return int(amount) if amount == amount.to_integral_value() else float(amount)


def _iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
