"""What follows from a person and a moment: which orders are given, and which stored rows are deleted. Pure.

Erasures of a command that was cut off are read back from the orders that it left on `control`, so that it is completed as it was
meant: with its own moment, though the pointers have changed meanwhile.
"""

from collections.abc import Iterable, Mapping

import msgspec

from deploy.orders.people import Person
from schemas.identity.identifiers import ANONYMOUS, EMAIL, EXTERNAL, USER
from schemas.identity.order_documents import Addressed, hex_of
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress, Unlink

_AUTHORITY = {USER: 0, EXTERNAL: 1, EMAIL: 2, ANONYMOUS: 3}

Murmur2 = Mapping[int, int]  # node -> hash of its key, where the key is known


class Company(msgspec.Struct, frozen=True):
    """Nodes that one event mentions together, with their kinds."""

    kinds: dict[int, str]


class Plan(msgspec.Struct, frozen=True):
    """`by` names it: the control document of the receipt. `until`: its moment, in ms. `nodes` go as a whole."""

    by: str
    until: int
    nodes: frozenset[int]
    erasures: tuple[Erase, ...]
    orders: tuple[Addressed, ...]


def name_of(root: int, until: int) -> str:
    return f"forget/{hex_of(root)}-{until}"


def plan(person: Person, company: Iterable[Company], until: int, murmur2: Murmur2, *, suppress: bool) -> Plan:
    """Everything with an event time up to `until` (ms, inclusive)."""
    by = name_of(person.root, until)
    erasures = _erasures(person, until)
    forgets = [Forget(node, until) for node in sorted(person.nodes)]
    others = sorted(_parted(person, company))
    parted = [Forget(node, until, target) for node, target in others]
    orders: list[Order] = [*erasures, *forgets, *parted]
    if suppress:  # the cuts are for links of a later time than `until`, which forgetting leaves to others
        orders += [Suppress(node) for node in sorted(person.nodes)]
        orders += [Unlink(node, target) for node, target in others]
    addressed = tuple(Addressed(order, murmur2.get(order.node), by) for order in orders)
    return Plan(by, until, person.nodes, erasures, addressed)


def earlier(node: int, given: Iterable[Addressed]) -> list[Plan]:
    """The forgettings on `control` that concerned this node, each as it was meant, the oldest first."""
    by: dict[str, list[Addressed]] = {}
    for each in given:
        by.setdefault(each.by, []).append(each)
    found = [_again(name, orders) for name, orders in by.items() if name.startswith("forget/")]
    return sorted(
        (plan for plan in found if any(erase.node == node for erase in plan.erasures)),
        key=lambda plan: plan.until,
    )


def _again(by: str, orders: list[Addressed]) -> Plan:
    """A node that a later forgetting took as a whole is that one's: its document says so."""
    erasures = tuple(each.order for each in orders if isinstance(each.order, Erase))
    whole = frozenset(each.order.node for each in orders if _is_whole(each.order))
    return Plan(by, int(by.rpartition("-")[2]), whole, erasures, tuple(orders))


def _is_whole(order: Order) -> bool:
    return isinstance(order, Forget) and order.target == EVERY_TARGET


def _erasures(person: Person, until: int) -> tuple[Erase, ...]:
    whole = [Erase(node, 0, until) for node in sorted(person.nodes)]
    parts = [
        Erase(node, segment.since, min(segment.until - 1, until))
        for node, segment in person.shared
        if segment.since <= until
    ]
    return (*whole, *parts)


def _parted(person: Person, company: Iterable[Company]) -> set[tuple[int, int]]:
    """(node, target): links of others to nodes of this person. Links point to more authority, or to one's equal."""
    found = set(person.linked) | {(node, segment.owner) for node, segment in person.shared}
    for together in company:
        mine = together.kinds.keys() & person.nodes
        others = together.kinds.keys() - person.nodes
        found |= {(node, target) for node in others for target in mine if _may_link(together, node, target)}
    return found


def _may_link(together: Company, node: int, target: int) -> bool:
    of, to = _AUTHORITY.get(together.kinds[node]), _AUTHORITY.get(together.kinds[target])
    return of is None or to is None or to <= of
