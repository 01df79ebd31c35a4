"""Bodies of Avro as one block of ClickHouse's `Native` format: column after column, which the server takes as they stand, where
it reads Avro value by value (docs/decisions/0070).

The leaves of a record stand in one order in both: a record within it is a tuple, whose columns follow each other, and an array is
the column of where each row's items end, then the columns of its items. The format is ClickHouse's `NativeWriter` without a
revision, as over HTTP: for each column its name, its type, its values. Numbers have their lowest byte first, a text has its size
before it, a column of what may be absent has a column of flags before it.

Pure, and dear unless it is compiled (`columns.pxd`): what happens otherwise is in rows.py. Deliberately absent: whatever our
schemas do not have, and a judgement of what is wrong with a body (`Unreadable`): ClickHouse's own reader has the word then.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import schemas.values.octets as octets
from sinks.storing.objects import Objects
from sinks.storing.paths import text_of

VARINT_BYTES_MAX = 10
ROOM = 1_024  # bytes of a column's first buffer; a later one has twice as many,
ROOM_MAX = 65_536  # up to these

# Longs that are something else in the ingest tables.
_UNSIGNED = dict.fromkeys(["subject", "node", "claimed", "visitor", "number", "position"], "UInt64") | {
    "score": "UInt8"
}
_BYTES_OF = {"Int32": 4, "UInt8": 1, "Bool": 1}


class Unreadable(ValueError):
    """A body that this schema does not write."""


class Body:
    """One record's bytes, and how far they are read."""

    def __init__(self) -> None:
        self.begin(b"", 0)

    def begin(self, content: bytes, start: int) -> None:
        self._content = content  # which `octets` are, as C knows them
        self.octets = content
        self.at = start
        self.end = len(content)

    def number(self) -> int:
        """A long: seven bits a byte, the lowest first, then zigzag. Raises Unreadable."""
        at = self.at
        if at < self.end and self.octets[at] < 0x80:  # nearly always
            self.at = at + 1
            return (self.octets[at] >> 1) ^ -(self.octets[at] & 1)
        found, shift, one = 0, 0, 0x80
        while one >= 0x80:
            if at >= self.end or shift > 63:
                raise Unreadable("a number has no end")
            one = self.octets[at]
            found |= (one & 0x7F) << shift
            shift += 7
            at += 1
        if shift > 63 and one > 1:
            raise Unreadable("a number has more than 64 bits")
        self.at = at
        return (found >> 1) ^ -(found & 1)

    def size(self) -> int:
        """Of a text that follows, all of it. Raises Unreadable."""
        found = self.number()
        if found < 0 or found > self.end - self.at:
            raise Unreadable("a text is longer than its record")
        return found


class Column:
    """The values of one leaf so far, in buffers each of which is left as it is when it is full. This one is of texts."""

    def __init__(self) -> None:
        self._full: list[memoryview] = []
        self._at = 0  # so many bytes are written
        self._begin(ROOM)

    def take(self, body: Body) -> None:
        """The next value. Raises Unreadable."""
        if body.at < body.end and body.octets[body.at] == 0:  # no text, as often: the same byte in both
            self._make_room(1)
            self._out[self._at] = 0
            self._at += 1
            body.at += 1
        else:
            self._put_text(body, body.size())

    def _put_text(self, body: Body, size: int) -> None:
        self._make_room(size + VARINT_BYTES_MAX)
        at, rest = self._at, size
        while rest > 0x7F:
            self._out[at] = rest & 0x7F | 0x80
            rest >>= 7
            at += 1
        self._out[at] = rest
        octets.copied_part(self._out, at + 1, body.octets, body.at, size)
        self._at = at + 1 + size
        body.at += size

    def parts(self) -> list[memoryview]:
        return [*self._full, memoryview(self._buffer)[: self._at]]

    def _make_room(self, size: int) -> None:
        """For so many bytes more."""
        if self._at + size > self._room:
            self._turn(size)

    def _turn(self, size: int) -> None:
        """Another buffer, with room for so many bytes at least."""
        self._full.append(memoryview(self._buffer)[: self._at])
        self._begin(max(min(2 * self._room, ROOM_MAX), size))

    def _begin(self, room: int) -> None:
        self._room = room
        self._buffer = octets.room(room)  # which `_out` is, as C knows it
        self._out = self._buffer
        self._at = 0


class Properties(Column):
    """Texts of JSON, read on their way."""

    def __init__(self) -> None:
        super().__init__()
        self.objects = Objects()

    def take(self, body: Body) -> None:
        size = body.size()
        self.objects.take(body._content, body.at, size)
        self._put_text(body, size)


class Numbers(Column):
    """Of so many bytes each."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self._size = size

    def take(self, body: Body) -> None:
        self.put(body.number())

    def put(self, value: int) -> None:
        self._make_room(8)  # for the widest
        octets.put_little(self._out, self._at, value)
        self._at += self._size


class Narrow(Numbers):
    """Of 32 bits. Avro's reader refuses what has more."""

    def __init__(self) -> None:
        super().__init__(4)

    def take(self, body: Body) -> None:
        value = body.number()
        if value < -0x8000_0000 or value > 0x7FFF_FFFF:
            raise Unreadable("a number has more than 32 bits")
        self.put(value)


