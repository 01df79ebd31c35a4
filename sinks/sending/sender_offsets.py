"""Which records of a partition are done, when they are not done in their order. Pure.

A position is committed below which everything is done; what stands above it and is done too is written beside it, as the
commit's metadata, so that a crash repeats only what was really on its way. What does not fit there is done again: attempts are
made at least once.
"""

import base64
import binascii
from collections.abc import Iterable, Iterator

import msgspec

METADATA_CHARS_MAX = 3_800  # a broker takes 4,096 bytes unless it was told otherwise
HOLE_BYTES_MAX = 9
VERSION = "1:"


class Bookmark(msgspec.Struct, frozen=True):
    """Below `floor` all is done, and below `high` all but `holes`."""

    floor: int
    high: int
    holes: tuple[int, ...] = ()

    @property
    def metadata(self) -> str:
        """As much as fits: fewer holes, and a lower `high`."""
        found, last = bytearray(), self.floor
        for number in (*self.holes, self.high):
            more = _varint(number - last)
            if len(found) + len(more) + HOLE_BYTES_MAX > METADATA_CHARS_MAX * 3 // 4:
                found += _varint(number - last)  # all is done up to this hole
                break
            found += more
            last = number
        return VERSION + base64.b64encode(found).decode()


def bookmark_of(floor: int, metadata: str) -> Bookmark:
    """Of a commit. Metadata that is none of ours says nothing."""
    if not metadata.startswith(VERSION):
        return Bookmark(floor, floor)
    try:
        steps = list(_numbers(base64.b64decode(metadata.removeprefix(VERSION), validate=True)))
    except (binascii.Error, ValueError):
        return Bookmark(floor, floor)
    places, at = [], floor
    for step in steps:
        at += step
        places.append(at)
    return Bookmark(floor, places[-1], tuple(places[:-1])) if places else Bookmark(floor, floor)


class Window:
    """One partition while it is ours: from the bookmark on, offsets are taken in their order and done in any."""

    def __init__(self, bookmark: Bookmark) -> None:
        self._before = bookmark
        self._holes = frozenset(bookmark.holes)
        self._pending: dict[int, int] = {}  # offset -> time of the record, in the order of offsets
        self.next = bookmark.floor
        self.beats = 0

    def take(self, offset: int, timestamp_ms: int) -> bool:
        """Whether it is still to be done."""
        self.next = offset + 1
        self.beats += 1
        if offset < self._before.high and offset not in self._holes:
            return False
        self._pending[offset] = timestamp_ms
        return True

    def done(self, offset: int) -> None:
        self._pending.pop(offset, None)
        self.beats += 1

    @property
    def is_busy(self) -> bool:
        return bool(self._pending)

    @property
    def oldest_ms(self) -> int | None:
        """When the oldest record came that is not done."""
        return next(iter(self._pending.values()), None)

    def bookmark(self) -> Bookmark:
        unread = sorted(hole for hole in self._holes if hole >= self.next)
        holes = [*self._pending, *unread]
        high = max(self.next, self._before.high)
        return Bookmark(holes[0] if holes else high, high, tuple(holes))


def _varint(number: int) -> bytes:
    found = bytearray()
    while number >= 0x80:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _numbers(data: Iterable[int]) -> Iterator[int]:
    """Raises ValueError."""
    number = shift = 0
    is_open = False
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        is_open = byte >= 0x80
        if not is_open:
            yield number
            number = shift = 0
    if is_open:
        raise ValueError("cut off")
