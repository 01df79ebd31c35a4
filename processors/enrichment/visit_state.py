"""What is kept of one visitor, as bytes: the last few sessions, how the newest was brought, and the earliest touch.

A version byte, then msgpack. The usual case is short: one session, and its touch is the first one, so its texts stand there
once. At its bounds a value has some 260 bytes. A value of another version counts as none: what is stamped then begins anew.
"""

import msgspec

from processors.enrichment.arrivals import NO_SIGNS, Signs

VERSION = b"\x01"
STAYS_MAX = 3  # sessions that are known, the newest among them


class Stay(msgspec.Struct, array_like=True, gc=False):
    """One session. Changed in place while a chunk is worked on."""

    start: int
    lasted: int
    number: int

    @property
    def end(self) -> int:
        return self.start + self.lasted


class Visitor(msgspec.Struct, array_like=True, gc=False):
    """`stays` from the newest backwards; `touch` is the newest one's, `first` the earliest of all, b"" when none is known."""

    stays: list[Stay] = []
    signs: Signs = NO_SIGNS
    touch: bytes = b""
    first: bytes = b""
    first_at: int = 0


class _Shared(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """The same where both touches are one, said at the newest session's start; or where there is none."""

    stays: list[Stay]
    signs: Signs = NO_SIGNS
    touch: bytes = b""


class _Untouched(msgspec.Struct, array_like=True, frozen=True, gc=False):
    stays: list[Stay]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Visitor).decode


def encode_visitor(visitor: Visitor) -> bytes:
    if not visitor.first and visitor.signs == NO_SIGNS:
        return VERSION + _encode(_Untouched(visitor.stays))
    if visitor.first == visitor.touch and visitor.first_at == visitor.stays[0].start:
        return VERSION + _encode(_Shared(visitor.stays, visitor.signs, visitor.touch))
    return VERSION + _encode(visitor)


def decode_visitor(value: bytes | None) -> Visitor:
    if not value or value[:1] != VERSION:
        return Visitor()
    return _with_first(_decode(memoryview(value)[1:]))


def without(visitor: Visitor, since: int, until: int) -> Visitor:
    """The visitor as if nothing were known of these moments: sessions that touch them are gone, the others are counted anew."""
    kept = [stay for stay in visitor.stays if stay.end < since or stay.start > until]
    for number, stay in enumerate(reversed(kept), 1):
        stay.number = number
    found = Visitor(kept)
    if kept and kept[0] is visitor.stays[0]:
        found.signs, found.touch = visitor.signs, visitor.touch
    if visitor.first and not since <= visitor.first_at <= until and kept:
        found.first, found.first_at = visitor.first, visitor.first_at
    return _with_first(found)


def _with_first(visitor: Visitor) -> Visitor:
    """As `_Shared` says it: without an earlier touch the newest session's is the first."""
    if visitor.touch and not visitor.first:
        visitor.first, visitor.first_at = visitor.touch, visitor.stays[0].start
    return visitor
