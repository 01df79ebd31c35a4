"""Texts of JSON as a column of ClickHouse's type `JSON`, in the form `FLATTENED` of the format `Native`: a column for each path,
which the server takes as it stands, where it reads a text value by value with some ten allocations each (docs/decisions/0076).

What is read is what nearly all properties are: objects of texts, numbers, booleans and null, and objects of these. Everything
else is left to ClickHouse (`take` says False): lists, whole numbers of more than 18 digits, keys that stand twice, have a dot or
a backslash, more than two types under one path, what is nested too deeply, what is no JSON. A row is taken whole or not at all.
A value has the type that ClickHouse infers, where a path has up to two types in a block.

Pure, and dear unless it is compiled (`objects.pxd`).
"""

from collections.abc import Iterator

import msgspec

import schemas.values.octets as octets
from sinks.storing.paths import (
    BOOLEAN,
    DECIMAL,
    ESCAPED,
    NAMES,
    NOTHING,
    OBJECT,
    TEXT,
    WHOLE,
    Member,
    Path,
    bits,
    column_of,
    text_of,
)

KIND = "JSON(max_dynamic_types=2, max_dynamic_paths=32)"  # as the server writes it
FLATTENED = (3).to_bytes(8, "little")
KEYS_MAX = 256  # of a row
PATHS_MAX = 256  # of a block
TYPES_MAX = 2  # of a path: the column's max_dynamic_types
DEPTH_MAX = 10  # what is nested deeper is a text (schemas/clickhouse/0007_narrow_properties.sql)
DIGITS_MAX = 18  # of an Int64 that need not be compared

_decode = msgspec.json.Decoder(str).decode


