"""Timers in keyed state: which keys are due by when, found without looking through all of them.

State has no order that a step could search, so keys stand in lists, one for each stretch of time and in pages; and the last
stretch that was worked off stands beside them. A key is never moved: when its stretch comes, whoever set it looks whether it
is due by then, and sets it again if not. So a cart that changes a hundred times writes its list once.

The clock is the latest moment that anybody told; before the first one all keys wait in one list.
"""

import struct
from collections.abc import Iterator

from schemas.stream import State

PREFIX = b"d"
CLOCK = b"t"
STRETCH_MS = 5_000
PAGE_KEYS_MAX = 512
NOTHING_DONE = 0
BEFORE_ANY_TICK = 1  # a moment of the first stretch, in which all keys wait for the first tick

_COUNT = struct.Struct(">I")


class Timers:
    """The timers of one partition, as one chunk needs them. Keys have `key_bytes` bytes each."""

    def __init__(self, state: State, key_bytes: int) -> None:
        self._state = state
        self._key_bytes = key_bytes
        stored = state.get(CLOCK)
        self._done = int.from_bytes(stored, "big") if stored else NOTHING_DONE

    @property
    def stretch(self) -> int:
        """The last one that was worked off; 0 before the first tick."""
        return self._done

    @property
    def now(self) -> int:
        """The end of that stretch, some seconds ago at most; 0 before the first tick."""
        return self._done * STRETCH_MS

    def moment(self, due_ms: int) -> int:
        """When a key that is due then would come up: with a tick at or after that, some seconds later at most."""
        return max(-(-due_ms // STRETCH_MS), self._done + 1) * STRETCH_MS if self._done else BEFORE_ANY_TICK

    def set(self, moment: int, key: bytes) -> None:
        """`moment` as told by `moment`."""
        name = _name(moment // STRETCH_MS)
        count = self._count(name)
        page = name + _COUNT.pack(count // PAGE_KEYS_MAX)
        self._state[page] = (self._state.get(page) or b"") + key if count % PAGE_KEYS_MAX else key
        self._state[name] = _COUNT.pack(count + 1)

    def advance(self, now_ms: int) -> Iterator[bytes]:
        """Every key whose time has come by `now_ms`, each once, while the clock is moved on."""
        until = now_ms // STRETCH_MS
        if until <= self._done:
            return
        due = range(self._done + 1, until + 1) if self._done else range(1)
        self._done = until
        self._state[CLOCK] = until.to_bytes(8, "big")
        for stretch in due:
            yield from self._take(_name(stretch))

    def _take(self, name: bytes) -> Iterator[bytes]:
        count = self._count(name)
        if not count:
            return
        for number in range(-(-count // PAGE_KEYS_MAX)):
            page = name + _COUNT.pack(number)
            keys = self._state[page]
            del self._state[page]
            for start in range(0, len(keys), self._key_bytes):
                yield keys[start : start + self._key_bytes]
        del self._state[name]

    def _count(self, name: bytes) -> int:
        stored = self._state.get(name)
        return int(_COUNT.unpack(stored)[0]) if stored else 0


def _name(stretch: int) -> bytes:
    return PREFIX + stretch.to_bytes(8, "big")
