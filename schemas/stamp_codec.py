"""Avro of what enrichment stamps (stamps.py), by hand as avro.py says; the fields in the order of resolved_event_3.avsc.

Most events have few of these parts, and many share them (a device, a place, what brought a visit): a part that says nothing is
written once for all, and recent ones are remembered as bytes.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

import msgspec

from schemas.avro import number, signed, text, time
from schemas.stamps import (
    MONEY_SCALE,
    NO_COMMERCE,
    NO_DEVICE,
    NO_MEANING,
    NO_PLACE,
    NO_STAMPS,
    NO_TOUCH,
    NO_VISIT,
    Commerce,
    Device,
    Item,
    Meaning,
    Place,
    Stamps,
    Touch,
    Visit,
)

PARTS_REMEMBERED_MAX = 4_096
AMOUNTS_REMEMBERED_MAX = 8_192

_NO, _YES = b"\x00", b"\x01"
_NULL, _PRESENT = b"\x00", b"\x02"  # the branches of a union
_END = number(0)
_MICRO = Decimal(10) ** MONEY_SCALE

P = TypeVar("P", bound=msgspec.Struct)


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
    return text(meaning.family) + text(meaning.event) + _array([text(said) for said in meaning.violations])


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


def _array(items: list[bytes]) -> bytes:
    """One block, and the empty one that ends an array."""
    return b"".join((number(len(items)), *items, _END)) if items else _END


def _remembering(encode: Callable[[P], bytes], absent: P) -> Callable[[P], bytes]:
    """The same, at no cost for the part that says nothing."""
    nothing, remembered = encode(absent), lru_cache(PARTS_REMEMBERED_MAX)(encode)
    return lambda part: nothing if part is absent else remembered(part)


touch_bytes = _remembering(_touch, NO_TOUCH)
_device_bytes = _remembering(_device, NO_DEVICE)
_place_bytes = _remembering(_place, NO_PLACE)
_meaning_bytes = _remembering(_meaning, NO_MEANING)
_NO_COMMERCE_BYTES, _NO_VISIT_BYTES = _commerce(NO_COMMERCE), _visit(NO_VISIT)


def encode_stamps(stamps: Stamps) -> bytes:
    """The fields `visitor` to `clock_offset_ms` of a resolved event."""
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
            _NO_COMMERCE_BYTES if stamps.commerce is NO_COMMERCE else _commerce(stamps.commerce),
            _array([_item(item) for item in stamps.items]) if stamps.items else _END,
            signed(stamps.clock_offset_ms),
        )
    )


_NO_STAMPS_BYTES = _encode(NO_STAMPS)
