"""Who is who, computed the slow and plain way over all events and orders at once: what the cores are measured against.

Written from the rules of identity (identifiers, links, timelines, ownership, bridging, orders), not from the cores, and
sharing no code with them. Nodes are (type, value) pairs. No caps, no messages, no incremental state: nodes are settled one
after the other from the least to the most authoritative, as a node is told things by less authoritative ones only.

Orders have no time of their own: they hold for all events, whenever they come. What an erased event linked is told by the
`forget` orders that go with it; what it says about its device's end of a session stays, as that may bound somebody else's time.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import sha256

Node = tuple[str, str]

TYPE_ORDER = ("u", "x:contact_id")


@dataclass(frozen=True)
class Visit:
    """One event in the terms of the rules. `params` are (name, value) pairs of the page's address; `time` is in ms."""

    id: str
    kind: str  # identify, track, page, alias or logout
    time: int
    user: str = ""
    email: str = ""
    external: tuple[tuple[str, str], ...] = ()
    device: str = ""
    previous: str = ""
    params: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Ruling:
    """One order. `kind`: unlink (the pair), forget (links of `node` up to `until`; all, or those to `target`),
    erase (events under `node` from `since` to `until`) or suppress (`node` is no identifier)."""

    kind: str
    node: Node
    target: Node | None = None
    since: int = 0
    until: int = 0


def authority(node: Node) -> tuple[int, str, str]:
    kind, value = node
    if kind in TYPE_ORDER:
        return TYPE_ORDER.index(kind), "", value
    return (2, kind, value) if kind.startswith("x:") else ({"e": 3, "a": 4, "m": 5}[kind], "", value)


def email_node(address: str) -> Node:
    return "e", sha256(address.encode()).hexdigest()


def stated_nodes(visit: Visit) -> list[Node]:
    nodes = [("u", visit.user)] if visit.user else []
    nodes += [(f"x:{kind}", value) for kind, value in visit.external]
    nodes += [email_node(visit.email)] if visit.email else []
    nodes += [("a", visit.device)] if visit.device else []
    return nodes


def param_node(pair: tuple[str, str]) -> Node:
    name, value = pair
    return email_node(value) if name == "email" else (f"x:{name}", value)


def claimed_nodes(visit: Visit) -> list[Node]:
    found = [param_node(pair) for pair in visit.params]
    return sorted((node for node in found if node not in stated_nodes(visit)), key=authority)


def subject_of(visit: Visit) -> Node:
    strong = sorted((node for node in stated_nodes(visit) if node[0] != "a"), key=authority)
    if strong:
        return strong[0]
    if visit.device:
        return "a", visit.device
    return claimed_nodes(visit)[0] if visit.params else ("m", visit.id)


def without(visit: Visit, nodes: set[Node]) -> Visit:
    """The visit as it is when these are no identifiers."""
    gone = nodes.__contains__
    return replace(
        visit,
        user="" if gone(("u", visit.user)) else visit.user,
        email="" if visit.email and gone(email_node(visit.email)) else visit.email,
        external=tuple(pair for pair in visit.external if not gone((f"x:{pair[0]}", pair[1]))),
        device="" if gone(("a", visit.device)) else visit.device,
        params=tuple(pair for pair in visit.params if not gone(param_node(pair))),
    )


