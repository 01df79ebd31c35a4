"""The keys of a node's firings that are on their way, in the state of a partition: page by page, so that one key more or less
rewrites one page, however many there are.
"""

from collections.abc import Iterator
from itertools import count

from processors.actions.firing_state import KEY_BYTES
from schemas.stream import State

LETTER = b"i"
PAGE_KEYS_MAX = 1_000


class FiringsOf:
    """Every page but the last is full. The keys of a node have no order."""

    def __init__(self, state: State) -> None:
        self._state = state

    def of(self, node: int) -> Iterator[bytes]:
        for _, keys in self._pages(node):
            for start in range(0, len(keys), KEY_BYTES):
                yield keys[start : start + KEY_BYTES]

    def add(self, node: int, key: bytes) -> None:
        place, keys = self._last(node)
        if len(keys) == PAGE_KEYS_MAX * KEY_BYTES:
            place, keys = _page(node, int.from_bytes(place[9:], "big") + 1), b""
        self._state[place] = keys + key

    def remove(self, node: int, key: bytes) -> None:
        """The last one takes its place."""
        for place, keys in self._pages(node):
            at = _find(keys, key)
            if at >= 0:
                last, rest = self._last(node)
                moved = rest[-KEY_BYTES:]
                if place != last:
                    self._state[place] = keys[:at] + moved + keys[at + KEY_BYTES :]
                else:
                    rest = keys[:at] + moved + keys[at + KEY_BYTES :]
                self._shorten(last, rest)
                return

    def _shorten(self, place: bytes, keys: bytes) -> None:
        if len(keys) > KEY_BYTES:
            self._state[place] = keys[:-KEY_BYTES]
        else:
            self._state.pop(place, None)

    def _last(self, node: int) -> tuple[bytes, bytes]:
        found = _page(node, 0), b""
        for page in self._pages(node):
            found = page
        return found

    def _pages(self, node: int) -> Iterator[tuple[bytes, bytes]]:
        for number in count():
            place = _page(node, number)
            keys = self._state.get(place)
            if not keys:
                return
            yield place, keys


def _find(keys: bytes, key: bytes) -> int:
    for start in range(0, len(keys), KEY_BYTES):
        if keys[start : start + KEY_BYTES] == key:
            return start
    return -1


def _page(node: int, number: int) -> bytes:
    return LETTER + node.to_bytes(8, "big") + (number.to_bytes(2, "big") if number else b"")