class Flags(Numbers):
    """Booleans: a byte in both formats."""

    def __init__(self) -> None:
        super().__init__(1)

    def take(self, body: Body) -> None:
        if body.at >= body.end or body.octets[body.at] > 1:
            raise Unreadable("neither true nor false")
        self.put(body.octets[body.at])
        body.at += 1


class Amounts(Numbers):
    """Decimals that may be absent. Avro has their unscaled number with the highest byte first, in as few bytes as hold it."""

    def __init__(self) -> None:
        super().__init__(8)
        self._absent = Flags()

    def take(self, body: Body) -> None:
        branch = body.number()
        if branch == 0:
            self._absent.put(1)
            self.put(0)
        else:
            size = body.size() if branch == 1 else 0
            if size < 1 or size > 8:
                raise Unreadable("no decimal of 64 bits")
            self._absent.put(0)
            self.put(octets.big(body.octets, body.at, size))
            body.at += size

    def parts(self) -> list[memoryview]:
        return [*self._absent.parts(), *super().parts()]


class Lists(Numbers):
    """Arrays: where each row's items end, counted through, and the columns of the items."""

    def __init__(self, items: Sequence[Column]) -> None:
        super().__init__(8)
        self._items = list(items)
        self._count = 0

    def take(self, body: Body) -> None:
        count = body.number()
        while count != 0:
            if count < 0:
                raise Unreadable("an array's block with a size, which we do not write")
            self._count += count
            while count > 0:
                for item in self._items:
                    item.take(body)
                count -= 1
            count = body.number()
        self.put(self._count)

    def parts(self) -> list[memoryview]:
        return [*super().parts(), *(part for item in self._items for part in item.parts())]


class Field:
    """One column of the table: its name, its type in ClickHouse, and its leaves in their order."""

    def __init__(self, name: str, kind: str, leaves: Sequence[Column]) -> None:
        self.name = name
        self.kind = kind
        self.leaves = leaves

    def parts(self) -> Iterator[bytes | memoryview]:
        yield text_of(self.name)
        yield text_of(self.kind)
        for leaf in self.leaves:
            yield from leaf.parts()

    def read(self) -> list[bytes]:
        """Columns beside it, made of what it says."""
        return self.leaves[0].objects.columns() if isinstance(self.leaves[0], Properties) else []


def fields_of(definition: Any) -> list[Field]:
    """A record's, all empty. `definition` is Avro's."""
    named: dict[str, Any] = {}
    return [_field(field["name"], field["type"], named) for field in definition["fields"]]


def native(definition: Any, values: Sequence[bytes], start: int = 0) -> bytes:
    """The block of these records, all written with this schema, whose bodies begin at `start`. Raises Unreadable."""
    fields = fields_of(definition)
    _take([leaf for field in fields for leaf in field.leaves], values, start)
    read = [part for field in fields for part in field.read()]
    head = octets.varint(len(fields) + len(read)) + octets.varint(len(values))
    return b"".join((head, *(part for field in fields for part in field.parts()), *read))


def _take(leaves: list[Column], values: Sequence[bytes], start: int) -> None:
    body = Body()
    for value in values:
        body.begin(value, start)
        for leaf in leaves:
            leaf.take(body)
        if body.at != body.end:
            raise Unreadable("a record is longer than its fields")


def _field(name: str, kind: Any, named: dict[str, Any]) -> Field:
    if isinstance(kind, list):  # a decimal or null: what our schemas have of unions
        return Field(name, "Nullable(Decimal(18, 6))", [Amounts()])
    if isinstance(kind, str) and kind in named:
        kind = named[kind]
    if not isinstance(kind, dict):
        return _plain(name, kind)
    if kind["type"] == "record":
        named[kind["name"]] = kind
        inner = [_field(field["name"], field["type"], named) for field in kind["fields"]]
        types = ", ".join(f"{one.name} {one.kind}" for one in inner)
        return Field(name, f"Tuple({types})", [leaf for one in inner for leaf in one.leaves])
    if kind["type"] == "array":
        item = _field(name, kind["items"], named)
        return Field(name, f"Array({item.kind})", [Lists(item.leaves)])
    return Field(name, "DateTime64(3, 'UTC')", [Numbers(8)])  # timestamp-millis


def _plain(name: str, kind: str) -> Field:
    if kind == "string":
        return Field(name, "String", [Properties() if name == "properties" else Column()])
    if kind == "boolean":
        return Field(name, "Bool", [Flags()])
    if kind == "int":
        return Field(name, "Int32", [Narrow()])
    whole = _UNSIGNED.get(name, "Int64")
    return Field(name, whole, [Numbers(_BYTES_OF.get(whole, 8))])
