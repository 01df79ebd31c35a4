"""Avro's encoding of texts and numbers, for the one record that is written for every event (see codec.py): in half of fastavro's
time, which looks up every field's type again and compares all field names with the schema's.

Deliberately absent: whatever that record does not have (maps, fixed, floats); tables so large that
they would not stay in a processor's cache.
"""

from functools import lru_cache


def _varint(rest: int) -> bytes:
    """Seven bits a byte, the lowest first; all but the last have their high bit set."""
    out = bytearray()
    while rest > 0x7F:
        out.append(rest & 0x7F | 0x80)
        rest >>= 7
    out.append(rest)
    return bytes(out)


SIZES_MAX = 1_024
_SIZES = [_varint(2 * size) for size in range(SIZES_MAX)]  # of most texts
_MORE = [bytes((bits | 0x80,)) for bits in range(0x80)]  # seven bits with others after them


def text(value: str) -> bytes:
    content = value.encode()
    size = len(content)
    return (_SIZES[size] if size < SIZES_MAX else _varint(2 * size)) + content


name = lru_cache(256)(text)  # for short texts of which there are few


@lru_cache(1_024)
def number(value: int) -> bytes:
    """A long that is not negative."""
    return _varint(2 * value)


def signed(value: int) -> bytes:
    """A long of either sign: zigzag puts -1 before 1, -2 before 2."""
    return number(value) if value >= 0 else _varint(2 * -value - 1)


def time(value: int) -> bytes:
    """The same for a time in ms: its higher bits stay the same for eight seconds."""
    rest = 2 * value
    if rest < 0x4000:  # most of all 0, for none
        return number(value)
    return _MORE[rest & 0x7F] + _MORE[rest >> 7 & 0x7F] + _recent(rest >> 14)


_recent = lru_cache(1_024)(_varint)
