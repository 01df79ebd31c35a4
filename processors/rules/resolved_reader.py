"""A resolved event as rules read it: the fields that filters, templates and triggers know, and no others.

An event of the newest version is read by hand, in a third of fastavro's time, and what rules never ask for (the envelope, the
identifiers) is passed over. Older versions are decoded as ever. Times are ms since the epoch in both. Pure.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from processors.rules.resolved_peek import UnreadableEvent, long_at
from schemas.segments.segment_windows import EPOCH
from schemas.wire.codec import HEADER, RESOLVED_EVENT, decode, header
from schemas.wire.stamps import MONEY_SCALE

_NEWEST = header(RESOLVED_EVENT)
_MS = timedelta(milliseconds=1)
_TOUCH = ("channel", "source", "medium", "campaign", "term", "content", "click_kind", "click_id", "referrer")
_DEVICE = ("kind", "brand", "model", "os", "os_version", "browser", "browser_version")
_PLACE = ("address", "country", "region", "city", "timezone")
_ORDER = ("order_id", "checkout_id", "cart_id", "coupon", "affiliation", "currency")
_AMOUNTS = ("value", "revenue", "total", "subtotal", "shipping", "tax", "discount")
_ITEM = ("product_id", "sku", "name", "brand", "category", "variant", "coupon", "currency")
_NAMES = ("workspace", "source", "message_id", "type", "event", "name")
_TIMES = ("timestamp", "received_at", "sent_at", "original_timestamp")
_IDS = ("anonymous_id", "user_id", "previous_id", "group_id")
_NOTHING = bytes(max(len(_TOUCH), len(_AMOUNTS)))  # so many empty texts, or absent amounts
_NO_TEXTS: dict[tuple[str, ...], Mapping[str, Any]] = {
    names: dict.fromkeys(names, "") for names in (_TOUCH, _DEVICE, _PLACE, _ORDER, _ITEM)
}
_NO_AMOUNTS: dict[str, Any] = dict.fromkeys(_AMOUNTS)
_JSON = ("traits", "properties", "context", "integrations")

Record = dict[str, Any]


def record_of(value: bytes) -> Record:
    """Raises UnreadableEvent, schemas.wire.codec.UnknownSchema."""
    try:
        if value.startswith(_NEWEST):
            return _Reader(value).record()
        return _with_ms(decode(value))
    except (IndexError, EOFError, ValueError, OverflowError) as error:
        raise UnreadableEvent(f"{type(error).__name__}: {error}") from error


def empty_record() -> Record:
    """Of something that is no event: nothing is said."""
    found: Record = dict.fromkeys((*_NAMES, *_IDS, "profile_id", "session_id"), "")
    found |= dict.fromkeys((*_TIMES, "subject"), 0) | dict.fromkeys(_JSON, "{}")
    touch = dict.fromkeys(_TOUCH, "")
    visit = {"number": 0, "started_at": 0, "touch": touch, "first_touch": touch, "first_touch_at": 0}
    found |= {"touch": touch, "visit": visit, "device": dict.fromkeys(_DEVICE, "") | {"is_bot": False}}
    found |= {"place": dict.fromkeys(_PLACE, ""), "items": []}
    found["commerce"] = dict.fromkeys(_ORDER, "") | dict.fromkeys(_AMOUNTS)
    return found | {
        "consent": {"state": "", "categories": [], "signals": []},
        "bot": {"score": 0, "reasons": []},
    }


def _with_ms(record: Mapping[str, Any]) -> Record:
    found = dict(record)
    for name in _TIMES:
        found[name] = _ms(found[name])
    visit = dict(found["visit"])
    for name in ("started_at", "first_touch_at"):
        visit[name] = _ms(visit[name])
    return found | {"visit": visit}


def _ms(moment: datetime | int) -> int:
    """A default is the number that it is in the schema."""
    return moment if isinstance(moment, int) else (moment - EPOCH) // _MS


class _Reader:
    """Goes through the bytes field by field, in the schema's order."""

    __slots__ = ("_at", "_value")

    def __init__(self, value: bytes) -> None:
        self._value = value
        self._at = HEADER.size

    def record(self) -> Record:
        found: Record = {name: self._text() for name in _NAMES}
        for name in _TIMES:
            found[name] = self._long()
        for name in _IDS:
            found[name] = self._text()
        found["subject"] = self._long()
        found["profile_id"], found["session_id"] = self._text(), self._text()
        for name in _JSON:
            found[name] = self._text()
        self._skip_text()  # the envelope
        self._each(self._skip_identifier)
        self._each(self._long)  # claimed
        self._stamps(found)
        found["raw_partition"], found["raw_offset"], found["raw_index"] = (
            self._long(),
            self._long(),
            self._long(),
        )
        if self._at != len(self._value):
            raise UnreadableEvent("it does not end where its last field does")
        return found

    def _stamps(self, found: Record) -> None:
        self._long()  # the visitor
        found["touch"] = self._texts(_TOUCH)
        found["visit"] = self._visit()
        found["device"] = {**self._texts(_DEVICE), "is_bot": self._byte() != 0}
        found["place"] = self._texts(_PLACE)
        found["meaning"] = {
            "family": self._text(),
            "event": self._text(),
            "violations": self._each(self._text),
        }
        found["commerce"] = {**self._texts(_ORDER), **self._amounts()}
        found["items"] = self._each(self._item)
        self._long()  # the clock's offset
        found["consent"] = {
            "state": self._text(),
            "categories": self._each(self._text),
            "signals": self._each(self._text),
        }
        found["bot"] = {"score": self._long(), "reasons": self._each(self._text)}

    def _visit(self) -> Record:
        return {
            "number": self._long(),
            "started_at": self._long(),
            "touch": self._texts(_TOUCH),
            "first_touch": self._texts(_TOUCH),
            "first_touch_at": self._long(),
        }

    def _item(self) -> Record:
        texts = self._texts(_ITEM)
        return {
            **texts,
            "price": self._amount(),
            "quantity": self._amount(),
            "position": self._long(),
        }

    def _skip_identifier(self) -> None:
        self._long()
        self._skip_text()
        self._skip_text()

    def _each(self, read: Callable[[], Any]) -> list[Any]:
        """An array's blocks; one of a negative count has its size in bytes in front."""
        found: list[Any] = []
        while count := self._long():
            if count < 0:
                self._long()
            found += [read() for _ in range(abs(count))]
        return found

    def _texts(self, names: tuple[str, ...]) -> Mapping[str, Any]:
        """Nearly all of them say nothing; that is one object for all."""
        end = self._at + len(names)
        if self._value[self._at : end] == _NOTHING[: len(names)]:
            self._at = end
            return _NO_TEXTS[names]
        return {name: self._text() for name in names}

    def _amounts(self) -> Mapping[str, Any]:
        end = self._at + len(_AMOUNTS)
        if self._value[self._at : end] == _NOTHING[: len(_AMOUNTS)]:
            self._at = end
            return _NO_AMOUNTS
        return {name: self._amount() for name in _AMOUNTS}

    def _text(self) -> str:
        value, at = self._value, self._at
        size = value[at]
        if size == 0:
            self._at = at + 1
            return ""
        if size > 0x7F:
            size, at = long_at(value, at)
            end = at + size
        else:
            at += 1
            end = at + (size >> 1)
        self._at = end
        return value[at:end].decode()

    def _skip_text(self) -> None:
        size, at = long_at(self._value, self._at)
        self._at = at + size

    def _long(self) -> int:
        byte = self._value[self._at]
        if byte <= 0x7F:
            self._at += 1
            return (byte >> 1) ^ -(byte & 1)
        found, self._at = long_at(self._value, self._at)
        return found

    def _byte(self) -> int:
        byte = self._value[self._at]
        self._at += 1
        return byte

    def _amount(self) -> Decimal | None:
        """A union of null and a decimal."""
        if self._long() == 0:
            return None
        size, at = long_at(self._value, self._at)
        self._at = at + size
        unscaled = int.from_bytes(self._value[at : at + size], "big", signed=True)
        return Decimal(unscaled).scaleb(-MONEY_SCALE)
