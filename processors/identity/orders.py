"""Orders at a resolver: which events are not stored, which facts are not stated, which identifiers are none.

One state value per node of which anything is ordered, under its node id, and one filter for the partition, a bit per
node: where nothing was ever ordered, a chunk pays for one look, and elsewhere nearly every event pays for no look of its
own. An order may come before or after the events that it speaks of; what was stored and stated before it came is
taken back elsewhere (processors/identity/rulings.py, and by whoever gives the order).
Deliberately absent: `Unlink`, which is the node's own business.
"""

from collections.abc import Iterable

import msgspec

from processors.events.mentions import Identifier
from processors.identity.facts import Fact
from processors.identity.known import KnownFacts
from schemas.identity.identifiers import node_id
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress
from schemas.stream import State

PREFIX = b"o"
FILTER_BYTES = 16_384  # under the prefix alone; with 10,000 nodes, 7 % of all others are looked up in vain
NEVER = -1
RANGES_MAX = 1_024  # erased ranges of one node, the latest
TARGETS_MAX = 1_024  # forgotten targets of one node, the latest

Range = tuple[int, int]  # since, until: both inclusive


class Ordered(msgspec.Struct, array_like=True, frozen=True):
    """What is ordered about one node: maxima and unions, so that order and repetition change nothing."""

    is_suppressed: bool = False
    until: int = NEVER  # links up to here never were
    forgotten: dict[int, int] = {}  # target -> links to it up to here never were
    erased: list[Range] = []  # ascending, apart from each other

    def forgets(self, target: int, time: int) -> bool:
        return time <= max(self.until, self.forgotten.get(target, NEVER))

    def erases(self, time: int) -> bool:
        return any(since <= time <= until for since, until in self.erased)


NOTHING = Ordered()

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Ordered).decode


class Orders:
    """The orders of one partition, as one chunk needs them."""

    def __init__(self, state: State, hash_key: bytes) -> None:
        self._state = state
        self._hash_key = hash_key
        self._filter = state.get(PREFIX)
        self._read: dict[int, Ordered] = {}
        self._by_key: dict[bytes, Ordered] = {}

    def __bool__(self) -> bool:
        """Whether anything was ever ordered here."""
        return self._filter is not None

    def take(self, orders: Iterable[Order], known: KnownFacts) -> None:
        """From now on these hold; what was known to be said is said again where it may have been forgotten."""
        bits = bytearray(self._filter or bytes(FILTER_BYTES))
        for order in orders:
            before = self._of(order.node)
            after = _with(before, order)
            if after != before:
                self._read[order.node] = after
                self._state[_key(order.node)] = _encode(after)
                place, bit = _place(order.node)
                bits[place] |= bit
            if isinstance(order, Forget):
                known.forget(order.node, order.until)
        self._by_key.clear()
        if any(bits):
            self._filter = self._state[PREFIX] = bytes(bits)

    def erases(self, subject: bytes, time: int) -> bool:
        """Whether an event of this subject and time is not to be stored."""
        return (ordered := self._at(subject)) is not NOTHING and ordered.erases(time)

    def is_suppressed(self, node: bytes) -> bool:
        return self._at(node).is_suppressed

    def without_suppressed(self, identifiers: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        """The very same when none is."""
        for found in identifiers:
            if self.is_suppressed(found.node):
                return tuple(found for found in identifiers if not self.is_suppressed(found.node))
        return identifiers

    def admitted(self, facts: list[Fact]) -> list[Fact]:
        """Facts without those that are forgotten and those about suppressed identifiers."""
        return [fact for fact in facts if self._admits(fact)]

    def _admits(self, fact: Fact) -> bool:
        ordered = self._at(fact.node)
        if self._at(fact.target).is_suppressed:
            return False
        return ordered is NOTHING or not (
            ordered.is_suppressed or ordered.forgets(node_id(fact.target, self._hash_key), fact.time)
        )

    def _at(self, node: bytes) -> Ordered:
        """An event asks several times for the same ones."""
        found = self._by_key.get(node)
        if found is None:
            found = self._by_key[node] = self._of(node_id(node, self._hash_key))
        return found

    def _of(self, node: int) -> Ordered:
        found = self._read.get(node)
        if found is not None:
            return found
        place, bit = _place(node)
        if self._filter is None or not self._filter[place] & bit:
            return NOTHING
        stored = self._state.get(_key(node))
        found = self._read[node] = _decode(stored) if stored else NOTHING
        return found


def _place(node: int) -> tuple[int, int]:
    """Byte and bit of the filter. A node id is a hash: its last bits are as good as any other."""
    return node // 8 % FILTER_BYTES, 1 << node % 8


def _key(node: int) -> bytes:
    return PREFIX + node.to_bytes(8, "big")


def _with(before: Ordered, order: Order) -> Ordered:
    match order:
        case Suppress():
            return msgspec.structs.replace(before, is_suppressed=True)
        case Erase(since=since, until=until):
            return msgspec.structs.replace(before, erased=joined([*before.erased, (since, until)]))
        case Forget(until=until, target=target) if target == EVERY_TARGET:
            return msgspec.structs.replace(before, until=max(before.until, until))
        case Forget(until=until, target=target):
            latest = before.forgotten | {target: max(before.forgotten.get(target, NEVER), until)}
            kept = sorted(latest.items(), key=lambda entry: (-entry[1], entry[0]))[:TARGETS_MAX]
            return msgspec.structs.replace(before, forgotten=dict(sorted(kept)))
    return before


def joined(ranges: list[Range]) -> list[Range]:
    """The same moments in as few ranges as possible."""
    found: list[Range] = []
    for since, until in sorted(ranges):
        if found and since <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], until)
        elif since <= until:
            found.append((since, until))
    return found[-RANGES_MAX:]
