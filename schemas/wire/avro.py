"""Avro's encoding of texts and numbers, for the one record that is written for every event (see codec.py): in a third of
fastavro's time, which looks up every field's type again and compares all field names with the schema's.

Where it is compiled, `avro.pxd` makes numbers of C of it, and copies of texts are C's (octets.py). Deliberately absent: whatever
that record does not have (maps, fixed, floats); tables so large that they would not stay in a processor's cache.
"""

from msgspec import Raw

import schemas.values.octets as octets

ROOM = 4_096  # bytes of a new record's buffer: more than most have
VARINT_BYTES_MAX = 10


class Writer:
    """A record's bytes as they grow, field by field in the schema's order."""

    def __init__(self) -> None:
        self._out = octets.room(ROOM)
        self._at = 0  # so many of them are written

    def written(self) -> bytes:
        return octets.first(self._out, self._at)

    def raw(self, encoded: bytes) -> None:
        """What is encoded already."""
        self._make_room(len(encoded))
        self._at = octets.copied(self._out, self._at, encoded)

    def number(self, value: int) -> None:
        """A long of 0 to 2**63 - 1; also what stands before an array's block of so many items."""
        self._varint(2 * value)

    def integer(self, value: int) -> None:
        """A long of either sign: zigzag puts -1 before 1, -2 before 2."""
        if value >= 0:
            self._varint(2 * value)
        else:
            rest = -1 - value  # on its own, so that where this is C it is doubled without a sign
            self._varint(2 * rest + 1)

    def text(self, value: str) -> None:
        size = octets.size_of(value)
        self._varint(2 * size)
        self._make_room(size)
        self._at = octets.copied_text(self._out, self._at, value)

    def sized(self, content: bytes | Raw) -> None:
        """Bytes, or a text that is encoded already."""
        size = len(content)
        self._varint(2 * size)
        self._make_room(size)
        self._at = octets.copied(self._out, self._at, content)

    def _varint(self, rest: int) -> None:
        """Seven bits a byte, the lowest first; all but the last have their high bit set."""
        self._make_room(VARINT_BYTES_MAX)
        kept, at = self._out, self._at
        out = kept  # where this is C, its first byte's address
        while rest > 0x7F:
            out[at] = rest & 0x7F | 0x80
            rest >>= 7
            at += 1
        out[at] = rest
        self._at = at + 1

    def _make_room(self, size: int) -> None:
        """For so many bytes more."""
        out = self._out
        lacking = self._at + size - len(out)
        if lacking > 0:
            out.extend(octets.room(lacking + len(out)))


AMOUNT_END = 10**18  # exclusive, of either sign: eighteen digits


def amount_bytes(value: int | None) -> bytes | None:
    """A decimal's unscaled number, in as few bytes as hold it and its sign; None for what has more digits than are kept."""
    if value is None or not -AMOUNT_END < value < AMOUNT_END:
        return None
    return value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)
