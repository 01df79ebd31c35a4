"""Avro's encoding of texts and numbers, for the one record that is written for every event (see codec.py): in half of fastavro's
time, which looks up every field's type again and compares all field names with the schema's.

Deliberately absent: whatever that record does not have (maps, fixed, floats); tables so large that
they would not stay in a processor's cache.
"""

from functools import lru_cache


def _varint(rest: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have their high bit set."""
    if rest >= _WIDE:
        return _wide_varint(rest)
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


def _wide_varint(rest: int) -> bytes:
    """The same of a number of 57 to 64 bits, as most node ids are, without a loop: groups of 56, 28, 14 and 7 bits move up until
    each seven bits have a byte of their own."""
    size = 10 if rest >> 63 else 9
    rest += (rest & _ABOVE_56) * 0xFF
    rest += (rest & _ABOVE_28) * 0x0F
    rest += (rest & _ABOVE_14) * 0x03
    rest += rest & _ABOVE_7
    return (rest | _MORE_OF_10 if size == 10 else rest | _MORE_OF_9).to_bytes(size, "little")


_WIDE = 1 << 56
_ABOVE_56, _ABOVE_28, _ABOVE_14 = 0xFF << 56, 0xFFFFFFF << 28, 0xFFFC0000FFFC000
_ABOVE_7 = 0x3F803F803F803F803F80
_MORE_OF_9, _MORE_OF_10 = 0x8080808080808080, 0x808080808080808080  # all but the last byte

SIZES_REMEMBERED_MAX = 4_096


@lru_cache(SIZES_REMEMBERED_MAX)
def size(count: int) -> bytes:
    """What stands before a text of so many bytes, and before an array's block of so many items."""
    return _varint(2 * count)


def text(value: str) -> bytes:
    content = value.encode()
    return size(len(content)) + content


name = lru_cache(256)(text)  # for short texts of which there are few


@lru_cache(1_024)
def number(value: int) -> bytes:
    """A long that is not negative."""
    return _varint(2 * value)


def signed(value: int) -> bytes:
    """A long of either sign: zigzag puts -1 before 1, -2 before 2."""
    return number(value) if value >= 0 else _varint(2 * -value - 1)


def time(value: int) -> bytes:
    """A long, for a time in ms: its higher bits stay the same for eight seconds."""
    if value < 0x2000:  # most of all 0, for none
        return number(value)
    return _LOW[value & 0x1FFF] + _recent(value >> 13)


# The first two bytes of every number that has more of them, by 13 of its bits.
_LOW = [bytes((bits & 0x7F | 0x80, bits >> 7 | 0x80)) for bits in range(0, 0x4000, 2)]
_recent = lru_cache(1_024)(_varint)

AMOUNT_END = 10**18  # exclusive, of either sign: eighteen digits


def amount_bytes(value: int | None) -> bytes | None:
    """A decimal's unscaled number, in as few bytes as hold it and its sign; None for what has more digits than are kept."""
    if value is None or not -AMOUNT_END < value < AMOUNT_END:
        return None
    return value.to_bytes((value.bit_length() + 8) // 8, "big", signed=True)