class Objects:
    """The texts of a block so far: `take` once for each row."""

    def __init__(self) -> None:
        self.rows = 0
        self.taken = bytearray()  # a flag a row
        self._root = Path()
        self._paths: list[Path] = []
        self._members = [Member() for _ in range(KEYS_MAX)]
        self._count = 0  # of them in this row
        self._is_plain = True
        self._begin(b"")

    def take(self, content: bytes, start: int, size: int) -> bool:
        """The next row's text."""
        self._begin(content)
        self._is_plain, self._count = True, 0
        is_taken = self._read(start, start + size) and self._fits()
        if is_taken and not self._is_plain:
            is_taken = _is_utf8(content[start : start + size])
        if is_taken:
            self._put_all()
        self.taken.append(is_taken)
        self.rows += 1
        return is_taken

    def columns(self) -> list[bytes]:
        """What a block of events has of this beside the texts: everything; or what was read, and of which rows, where some were
        not and most were (schemas/clickhouse/0035_read_properties.sql); or nothing."""
        read = sum(self.taken)
        if read == self.rows:
            return [column_of("properties_parsed", KIND, self._parts())]
        if 2 * read < self.rows:
            return []
        flags = column_of("properties_are_read", "Bool", [self.taken])
        return [column_of("properties_read", KIND, self._parts()), flags]

    def _parts(self) -> Iterator[bytes]:
        paths = [path for path in self._paths if path.types]
        yield FLATTENED + octets.varint(len(paths))
        for path in paths:
            yield text_of(path.full)
        for path in paths:
            yield FLATTENED + octets.varint(path.types)
            for kind in path.kinds():
                yield text_of(NAMES[kind])
        for path in paths:
            yield from path.parts(self.rows)

    def _fits(self) -> bool:
        """No path would have too many types."""
        for nth in range(self._count):
            member = self._members[nth]
            if member.kind < OBJECT and member.path.place_of(member.type()) >= TYPES_MAX:
                return False
        return True

    def _put_all(self) -> None:
        for nth in range(self._count):
            member = self._members[nth]
            if member.kind < OBJECT:
                self._put(member, member.path)

    def _put(self, member: Member, path: Path) -> None:
        kind = member.type()
        values = path.put(self.rows, kind, path.place_of(kind))
        if member.kind == TEXT:
            values.text(self._text, member.start, member.size)
        elif member.kind == ESCAPED:
            values.text(member.decoded, 0, len(member.decoded))
        else:
            values.number(member.number, 1 if kind == BOOLEAN else 8)

    def _begin(self, content: bytes) -> None:
        self._content = content
        self._text = content

    def _read(self, start: int, end: int) -> bool:
        at = self._object(self._behind_space(start, end), end, self._root, 1)
        return at >= 0 and self._behind_space(at, end) == end

    def _object(self, at: int, end: int, parent: Path, depth: int) -> int:
        """Behind it; below 0 when it is none, or not one of those that are read here."""
        if at >= end or self._text[at] != 0x7B or depth > DEPTH_MAX:
            return -1
        at = self._behind_space(at + 1, end)
        if at < end and self._text[at] == 0x7D:
            return at + 1
        while True:
            at = self._member(at, end, parent, depth)
            if at < 0:
                return -1
            at = self._behind_space(at, end)
            if at >= end:
                return -1
            if self._text[at] == 0x7D:
                return at + 1
            if self._text[at] != 0x2C:
                return -1
            at = self._behind_space(at + 1, end)

    def _member(self, at: int, end: int, parent: Path, depth: int) -> int:
        start = at + 1
        at = self._behind_key(at, end)
        if at < 0 or self._count == KEYS_MAX:
            return -1
        member = self._members[self._count]
        path = self._path(member.path, parent, start, at - 1 - start)
        if path is None or path.row == self.rows:
            return -1
        path.row = self.rows
        member.path, member.kind = path, NOTHING
        self._count += 1
        at = self._behind_space(at, end)
        if at >= end or self._text[at] != 0x3A:
            return -1
        at = self._behind_space(at + 1, end)
        if at < end and self._text[at] == 0x7B:
            member.kind = OBJECT
            return self._object(at, end, path, depth + 1)
        return self._value(at, end, member)

    def _behind_key(self, at: int, end: int) -> int:
        if at >= end or self._text[at] != 0x22:
            return -1
        at += 1
        start = at
        while at < end and self._text[at] != 0x22:
            if self._text[at] < 0x20 or self._text[at] == 0x5C or self._text[at] == 0x2E:
                return -1
            if self._text[at] >= 0x80:
                self._is_plain = False
            at += 1
        return at + 1 if start < at < end else -1

    def _path(self, usual: Path, parent: Path, start: int, size: int) -> Path | None:
        """`usual` is what stood there in a row before: where it does again, no look-up is needed."""
        if usual.parent is parent and usual.size == size and usual.is_at(self._text, start):
            return usual
        name = self._content[start : start + size]
        path = parent.inner.get(name)
        if path is None:
            if len(self._paths) == PATHS_MAX:
                return None
            path = Path()
            path.stands_for(name, parent.full + b"." + name if parent.full else name)
            path.parent = parent
            parent.inner[name] = path
            self._paths.append(path)
        return path

    def _value(self, at: int, end: int, member: Member) -> int:
        if at >= end:
            return -1
        first = self._text[at]
        if first == 0x22:
            return self._string(at + 1, end, member)
        if first == 0x2D or 0x30 <= first <= 0x39:
            return self._number(at, end, member)
        if first == 0x74 and self._content[at : at + 4] == b"true" and at + 4 <= end:
            member.kind, member.number = BOOLEAN, 1
            return at + 4
        if first == 0x66 and self._content[at : at + 5] == b"false" and at + 5 <= end:
            member.kind, member.number = BOOLEAN, 0
            return at + 5
        if first == 0x6E and self._content[at : at + 4] == b"null" and at + 4 <= end:
            return at + 4
        return -1

    def _string(self, at: int, end: int, member: Member) -> int:
        start, is_escaped = at, False
        while at < end and self._text[at] != 0x22:
            if self._text[at] < 0x20:
                return -1
            if self._text[at] >= 0x80:
                self._is_plain = False
            if self._text[at] == 0x5C:
                is_escaped = True
                at += 1
            at += 1
        if at >= end:
            return -1
        member.kind, member.start, member.size = TEXT, start, at - start
        if is_escaped:
            return self._escaped(start - 1, at + 1, member)
        return at + 1

    def _escaped(self, start: int, end: int, member: Member) -> int:
        try:
            member.decoded = _decode(self._content[start:end]).encode()
        except ValueError:  # no escape, half a pair of surrogates, no UTF-8
            return -1
        member.kind = ESCAPED
        return end

    def _number(self, at: int, end: int, member: Member) -> int:
        start, value = at, 0
        if self._text[at] == 0x2D:
            at += 1
        first = at
        while at < end and 0x30 <= self._text[at] <= 0x39 and at - first <= DIGITS_MAX:
            value = 10 * value + (self._text[at] - 0x30)
            at += 1
        if at == first or at - first > DIGITS_MAX or (self._text[first] == 0x30 and at > first + 1):
            return -1
        if at < end and (self._text[at] == 0x2E or self._text[at] == 0x65 or self._text[at] == 0x45):
            return self._decimal(start, at, end, member)
        if value == 0 and first > start:
            return -1
        member.kind = WHOLE
        member.number = -value if first > start else value
        return at

    def _decimal(self, start: int, at: int, end: int, member: Member) -> int:
        if self._text[at] == 0x2E:
            at = self._behind_digits(at + 1, end)
        if at > 0 and at < end and (self._text[at] == 0x65 or self._text[at] == 0x45):
            at += 1
            if at < end and (self._text[at] == 0x2B or self._text[at] == 0x2D):
                at += 1
            at = self._behind_digits(at, end)
        if at < 0:
            return -1
        value = float(self._content[start:at])
        if value - value != 0:  # more than a double holds
            return -1
        member.kind = DECIMAL
        member.number = bits(value)
        return at

    def _behind_digits(self, at: int, end: int) -> int:
        """Of one at least."""
        start = at
        while at < end and 0x30 <= self._text[at] <= 0x39:
            at += 1
        return at if at > start else -1

    def _behind_space(self, at: int, end: int) -> int:
        while at < end and self._text[at] <= 0x20:
            if (
                self._text[at] != 0x20
                and self._text[at] != 0x0A
                and self._text[at] != 0x0D
                and self._text[at] != 0x09
            ):
                break
            at += 1
        return at


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True
