"""Bytes that are copied, made of a number or looked for, many times an event, as plain Python has them.

Where a module that uses these is compiled, the few lines of C in octets.pxd stand in their place: a copy into a buffer is then a
copy and no object. So they are called by the module's name (`import schemas.values.octets as octets`), here and there. Both do
the same (tests/schemas/values/test_octets.py). This module itself is never compiled.
"""

from msgspec import Raw
from murmurhash2 import murmurhash2
from siphashc import siphash as siphash24

Content = bytes | bytearray | Raw


def room(size: int) -> bytearray:
    """For so many bytes, whatever stands there."""
    return bytearray(size)


def copied(out: bytearray, at: int, content: Content) -> int:
    """`content` stands in `out` from `at` on, where there must be room for it. Where it ends."""
    end = at + len(content)
    out[at:end] = bytes(content)
    return end


def copied_text(out: bytearray, at: int, content: str) -> int:
    """The same of a text's UTF-8."""
    return copied(out, at, content.encode())


def size_of(content: str) -> int:
    """Bytes of its UTF-8. Raises UnicodeEncodeError for half characters."""
    return len(content.encode())


def first(out: bytearray, size: int) -> bytes:
    """So many bytes from the beginning."""
    return bytes(out[:size])


def holds(content: bytes | bytearray, wanted: bytes, rarest: int) -> bool:
    """Whether these bytes stand somewhere in it. They are looked for by one of them, the one at place `rarest`.

    (`in` of Python takes them for a number first, which is dear.)
    """
    return content.find(wanted) >= 0


def eight(value: int) -> bytes:
    """A number of 0 to 2**64 - 1, the highest byte first: a node id as it stands in keys of state."""
    return value.to_bytes(8, "big")


def part(content: bytes, start: int, end: int) -> bytes:
    """The bytes from `start` to before `end`, both within it."""
    return content[start:end]


def siphash(content: bytes, key: bytes) -> int:
    """SipHash-2-4 under a key of 16 bytes, in 64 bits."""
    return siphash24(key, content)


def murmur2(content: bytes, seed: int) -> int:
    """Murmur's second hash in 32 bits, by which Kafka's clients choose partitions. (The library lets go of the interpreter's lock
    for it: a thread that waits for that lock takes it.)"""
    return murmurhash2(content, seed)


def place_of(content: bytes, octet: int, start: int) -> int:
    """Where this one is from `start` on; -1 when it is not there."""
    return content.find(octet, start)


def put_little(out: bytearray, at: int, value: int) -> None:
    """The lowest 64 bits of a number, the lowest byte first. Room must be there for all eight."""
    out[at : at + 8] = (value & 0xFFFF_FFFF_FFFF_FFFF).to_bytes(8, "little")


def big(content: bytes, at: int, size: int) -> int:
    """A number with a sign in 1 to 8 bytes, the highest first."""
    return int.from_bytes(content[at : at + size], "big", signed=True)


def copied_part(out: bytearray, at: int, content: bytes, start: int, size: int) -> None:
    """So many bytes of `content` from `start` on, which must be there, stand in `out` from `at` on, where there must be room."""
    out[at : at + size] = content[start : start + size]


def varint(number: int) -> bytes:
    """A number that is not negative, seven bits a byte, the lowest first; all but the last have their high bit set."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
