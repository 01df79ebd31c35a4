"""Identity worked out once more, over a few events at rest: the forest's own rules, with a memory of who said what.

What a node derives goes to more authority only, so one pass from the least to the most authoritative node settles all. Nothing
here decides who is who in the product: that is the forest's incremental work; this is for explaining it, and says the same as
long as it is given the same facts.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable

import msgspec

from processors.events.authority import rank
from processors.events.times import TIME_MAX
from processors.identity.facts import BOUNDARY, Derivation, Fact
from processors.identity.forest import Outcome, apply, outcome
from processors.identity.node_state import NEVER, NodeState, Rulings
from processors.identity.rulings import admitted_derivations, admitted_facts, ruled, standing
from processors.identity.stored import Keys, StoredEvent, facts_again
from processors.identity.timeline import Claim
from schemas.identity.orders import Order, Suppress, Unlink

NO_ID = -2  # of a node that no stored event names by its id

Origin = tuple[bytes, bytes, int, int]  # node, target, strength, time


class Link(msgspec.Struct, frozen=True, order=True):
    """A link of one node, the smaller the better. `event` stated it; a derived one has none."""

    strength: int
    time: int
    target: bytes


class Tenure(msgspec.Struct, frozen=True):
    """Who owned a node from when (ms, inclusive) to when (exclusive)."""

    since: int
    until: int
    owner: bytes


class Settled:
    """`facts`, `outcomes`, `heard` (what others derive for a node) and `origins` (the event that stated a fact) by node key."""

    def __init__(self, events: Iterable[StoredEvent], keys: Keys, orders: Collection[Order] = ()) -> None:
        self._ids = {key: number for number, key in keys.items()}
        self._orders: dict[int, list[Order]] = defaultdict(list)
        for order in orders:
            self._orders[order.node].append(order)
        self._suppressed = {order.node for order in orders if isinstance(order, Suppress)}
        self.origins: dict[Origin, StoredEvent] = {}
        self.facts: dict[bytes, list[Fact]] = defaultdict(list)
        self.heard: dict[bytes, list[Derivation]] = defaultdict(list)
        self.states: dict[bytes, NodeState] = {}
        self.outcomes: dict[bytes, Outcome] = {}
        for event in sorted(events, key=lambda each: (each.time, each.message_id)):
            for fact in facts_again(event, keys):
                self.facts[fact.node].append(fact)
                self.origins.setdefault((fact.node, fact.target, fact.strength, fact.time), event)
        targets = {fact.target for facts in self.facts.values() for fact in facts} - {BOUNDARY}
        for node in sorted(self.facts.keys() | targets, key=rank, reverse=True):
            self._settle(node)

    def _settle(self, node: bytes) -> None:
        state = ruled(NodeState(), self._orders_of(node), self.id_of)
        facts = admitted_facts(self.facts.get(node, []), state.rulings, self.id_of)
        heard = admitted_derivations(self.heard.get(node, []), state.rulings, self.id_of)
        state = standing(apply(node, state, facts, heard), self.id_of)
        result = outcome(node, state)
        self.states[node], self.outcomes[node] = state, result
        for to, targets in result.told.items():
            self.heard[to].append(Derivation(to, node, 1, targets))

    def _orders_of(self, node: bytes) -> list[Order]:
        """Its own, and that nothing links it to what is suppressed."""
        number = self.id_of(node)
        targets = {self.id_of(target) for target in self.neighbours(node)} if self._suppressed else set[int]()
        parted = [Unlink(number, target) for target in sorted(targets & self._suppressed)]
        return [*self._orders.get(number, ()), *parted]

    def is_suppressed(self, node: bytes) -> bool:
        """Whether an order says that it is no identifier any more."""
        return self.id_of(node) in self._suppressed

    def id_of(self, node: bytes) -> int:
        return self._ids.get(node, NO_ID)

    def is_unlinked(self, node: bytes, target: bytes) -> bool:
        """Whether an order parts these two for ever."""
        return self.id_of(target) in self._rulings(node).unlinked

    def is_forgotten(self, node: bytes, target: bytes) -> bool:
        """Whether an order took links of this node to that target out."""
        rulings = self._rulings(node)
        return max(rulings.until, rulings.forgotten.get(self.id_of(target), NEVER)) != NEVER

    def _rulings(self, node: bytes) -> Rulings:
        return self.states.get(node, NodeState()).rulings

    def tenures(self, node: bytes) -> list[Tenure]:
        """Who owned it when: itself for a root, several for a contested device."""
        owners = self.outcomes[node].owners if node in self.outcomes else [(0, node)]
        ends = [start for start, _ in owners[1:]] + [TIME_MAX]
        return [Tenure(start, end, owner) for (start, owner), end in zip(owners, ends, strict=True)]

    def is_contested(self, node: bytes) -> bool:
        return len(self.tenures(node)) > 1

    def chain(self, node: bytes) -> list[bytes]:
        """From a node to its root; a contested device is its own end."""
        found = [node]
        while not self.is_contested(found[-1]):
            owner = self.tenures(found[-1])[0].owner
            if owner == found[-1]:
                break
            found.append(owner)
        return found

    def root(self, node: bytes) -> bytes:
        return self.chain(node)[-1]

    def roots(self, node: bytes) -> set[bytes]:
        """Of a contested device all that it ever had."""
        return {self.root(each.owner) if each.owner != node else node for each in self.tenures(node)}

    def links(self, node: bytes) -> list[Link]:
        """All links that the node's state kept, the best first."""
        state = self.states.get(node, NodeState())
        found = [
            Link(strength, time, target)
            for strength, targets in state.links.items()
            for target, time in targets.items()
        ]
        for target, said in state.derived.items():
            found += [Link(strength, time, target) for _, time, strength in said.values()]
        return sorted(found, key=lambda link: (link.strength, link.time, rank(link.target)))

    def best(self, node: bytes, target: bytes) -> Link | None:
        return next((link for link in self.links(node) if link.target == target), None)

    def timeline(self, device: bytes) -> set[Claim]:
        """Of an anonymous id; logouts have the target `BOUNDARY`."""
        stated = {(link.time, link.target, link.strength) for link in self.links(device)}
        return stated | set(self.states[device].stamps)

    def neighbours(self, node: bytes) -> set[bytes]:
        """All that events ever linked it to, whatever became of the link."""
        return {fact.target for fact in self.facts.get(node, ())} - {BOUNDARY}

    def nodes(self) -> set[bytes]:
        return set(self.outcomes)
