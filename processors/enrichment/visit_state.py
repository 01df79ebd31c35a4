"""What is kept of one visitor, as bytes: the last few sessions, how the newest was brought, and the earliest touch.

A version byte, then msgpack. The usual case is short: one session, and its touch is the first one, so its texts stand there
once. At its bounds a value has some 260 bytes. A value of another version counts as none: what is stamped then begins anew.
"""

from typing import Any

import msgspec

import schemas.values.octets as octets
from processors.enrichment.arrivals import NO_SIGNS, Signs

VERSION = 1
STAYS_MAX = 3  # sessions that are known, the newest among them


class Stay:
    """One session, in ms. Changed in place while a chunk is worked on."""

    def __init__(self, start: int, lasted: int, number: int) -> None:
        self.start = start
        self.lasted = lasted
        self.number = number


class Visitor:
    """`stays` from the newest backwards; `touch` is the newest one's, `first` the earliest of all, b"" when none is known."""

    def __init__(
        self,
        stays: list[Stay],
        signs: Signs = NO_SIGNS,
        touch: bytes = b"",
        first: bytes = b"",
        first_at: int = 0,
    ) -> None:
        self.stays = stays
        self.signs = signs
        self.touch = touch
        self.first = first
        self.first_at = first_at


_HEAD = bytes((VERSION,))
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Any]).decode


def encode_visitor(visitor: Visitor) -> bytes:
    newest, first = visitor.stays[0], visitor.first
    told: tuple[Any, ...] = ([(stay.start, stay.lasted, stay.number) for stay in visitor.stays],)
    if first or visitor.signs != NO_SIGNS:
        told += (visitor.signs, visitor.touch)
        if first != visitor.touch or visitor.first_at != newest.start:
            told += (first, visitor.first_at)
    return _HEAD + _encode(told)


def decode_visitor(value: bytes | None) -> Visitor:
    if not value or value[0] != VERSION:
        return Visitor([])
    told = _decode(octets.part(value, 1, len(value)))
    visitor = Visitor([_stay(stay) for stay in told[0]])
    if len(told) > 1:
        strong, origin, referrer = told[1]
        visitor.signs, visitor.touch = Signs(strong, origin, referrer), told[2]
    if len(told) > 3:
        visitor.first, visitor.first_at = told[3], told[4]
    return _with_first(visitor)


def _stay(told: list[int]) -> Stay:
    return Stay(told[0], told[1], told[2])


def without(visitor: Visitor, since: int, until: int) -> Visitor:
    """The visitor as if nothing were known of these moments: sessions that touch them are gone, the others are counted anew."""
    kept = [stay for stay in visitor.stays if stay.start + stay.lasted < since or stay.start > until]
    for number, stay in enumerate(reversed(kept), 1):
        stay.number = number
    found = Visitor(kept)
    if kept and kept[0] is visitor.stays[0]:
        found.signs, found.touch = visitor.signs, visitor.touch
    if visitor.first and not since <= visitor.first_at <= until and kept:
        found.first, found.first_at = visitor.first, visitor.first_at
    return _with_first(found)


def _with_first(visitor: Visitor) -> Visitor:
    """As it is written: without an earlier touch the newest session's is the first."""
    if visitor.touch and not visitor.first:
        visitor.first, visitor.first_at = visitor.touch, visitor.stays[0].start
    return visitor
