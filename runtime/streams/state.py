"""One partition's state as a step sees it during a chunk: a plain mapping, with what the chunk changed kept apart.

Nothing is written through: the Part takes `changes()` and writes them once, to the changelog and then to the store. A step
that raises has therefore changed nothing. Deliberately absent: any knowledge of Kafka or RocksDB.
"""

import heapq
from collections.abc import Iterator, MutableMapping
from typing import Any, Protocol

_UNREAD = object()


class Stored(Protocol):
    """The committed state beneath. Keys come in byte order."""

    def get(self, key: bytes) -> bytes | None: ...

    def ordered_keys(self) -> Iterator[bytes]: ...


class ChunkState(MutableMapping[bytes, bytes]):
    """Reads through to the committed state, each key once; remembers what was set and deleted. Iterates in byte order."""

    def __init__(self, stored: Stored) -> None:
        self._stored = stored
        self._read = stored.get
        self._known: dict[bytes, Any] = {}  # what was read or set; None: there is none
        self._changed: dict[bytes, bytes | None] = {}

    def changes(self) -> dict[bytes, bytes | None]:
        """Every key that the chunk set or deleted, once, with its last value; None: deleted."""
        return self._changed

    def __getitem__(self, key: bytes) -> bytes:
        value: bytes | None = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def get(self, key: bytes, default: Any = None) -> Any:
        """In one function, and not by way of a KeyError as Mapping's own: most of a chunk's keys are asked for once."""
        value = self._known.get(key, _UNREAD)
        if value is _UNREAD:
            value = self._known[key] = self._read(key)
        return default if value is None else value

    def __setitem__(self, key: bytes, value: bytes) -> None:
        self._known[key] = self._changed[key] = value

    def __delitem__(self, key: bytes) -> None:
        if self.get(key) is None:
            raise KeyError(key)
        self._known[key] = self._changed[key] = None

    def __contains__(self, key: object) -> bool:
        return isinstance(key, bytes) and self.get(key) is not None

    def __iter__(self) -> Iterator[bytes]:
        changed = dict(self._changed)
        kept = (key for key in self._stored.ordered_keys() if key not in changed)
        return heapq.merge(kept, sorted(key for key, value in changed.items() if value is not None))

    def __len__(self) -> int:
        return sum(1 for _ in self)
