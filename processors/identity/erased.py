"""Which subjects' events are erased, and from when to when: for agents that know a subject by its node id alone.

Kept for ever, like the resolver's (orders.py): an order may come before facts that were on their way when it was given.
"""

from collections.abc import Iterable

import msgspec

from processors.identity.orders import Range, joined
from schemas.identity.identifiers import NODE_ID_MASK
from schemas.identity.orders import Erase
from schemas.stream import State

PREFIX = b"e"  # alone: anything was ever erased here

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[Range]).decode


class Erased:
    """The erasures of one partition, as one chunk needs them."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._is_any = state.get(PREFIX) is not None

    def take(self, order: Erase) -> None:
        self._is_any = True
        self._state[PREFIX] = b"1"
        ranges = [*self._of(order.node), (order.since, order.until)]
        self._state[_key(order.node)] = _encode(joined(ranges))

    def erases(self, subject: int, time: int) -> bool:
        return self._is_any and any(since <= time <= until for since, until in self._of(subject))

    def _of(self, node: int) -> Iterable[Range]:
        stored = self._state.get(_key(node))
        return _decode(stored) if stored else []


def _key(node: int) -> bytes:
    return PREFIX + (node & NODE_ID_MASK).to_bytes(8, "big")
