"""Avro of what enrichment stamps (stamps.py), by hand as avro.py says; the fields in the order of resolved_event_4.avsc.

Most events have few of these parts, and many share them (a device, a place, what brought a visit): a part that says nothing is
written once for all, and recent ones are remembered as bytes.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

from schemas.avro import number, signed, text, time
from schemas.stamps import (
    MONEY_SCALE,
    NO_BOT,
    NO_CONSENT,
    NO_STAMPS,
    NO_VISIT,
    Bot,
    Commerce,
    Consent,
    Device,
    Item,
    Meaning,
    Place,
    Stamps,
    Touch,
    Visit,
)

PARTS_REMEMBERED_MAX = 4_096
REMEMBERED_BYTES_MAX = 1_024  # of each
AMOUNTS_REMEMBERED_MAX = 8_192

_NO, _YES = b"\x00", b"\x01"
_NULL, _PRESENT = b"\x00", b"\x02"  # the branches of a union
_END = number(0)
_MICRO = Decimal(10) ** MONEY_SCALE

P = TypeVar("P")


def _texts(values: Iterable[str]) -> bytes:
    return b"".join([text(value) if value else _END for value in values])


@lru_cache(AMOUNTS_REMEMBERED_MAX)
def _amount(value: Decimal | None) -> bytes:
    """A decimal of scale `MONEY_SCALE`, its number in as few bytes as hold it and its sign, or null."""
    if value is None:
        return _NULL
    scaled = int(value * _MICRO)
    size = (scaled.bit_length() + 8) // 8
    return _PRESENT + number(size) + scaled.to_bytes(size, "big", signed=True)


def _touch(touch: Touch) -> bytes:
    return _texts(
        (
            touch.channel,
            touch.source,
            touch.medium,
            touch.campaign,
            touch.term,
            touch.content,
            touch.click_kind,
            touch.click_id,
            touch.referrer,
        )
    )


def _visit(visit: Visit) -> bytes:
    touch = touch_bytes(visit.touch)
    return b"".join(
        (
            number(visit.number),
            time(visit.started_at),
            touch,
            touch if visit.first_touch is visit.touch else touch_bytes(visit.first_touch),
            time(visit.first_touch_at),
        )
    )


def _device(device: Device) -> bytes:
    texts = (
        device.kind,
        device.brand,
        device.model,
        device.os,
        device.os_version,
        device.browser,
        device.browser_version,
    )
    return _texts(texts) + (_YES if device.is_bot else _NO)


def _place(place: Place) -> bytes:
    return _texts((place.address, place.country, place.region, place.city, place.timezone))


def _meaning(meaning: Meaning) -> bytes:
    return text(meaning.family) + text(meaning.event) + _list(meaning.violations)


def _commerce(commerce: Commerce) -> bytes:
    texts = (
        commerce.order_id,
        commerce.checkout_id,
        commerce.cart_id,
        commerce.coupon,
        commerce.affiliation,
        commerce.currency,
    )
    amounts = (
        commerce.value,
        commerce.revenue,
        commerce.total,
        commerce.subtotal,
        commerce.shipping,
        commerce.tax,
        commerce.discount,
    )
    return _texts(texts) + b"".join(map(_amount, amounts))


def _item(item: Item) -> bytes:
    texts = (
        item.product_id,
        item.sku,
        item.name,
        item.brand,
        item.category,
        item.variant,
        item.coupon,
        item.currency,
    )
    return _texts(texts) + _amount(item.price) + _amount(item.quantity) + number(item.position)


def _consent(consent: Consent) -> bytes:
    return text(consent.state) + _list(consent.categories) + _list(consent.signals)


def _bot(bot: Bot) -> bytes:
    return number(bot.score) + _list(bot.reasons)


def _list(values: Iterable[str]) -> bytes:
    return _array([text(value) for value in values])


def _array(items: list[bytes]) -> bytes:
    """One block, and the empty one that ends an array."""
    return b"".join((number(len(items)), *items, _END)) if items else _END


def _remembering(encode: Callable[[P], bytes]) -> Callable[[P], bytes]:
    """The same, for parts of which the very objects come again: found by what they are, not by what they hold, which takes a
    tenth of the time. An object that is kept here keeps its number."""
    kept: dict[int, tuple[P, bytes]] = {}

    def encoded(part: P) -> bytes:
        found = kept.get(id(part))
        if found is not None:
            return found[1]
        value = encode(part)
        if len(value) <= REMEMBERED_BYTES_MAX:
            if len(kept) >= PARTS_REMEMBERED_MAX:
                kept.clear()
            kept[id(part)] = part, value
        return value

    return encoded


def _listed(items: tuple[Item, ...]) -> bytes:
    return _array([_item(item) for item in items])


touch_bytes, _device_bytes, _place_bytes = _remembering(_touch), _remembering(_device), _remembering(_place)
_meaning_bytes, _commerce_bytes, _items_bytes = (
    _remembering(_meaning),
    _remembering(_commerce),
    _remembering(_listed),
)
_consent_bytes, _bot_bytes = _remembering(_consent), _remembering(_bot)
_NO_VISIT_BYTES = _visit(NO_VISIT)
_NO_JUDGEMENT_BYTES = _consent(NO_CONSENT) + _bot(NO_BOT)


def encode_stamps(stamps: Stamps) -> bytes:
    """The fields `visitor` to `bot` of a resolved event."""
    return _NO_STAMPS_BYTES if stamps is NO_STAMPS else _encode(stamps)


def _encode(stamps: Stamps) -> bytes:
    return b"".join(
        (
            number(stamps.visitor),
            touch_bytes(stamps.touch),
            _NO_VISIT_BYTES if stamps.visit is NO_VISIT else _visit(stamps.visit),
            _device_bytes(stamps.device),
            _place_bytes(stamps.place),
            _meaning_bytes(stamps.meaning),
            _commerce_bytes(stamps.commerce),
            _items_bytes(stamps.items) if stamps.items else _END,
            signed(stamps.clock_offset_ms),
            _NO_JUDGEMENT_BYTES
            if stamps.consent is NO_CONSENT and stamps.bot is NO_BOT
            else _consent_bytes(stamps.consent) + _bot_bytes(stamps.bot),
        )
    )


_NO_STAMPS_BYTES = _encode(NO_STAMPS)
