"""Avro of what enrichment stamps (stamps.py), by hand as avro.py says; the fields in the order of resolved_event_4.avsc.

Most events have few of these parts, and many share them (a device, a place, what brought a visit): recent ones are remembered as
bytes, found by what they are and not by what they hold, which takes a tenth of the time.
"""

from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from schemas.wire.avro import Writer
from schemas.wire.stamps import (
    MONEY_SCALE,
    NO_BOT,
    NO_COMMERCE,
    NO_CONSENT,
    NO_MEANING,
    NO_PLACE,
    NO_STAMPS,
    NO_TOUCH,
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

PARTS_REMEMBERED_MAX = 16_384
REMEMBERED_BYTES_MAX = 1_024  # of each
AMOUNTS_REMEMBERED_MAX = 8_192

_NULL, _PRESENT = b"\x00", b"\x02"  # the branches of a union
_MICRO = Decimal(10) ** MONEY_SCALE

_remembered: dict[int, tuple[Any, bytes]] = {}  # by id(): an object that is kept here keeps its number


def put_stamps(record: Writer, stamps: Stamps) -> None:
    """The fields `visitor` to `bot` of a resolved event."""
    if stamps is NO_STAMPS:
        record.raw(_NO_STAMPS_BYTES)
    else:
        _put_stamps(record, stamps)


def _put_stamps(record: Writer, stamps: Stamps) -> None:
    """Parts that say nothing, as most of a page's view, are known at sight."""
    record.number(stamps.visitor)
    touch, visit, place = stamps.touch, stamps.visit, stamps.place
    record.raw(_NO_TOUCH_BYTES if touch is NO_TOUCH else _of(touch, _put_touch))
    if visit is NO_VISIT:
        record.raw(_NO_VISIT_BYTES)
    else:
        _put_visit(record, visit)
    record.raw(_of(stamps.device, _put_device))
    record.raw(_NO_PLACE_BYTES if place is NO_PLACE else _of(place, _put_place))
    meaning, commerce, items = stamps.meaning, stamps.commerce, stamps.items
    if meaning is NO_MEANING and commerce is NO_COMMERCE and not items:
        record.raw(_NO_MEANING_BYTES)
    else:
        record.raw(_of(meaning, _put_meaning))
        record.raw(_of(commerce, _put_commerce))
        if items:
            record.raw(_of(items, _put_items))
        else:
            record.number(0)
    record.integer(stamps.clock_offset_ms)
    if stamps.consent is NO_CONSENT and stamps.bot is NO_BOT:
        record.raw(_NO_JUDGEMENT_BYTES)
    else:
        record.raw(_of(stamps.consent, _put_consent))
        record.raw(_of(stamps.bot, _put_bot))


def _of(part: Any, put: Callable[[Writer, Any], None]) -> bytes:
    """A part, of which the very object may come again."""
    found = _remembered.get(id(part))
    return _encoded(part, put) if found is None else found[1]


def _encoded(part: Any, put: Callable[[Writer, Any], None]) -> bytes:
    record = Writer()
    put(record, part)
    value = record.written()
    if len(value) <= REMEMBERED_BYTES_MAX:
        if len(_remembered) >= PARTS_REMEMBERED_MAX:
            _remembered.clear()
        _remembered[id(part)] = part, value
    return value


def _put_visit(record: Writer, visit: Visit) -> None:
    touch = _of(visit.touch, _put_touch)
    record.number(visit.number)
    record.number(visit.started_at)
    record.raw(touch)
    record.raw(touch if visit.first_touch is visit.touch else _of(visit.first_touch, _put_touch))
    record.number(visit.first_touch_at)


def _put_touch(record: Writer, touch: Touch) -> None:
    record.text(touch.channel)
    record.text(touch.source)
    record.text(touch.medium)
    record.text(touch.campaign)
    record.text(touch.term)
    record.text(touch.content)
    record.text(touch.click_kind)
    record.text(touch.click_id)
    record.text(touch.referrer)


def _put_device(record: Writer, device: Device) -> None:
    record.text(device.kind)
    record.text(device.brand)
    record.text(device.model)
    record.text(device.os)
    record.text(device.os_version)
    record.text(device.browser)
    record.text(device.browser_version)
    record.raw(b"\x01" if device.is_bot else b"\x00")


def _put_place(record: Writer, place: Place) -> None:
    record.text(place.address)
    record.text(place.country)
    record.text(place.region)
    record.text(place.city)
    record.text(place.timezone)


def _put_meaning(record: Writer, meaning: Meaning) -> None:
    record.text(meaning.family)
    record.text(meaning.event)
    _put_texts(record, meaning.violations)


def _put_commerce(record: Writer, commerce: Commerce) -> None:
    record.text(commerce.order_id)
    record.text(commerce.checkout_id)
    record.text(commerce.cart_id)
    record.text(commerce.coupon)
    record.text(commerce.affiliation)
    record.text(commerce.currency)
    record.raw(_amount(commerce.value))
    record.raw(_amount(commerce.revenue))
    record.raw(_amount(commerce.total))
    record.raw(_amount(commerce.subtotal))
    record.raw(_amount(commerce.shipping))
    record.raw(_amount(commerce.tax))
    record.raw(_amount(commerce.discount))


def _put_items(record: Writer, items: tuple[Item, ...]) -> None:
    """An array: one block, and the empty one that ends it."""
    if items:
        record.number(len(items))
        for item in items:
            _put_item(record, item)
    record.number(0)


def _put_item(record: Writer, item: Item) -> None:
    record.text(item.product_id)
    record.text(item.sku)
    record.text(item.name)
    record.text(item.brand)
    record.text(item.category)
    record.text(item.variant)
    record.text(item.coupon)
    record.text(item.currency)
    record.raw(_amount(item.price))
    record.raw(_amount(item.quantity))
    record.number(item.position)


def _put_consent(record: Writer, consent: Consent) -> None:
    record.text(consent.state)
    _put_texts(record, consent.categories)
    _put_texts(record, consent.signals)


def _put_bot(record: Writer, bot: Bot) -> None:
    record.number(bot.score)
    _put_texts(record, bot.reasons)


def _put_texts(record: Writer, values: Iterable[str]) -> None:
    listed = list(values)
    if listed:
        record.number(len(listed))
        for value in listed:
            record.text(value)
    record.number(0)


@lru_cache(AMOUNTS_REMEMBERED_MAX)
def _amount(value: Decimal | None) -> bytes:
    """A decimal of scale `MONEY_SCALE`, its number in as few bytes as hold it and its sign, or null."""
    if value is None:
        return _NULL
    scaled = int(value * _MICRO)
    size = (scaled.bit_length() + 8) // 8
    record = Writer()
    record.raw(_PRESENT)
    record.sized(scaled.to_bytes(size, "big", signed=True))
    return record.written()


def _alone(put: Callable[[Writer, Any], None], *parts: Any) -> bytes:
    record = Writer()
    for part in parts:
        put(record, part)
    return record.written()


_NO_TOUCH_BYTES = _alone(_put_touch, NO_TOUCH)
_NO_PLACE_BYTES = _alone(_put_place, NO_PLACE)
_NO_MEANING_BYTES = b"".join(
    (_alone(_put_meaning, NO_MEANING), _alone(_put_commerce, NO_COMMERCE), _alone(_put_items, ()))
)
_NO_VISIT_BYTES = _alone(_put_visit, NO_VISIT)
_NO_JUDGEMENT_BYTES = _alone(_put_consent, NO_CONSENT) + _alone(_put_bot, NO_BOT)
_NO_STAMPS_BYTES = _alone(_put_stamps, NO_STAMPS)
