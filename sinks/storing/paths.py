"""What stood under each path of a block of objects (objects.py), as columns of ClickHouse's format `Native`.

A path has a byte for each row, which says of which of its types the row's value is, and the values of each type one behind the
other. Pure, and dear unless it is compiled (`paths.pxd`).
"""

import struct
from collections.abc import Iterable, Iterator

import schemas.values.octets as octets

ROOM = 256
TEXT, WHOLE, DECIMAL, BOOLEAN, ESCAPED, OBJECT, NOTHING = 0, 1, 2, 3, 4, 5, 6
NAMES = ("String", "Int64", "Float64", "Bool")  # of the first four
_ABSENT = b"\xff"

_double = struct.Struct("<d").pack
_whole = struct.Struct("<q").unpack


class Values:
    """Of one type under one path, one behind the other."""

    def __init__(self) -> None:
        self._room = ROOM
        self._at = 0
        self._buffer = octets.room(ROOM)  # which `_out` is, as C knows it
        self._out = self._buffer

    def text(self, source: bytes, start: int, size: int) -> None:
        if self._at + size + 10 > self._room:
            self._grow(size + 10)
        at, rest = self._at, size
        while rest > 0x7F:
            self._out[at] = rest & 0x7F | 0x80
            rest >>= 7
            at += 1
        self._out[at] = rest
        octets.copied_part(self._out, at + 1, source, start, size)
        self._at = at + 1 + size

    def number(self, value: int, size: int) -> None:
        if self._at + 8 > self._room:
            self._grow(8)
        octets.put_little(self._out, self._at, value)
        self._at += size

    def written(self) -> bytes:
        return bytes(memoryview(self._buffer)[: self._at])

    def _grow(self, size: int) -> None:
        before, used = self._buffer, self._at
        self._room = 2 * self._room + size
        self._buffer = octets.room(self._room)
        self._buffer[:used] = memoryview(before)[:used]
        self._out = self._buffer


class Path:
    """A key where it stands, and what stood there: in `places` a byte a row, the type or that there was none."""

    def __init__(self) -> None:
        self.stands_for(b"", b"")
        self.row = -1  # the last row that has it
        self.parent: Path | None = None
        self.inner: dict[bytes, Path] = {}
        self.places = bytearray()
        self.first = self.second = NOTHING  # its types
        self.types = 0
        self.values: list[Values] = []

    def stands_for(self, name: bytes, full: bytes) -> None:
        self._name = name  # which `octets` are, as C knows them
        self.octets = name
        self.size = len(name)
        self.full = full

    def is_at(self, text: bytes, start: int) -> bool:
        """Whether the key stands there; so many bytes must be."""
        at = 0
        while at < self.size:
            if self.octets[at] != text[start + at]:
                return False
            at += 1
        return True

    def place_of(self, kind: int) -> int:
        """Which of its types this is; one that is not there yet: the next."""
        if self.first == kind:
            return 0
        if self.second == kind:
            return 1
        return self.types

    def put(self, row: int, kind: int, place: int) -> Values:
        """Says that the row has a value of this kind there; where that value goes."""
        if place == self.types:
            self._begin(kind)
        if len(self.places) < row:
            self.places.extend(_ABSENT * (row - len(self.places)))
        self.places.append(place)
        return self.values[place]

    def _begin(self, kind: int) -> None:
        if self.types == 0:
            self.first = kind
        else:
            self.second = kind
        self.types += 1
        self.values.append(Values())

    def kinds(self) -> list[int]:
        return [self.first, self.second][: self.types]

    def parts(self, rows: int) -> Iterator[bytes]:
        self.places.extend(_ABSENT * (rows - len(self.places)))
        yield bytes(self.places).replace(_ABSENT, bytes([self.types]))
        for values in self.values:
            yield values.written()


class Member:
    """A key and its value in the row that is read: where the text stands, or the number. Each is used again for the next row."""

    def __init__(self) -> None:
        self.path = Path()
        self.kind = NOTHING
        self.start = self.size = self.number = 0
        self.decoded = b""

    def type(self) -> int:
        return TEXT if self.kind == ESCAPED else self.kind


def bits(value: float) -> int:
    """A double's 64 bits as a number."""
    return int(_whole(_double(value))[0])


def text_of(value: str | bytes) -> bytes:
    """A name or a type, its size before it."""
    encoded = value.encode() if isinstance(value, str) else value
    return octets.varint(len(encoded)) + encoded


def column_of(name: str, kind: str, values: Iterable[bytes | bytearray]) -> bytes:
    return b"".join((text_of(name), text_of(kind), *values))
