"""The newest values of one partition's committed state, in memory before the store.

A visitor comes again within seconds or minutes, and what a step reads it has nearly always written a moment before. The values
are the very objects that were written, in two generations: when the newer one has its half of the bytes, it becomes the older,
and what was that is let go. So finding a value costs a look-up or two and no book-keeping.

Only what is committed and stored comes in, by the only one who writes to the store, so that what is here always is what stands
there. Deliberately absent: what was read and never written; keys that are not there (the store's filters tell those quickly).
"""

from collections.abc import Iterator, Mapping

from runtime.streams.state import Stored

ENTRY_BYTES = 200  # of a key and its value beside their own bytes: two objects and a place in a table


class Recent:
    """A `Stored` over another one. Both generations together hold at most some `bytes_max`, or what one chunk wrote."""

    def __init__(self, stored: Stored, bytes_max: int) -> None:
        self._stored = stored
        self._read = stored.get
        self._half = bytes_max // 2
        self._newer: dict[bytes, bytes] = {}
        self._older: dict[bytes, bytes] = {}
        self._bytes = 0  # of the newer, as if each value were its key's first

    def get(self, key: bytes) -> bytes | None:
        value = self._newer.get(key)
        if value is None:
            value = self._older.get(key)
            if value is None:
                return self._read(key)
        return value

    def ordered_keys(self) -> Iterator[bytes]:
        return self._stored.ordered_keys()

    def written(self, changes: Mapping[bytes, bytes | None]) -> None:
        """These are committed and in the store now; None: deleted."""
        if not self._half:
            return
        for key, value in changes.items():
            if value is None:
                self._newer.pop(key, None)
                self._older.pop(key, None)
            else:
                self._newer[key] = value
                self._bytes += len(key) + len(value) + ENTRY_BYTES
        if self._bytes > self._half:
            self._newer, self._older, self._bytes = {}, self._newer, 0