class Oracle:
    """`profile(visit)` is the root node of the person that the event belongs to; ask it of stored events only."""

    def __init__(self, visits: list[Visit], rulings: Iterable[Ruling] = ()) -> None:
        self.rulings = list(rulings)
        self.suppressed = {ruling.node for ruling in self.rulings if ruling.kind == "suppress"}
        self.links: dict[Node, set[tuple[int, Node, str]]] = defaultdict(
            set
        )  # every link with its time and class
        self.stamps: dict[Node, set[tuple[int, Node | None, str]]] = defaultdict(set)
        self.pointer: dict[Node, Node] = {}
        self.conflicts: dict[Node, dict[Node, tuple[str, int]]] = {}  # links that lost: class, earliest time
        for visit in visits:
            self._read(without(visit, self.suppressed), erased=self.is_erased(visit))
        everybody = (
            set(self.links) | set(self.stamps) | {link[1] for links in self.links.values() for link in links}
        )
        for node in sorted(everybody, key=authority, reverse=True):
            self._settle_device(node) if node[0] == "a" else self._settle(node)

    def subject(self, visit: Visit) -> Node:
        return subject_of(without(visit, self.suppressed))

    def is_erased(self, visit: Visit) -> bool:
        subjects = {subject_of(visit), self.subject(visit)}  # as it was stored, and as it would be now
        return any(
            ruling.kind == "erase" and ruling.node in subjects and ruling.since <= visit.time <= ruling.until
            for ruling in self.rulings
        )

    def profile(self, visit: Visit) -> Node:
        node = self.subject(visit)
        if node[0] == "a":
            node = self.owner(node, visit.time)
        return self.root(node)

    def root(self, node: Node) -> Node:
        while node in self.pointer:
            node = self.pointer[node]
        return node

    def owner(self, device: Node, time: int) -> Node:
        """Read off the definition, for one moment."""
        entries = self.timeline(device)
        if any(kind == "A" for _, _, kind in entries):
            entries = [entry for entry in entries if entry[2] in ("A", "out")]
        past = [target for moment, target, _ in entries if moment <= time]
        claims = [target for _, target, _ in entries if target]
        if not claims:
            return device
        if not any(past):
            return claims[0]
        later = [target for _, target, _ in entries[len(past) :] if target]
        return past[-1] or (later[0] if later else device)

    def timeline(self, device: Node) -> list[tuple[int, Node | None, str]]:
        first: dict[tuple[Node, str], int] = {}
        for time, target, kind in self.links[device]:
            first[target, kind] = min(time, first.get((target, kind), time))
        entries: set[tuple[int, Node | None, str]] = {(time, *link) for link, time in first.items()}
        entries |= {entry for entry in self.stamps[device] if not self._is_void(device, entry[1], entry[0])}
        return sorted(
            entries,
            key=lambda entry: (entry[0], entry[1] is None, authority(entry[1]) if entry[1] else (), entry[2]),
        )

    def _link(self, low: Node, high: Node, time: int, kind: str) -> None:
        if low != high:
            low, high = sorted((low, high), key=authority, reverse=True)
            if not self._is_void(low, high, time):
                self.links[low].add((time, high, kind))

    def _is_void(self, low: Node, high: Node | None, time: int) -> bool:
        """Whether somebody ordered that this never was, or does not count. `high` is None for the end of a session."""
        for ruling in self.rulings:
            if ruling.kind == "unlink" and {low, high} == {ruling.node, ruling.target}:
                return True
            concerned = ruling.kind == "forget" and ruling.node == low and ruling.target in (None, high)
            if concerned and time <= ruling.until:
                return True
        return low in self.suppressed or high in self.suppressed

    def _read(self, visit: Visit, *, erased: bool) -> None:
        subject, time, device = subject_of(visit), visit.time, ("a", visit.device)
        if visit.kind == "logout" and visit.device:
            self.stamps[device].add((time, None, "out"))
        if erased:
            return
        claims = claimed_nodes(visit)
        for node in stated_nodes(visit):
            self._link(node, subject, time, "A")
            if node == device != subject and visit.kind in ("identify", "alias"):
                self.stamps[device].add((time, subject, "A"))
        if claims and subject == device:
            self._link(device, claims[0], time, "B")
            self.stamps[device].add((time, claims[0], "B"))
        for node in claims:
            self._link(node, claims[0] if subject == device else subject, time, "B")
        if visit.kind == "alias" and visit.previous and visit.user:
            self._link(("u", visit.previous), ("u", visit.user), time, "M")
            self._link(("a", visit.previous), ("u", visit.user), time, "A")
            self.stamps["a", visit.previous].add((time, ("u", visit.user), "A"))

    def _settle_device(self, device: Node) -> None:
        entries = self.timeline(device)
        asserted = {target[0] for _, target, kind in entries if kind == "A" and target}
        run: list[tuple[int, Node]] = []
        for time, target, kind in entries:
            if target is None:
                self._bridge(run)
                run = []
            elif kind == "A" or target[0] not in asserted:
                if any(known[0] == target[0] and known != target for _, known in run):
                    self._bridge(run)
                    run = []
                run.append((time, target))
        self._bridge(run)

    def _bridge(self, run: list[tuple[int, Node]]) -> None:
        first = {target: min(time for time, other in run if other == target) for _, target in run}
        nodes = sorted(first, key=authority)
        for node in nodes[1:]:
            self._link(node, nodes[0], max(first[node], first[nodes[0]]), "C")

    def _settle(self, node: Node) -> None:
        winners: dict[Node, int] = {}
        by_type: dict[str, list[tuple[str, int, tuple[int, str, str], Node]]] = defaultdict(list)
        for time, target, kind in self.links[node]:
            if kind == "M":
                winners[target] = min(time, winners.get(target, time))
            else:
                by_type[target[0]].append((kind, time, authority(target), target))
        for candidates in by_type.values():
            _, time, _, target = min(candidates)
            winners.setdefault(target, time)
        lost = sorted(
            (one for found in by_type.values() for one in found if one[3] not in winners), reverse=True
        )
        self.conflicts[node] = {target: (kind, time) for kind, time, _, target in lost}
        if not winners:
            return
        nodes = sorted(winners, key=authority)
        self.pointer[node] = nodes[0]
        for other in nodes[1:]:
            same = other[0] == nodes[0][0]
            self._link(other, nodes[0], max(winners[other], winners[nodes[0]]), "M" if same else "C")


def components(visits: list[Visit]) -> dict[Node, int]:
    """Plain connected components of identifiers that occur together: node -> number."""
    number: dict[Node, int] = {}
    for visit in visits:
        nodes = {*stated_nodes(visit), *claimed_nodes(visit), subject_of(visit)}
        if visit.kind == "alias" and visit.previous and visit.user:
            nodes |= {("u", visit.previous), ("a", visit.previous)}
        joined = {number[node] for node in nodes if node in number}
        fresh = len(number) + 1 + max(number.values(), default=0)
        number.update({node: fresh for node, old in number.items() if old in joined})
        number.update(dict.fromkeys(nodes, fresh))
    return number
