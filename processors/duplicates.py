"""Recent message ids per routing id: what makes a client's retry count once.

One state value per routing id holds an 8-byte keyed hash and the second of receipt for each remembered event: a
version byte, all hashes, all seconds, both in order of receipt. Only events that were emitted are remembered, so a
repaired dead letter passes. The window is measured against the newest receipt under the same key, not against a
clock: the same input gives the same state.

Looking for a hash is a search for its 8 bytes anywhere among the hashes: hashes are random under a secret key, so
that bytes of two neighbours match by chance is as unlikely as that two ids share a hash.
"""

import struct
from array import array
from bisect import bisect_left, bisect_right

import msgspec

from schemas.stream import State

PREFIX = b"d"
VERSION = b"\x01"
DAY_S = 86_400
SECOND_MAX = 0xFFFFFFFF
HASH_BYTES, ENTRY_BYTES = 8, 12


class DuplicateLimits(msgspec.Struct, frozen=True):
    """How long, and how many ids a routing id keeps; the oldest go first."""

    window_days: int
    ids_per_key_max: int


class Window:
    """The remembered ids of one routing id, oldest first."""

    __slots__ = ("changed", "hashes", "seconds")

    def __init__(self, value: bytes | None) -> None:
        count = (len(value) - 1) // ENTRY_BYTES if value and value[:1] == VERSION else 0
        end = 1 + count * HASH_BYTES
        self.hashes = bytearray(value[1:end]) if value else bytearray()
        self.seconds = array("L", struct.unpack_from(f"<{count}I", value, end) if value else ())
        self.changed = False

    def __contains__(self, message_hash: bytes) -> bool:
        return message_hash in self.hashes

    def add(self, message_hash: bytes, second: int) -> None:
        """Remember one emitted event."""
        at = bisect_right(self.seconds, second)
        self.seconds.insert(at, second)
        self.hashes[at * HASH_BYTES : at * HASH_BYTES] = message_hash
        self.changed = True

    def forget(self, limits: DuplicateLimits) -> None:
        """Drop what is older than the window or over the number."""
        expired = (
            bisect_left(self.seconds, self.seconds[-1] - limits.window_days * DAY_S) if self.seconds else 0
        )
        drop = max(expired, len(self.seconds) - limits.ids_per_key_max)
        if drop > 0:
            del self.seconds[:drop]
            del self.hashes[: drop * HASH_BYTES]

    def encode(self) -> bytes:
        return VERSION + bytes(self.hashes) + struct.pack(f"<{len(self.seconds)}I", *self.seconds)


class Duplicates:
    """The windows that one chunk touches: each is read once and written once."""

    def __init__(self, state: State, limits: DuplicateLimits) -> None:
        self._state = state
        self._limits = limits
        self._windows: dict[bytes, Window] = {}

    def seen(self, routing: bytes, message_hash: bytes) -> bool:
        return message_hash in self._window(routing)

    def remember(self, routing: bytes, message_hash: bytes, received_at: int) -> None:
        window = self._window(routing)
        window.add(message_hash, min(received_at // 1000, SECOND_MAX))
        if len(window.seconds) > 2 * self._limits.ids_per_key_max:  # one key may fill a whole chunk
            window.forget(self._limits)

    def save(self) -> None:
        for routing, window in self._windows.items():
            if window.changed:
                window.forget(self._limits)
                self._state[PREFIX + routing] = window.encode()

    def _window(self, routing: bytes) -> Window:
        window = self._windows.get(routing)
        if window is None:
            window = self._windows[routing] = Window(self._state.get(PREFIX + routing))
        return window
