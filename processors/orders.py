"""Orders at a resolver: which events are not stored, which facts are not stated, which identifiers are none.

One state value per node of which anything is ordered, under its node id, and one flag for the partition: where nothing
was ever ordered, a chunk pays for one look. An order may come before or after the events that it speaks of; what was
stored and stated before it came is taken back elsewhere (processors/rulings.py, and by whoever gives the order).
Deliberately absent: `Unlink`, which is the node's own business.
"""

from collections.abc import Iterable, Sequence

import msgspec

from processors.facts import Fact
from processors.known import KnownFacts
from processors.mentions import Identifier
from schemas.identifiers import node_id
from schemas.orders import EVERY_TARGET, Erase, Forget, Order, Suppress
from schemas.stream import State

PREFIX = b"o"
FLAG = b"\x01"  # the value of the prefix alone: something was ordered in this partition
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
        self._any = PREFIX in state
        self._read: dict[int, Ordered] = {}

    def __bool__(self) -> bool:
        """Whether anything was ever ordered here."""
        return self._any

    def take(self, orders: Iterable[Order], known: KnownFacts) -> None:
        """From now on these hold; what was known to be said is said again where it may have been forgotten."""
        for order in orders:
            before = self._of(order.node)
            after = _with(before, order)
            if after != before:
                self._read[order.node] = after
                self._state[_key(order.node)] = _encode(after)
                self._state[PREFIX] = FLAG
                self._any = True
            if isinstance(order, Forget):
                known.forget(order.node, order.until)

    def is_suppressed(self, node: bytes) -> bool:
        return self._of(self._id(node)).is_suppressed

    def erases(self, subject: bytes, time: int) -> bool:
        """Whether an event of this subject and time is not to be stored."""
        return self._of(self._id(subject)).erases(time)

    def without_suppressed(self, identifiers: tuple[Identifier, ...]) -> tuple[Identifier, ...]:
        return tuple(found for found in identifiers if not self.is_suppressed(found.node))

    def admitted(self, facts: Sequence[Fact]) -> list[Fact]:
        """Facts without those that are forgotten and those about suppressed identifiers."""
        return [fact for fact in facts if self._admits(fact)]

    def _admits(self, fact: Fact) -> bool:
        ordered, target = self._of(self._id(fact.node)), self._id(fact.target)
        return not (
            ordered.is_suppressed or ordered.forgets(target, fact.time) or self._of(target).is_suppressed
        )

    def _of(self, node: int) -> Ordered:
        found = self._read.get(node)
        if found is None:
            stored = self._state.get(_key(node)) if self._any else None
            found = self._read[node] = _decode(stored) if stored else NOTHING
        return found

    def _id(self, node: bytes) -> int:
        return node_id(node, self._hash_key)


def _key(node: int) -> bytes:
    return PREFIX + node.to_bytes(8, "big")


def _with(before: Ordered, order: Order) -> Ordered:
    match order:
        case Suppress():
            return msgspec.structs.replace(before, is_suppressed=True)
        case Erase(since=since, until=until):
            return msgspec.structs.replace(before, erased=_joined([*before.erased, (since, until)]))
        case Forget(until=until, target=target) if target == EVERY_TARGET:
            return msgspec.structs.replace(before, until=max(before.until, until))
        case Forget(until=until, target=target):
            latest = before.forgotten | {target: max(before.forgotten.get(target, NEVER), until)}
            kept = sorted(latest.items(), key=lambda entry: (-entry[1], entry[0]))[:TARGETS_MAX]
            return msgspec.structs.replace(before, forgotten=dict(sorted(kept)))
    return before


def _joined(ranges: list[Range]) -> list[Range]:
    """The same moments in as few ranges as possible."""
    found: list[Range] = []
    for since, until in sorted(ranges):
        if found and since <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], until)
        elif since <= until:
            found.append((since, until))
    return found[-RANGES_MAX:]
