"""Recent message ids per routing id: what makes a client's retry count once.

One value per routing id, under its keyed hash: a version byte, then for each remembered event 4 bytes of its
second of receipt and an 8-byte keyed hash of its message id, the oldest first. Only events that were emitted are
remembered, so a repaired dead letter passes. The window is measured against the newest receipt under the same key,
not against a clock: the same input gives the same state.

Deliberately absent: an end for the value of a key that falls silent. Nobody looks at it again, so it stays for good: about
70 bytes for a visitor of five events (docs/decisions/0011).

Values are never taken apart: whether an id is known is a search for its 8 bytes anywhere in the value. Hashes are random
under a secret key, so bytes of two neighbours match by chance as rarely as two ids share a hash.
"""

import msgspec

import schemas.values.octets as octets
from schemas.stream import Values

PREFIX = b"d"
VERSION = b"\x01"
DAY_S = 86_400
SECOND_MAX = 0xFFFFFFFF

_ENTRY_BYTES = 12
_SECOND_MAX, _DAY_S = SECOND_MAX, DAY_S  # numbers of C, where this is C


class DuplicateLimits(msgspec.Struct, frozen=True):
    """How long, and how many ids a routing id keeps; the oldest go first."""

    window_days: int
    ids_per_key_max: int


class Duplicates:
    """The ids under the routing ids that one chunk touches: each value is read once and written once."""

    def __init__(self, state: Values, limits: DuplicateLimits) -> None:
        self._state = state
        self._window_s = limits.window_days * _DAY_S
        self._kept_bytes = limits.ids_per_key_max * _ENTRY_BYTES
        self._values: dict[bytes, bytearray] = {}
        self._changed: dict[bytes, None] = {}  # in order: the same input gives the same changelog
        self._bytes_max = 2 * self._kept_bytes

    def seen(self, routing: bytes, message_hash: bytes) -> bool:
        value = self._values.get(routing)
        if value is None:
            value = self._values[routing] = _usable(self._state.get(PREFIX + routing))
        return octets.holds(value, message_hash, 0)

    def remember(self, routing: bytes, message_hash: bytes, received_at: int) -> None:
        """After `seen` of the same routing id."""
        value = self._values[routing]
        _insert(value, min(received_at // 1000, _SECOND_MAX), message_hash)
        self._changed[routing] = None
        if len(value) > self._bytes_max:  # one key may fill a whole chunk
            _forget(value, self._window_s, self._kept_bytes)

    def save(self) -> None:
        for routing in self._changed:
            value = self._values[routing]
            if len(value) > 1 + _ENTRY_BYTES:  # most visitors come for one event
                _forget(value, self._window_s, self._kept_bytes)
            self._state[PREFIX + routing] = octets.first(value, len(value))


def _usable(value: bytes | None) -> bytearray:
    return bytearray(value if value and value[:1] == VERSION else VERSION)


def _insert(value: bytearray, second: int, message_hash: bytes) -> None:
    """Behind all that were received before or in the same second: nearly always at the end."""
    entry = octets.part(octets.eight(second), 4, 8) + message_hash
    at = len(value)
    while at > 1 and _second(value, at - _ENTRY_BYTES) > second:
        at -= _ENTRY_BYTES
    if at == len(value):
        value += entry
    else:
        value[at:at] = entry


def _second(value: bytearray, at: int) -> int:
    """Of the entry that begins there."""
    octet = value  # where this is C, its first byte's address
    high = octet[at] * 256 + octet[at + 1]
    low = octet[at + 2] * 256 + octet[at + 3]
    return high * 65_536 + low


def _forget(value: bytearray, window_s: int, kept_bytes: int) -> None:
    """Drop what is older than the window or over the number."""
    size = len(value)
    oldest = _second(value, size - _ENTRY_BYTES) - window_s
    start = max(1, size - kept_bytes)
    while _second(value, start) < oldest:
        start += _ENTRY_BYTES
    if start > 1:
        del value[1:start]
