"""Whose identifiers are whose: the nodes of one person, from the pointers of now. Pure; the rows come from two functions.

Pointers are followed here and not by the dictionaries: a dictionary may be some seconds old. A device that several people used
belongs to nobody as a whole: the person has the segments that one of their nodes owns.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

HOPS_MAX = 64  # alias chains reach 16; a longer way is no pointer of ours


class Segment(msgspec.Struct, frozen=True, array_like=True, order=True):
    """From `since` (ms, inclusive) to `until` (exclusive)."""

    since: int
    until: int
    owner: int


class Pointer(msgspec.Struct, frozen=True, kw_only=True):
    """One node's row. `segments` only for a device with several owners; `conflicts`: targets of links that lost."""

    node: int
    owner: int
    segments: tuple[Segment, ...] = ()
    conflicts: tuple[int, ...] = ()

    @property
    def owners(self) -> set[int]:
        """Everybody it points to, itself left out."""
        found = {segment.owner for segment in self.segments} if self.segments else {self.owner}
        return found - {self.node}


Ask = Callable[[Sequence[int]], Iterable[Pointer]]


class TooMany(Exception):
    """More identifiers than one command may concern; the text says what to do."""


class Person(msgspec.Struct, frozen=True):
    """`nodes` are theirs alone, `shared` what they had of devices of several people, `linked` (node, target): other nodes
    whose link to one of theirs lost."""

    root: int
    nodes: frozenset[int]
    shared: tuple[tuple[int, Segment], ...] = ()
    linked: frozenset[tuple[int, int]] = frozenset()


def root_of(node: int, pointers_of: Ask) -> Pointer:
    """The end of the node's chain; a shared device ends it."""
    seen = Pointer(node=node, owner=node)
    for _ in range(HOPS_MAX):
        found = next(iter(pointers_of([seen.node])), Pointer(node=seen.node, owner=seen.node))
        if found.segments or found.owner == found.node:
            return found
        seen = Pointer(node=found.owner, owner=found.owner)
    return seen


def only_owner(device: Pointer, pointers_of: Ask) -> int | None:
    """Whose a device with segments was all the time, though under several identifiers; None when it was several people's."""
    roots = {root_of(owner, pointers_of).node for owner in {segment.owner for segment in device.segments}}
    return roots.pop() if len(roots) == 1 else None


def person(root: int, pointers_to: Ask, nodes_max: int) -> Person:
    """All that points to `root`. A device that was in turn several identifiers', but all of them this person's, is theirs alone.
    `pointers_to` gives the rows that name one of these nodes. Raises TooMany."""
    nodes, linked = {root}, set[tuple[int, int]]()
    shared: dict[int, tuple[Segment, ...]] = {}
    frontier = [root]
    while frontier:
        found = list(pointers_to(frontier))
        new = {row.node for row in found if not row.segments and row.owner in nodes} - nodes
        linked |= {(row.node, target) for row in found for target in row.conflicts}
        shared |= {row.node: row.segments for row in found if row.segments}
        nodes |= new
        frontier = sorted(new)
        if len(nodes) > nodes_max:
            raise TooMany(
                f"this person has more than {nodes_max} identifiers (ORDER_NODES_MAX): most likely one of them is no person's "
                "at all; `stitchline suppress` blocks it, and then everybody else is somebody of their own again"
            )
    # Nobody points to a device, so these lead to nobody else.
    nodes |= {node for node, segments in shared.items() if all(each.owner in nodes for each in segments)}
    return Person(
        root,
        frozenset(nodes),
        tuple(
            sorted(
                (node, segment)
                for node, segments in shared.items()
                for segment in segments
                if node not in nodes and segment.owner in nodes
            )
        ),
        frozenset((node, target) for node, target in linked if target in nodes and node not in nodes),
    )


def way(start: int, end: int, rows: Iterable[Pointer]) -> list[int]:
    """The shortest way between two nodes over pointers, in either direction; [] when there is none."""
    neighbours: Mapping[int, set[int]] = defaultdict(set)
    for row in rows:
        for owner in row.owners:
            neighbours[row.node].add(owner)
            neighbours[owner].add(row.node)
    before: dict[int, int] = {start: start}
    queue = deque([start])
    while queue and end not in before:
        node = queue.popleft()
        for other in sorted(neighbours[node] - before.keys()):
            before[other] = node
            queue.append(other)
    return _back(before, end) if end in before else []


def _back(before: Mapping[int, int], end: int) -> list[int]:
    found = [end]
    while before[found[-1]] != found[-1]:
        found.append(before[found[-1]])
    return found[::-1]


def above(nodes: Iterable[int], pointers_of: Ask) -> list[Pointer]:
    """The rows of these nodes and of all that they point to, to the ends."""
    rows: dict[int, Pointer] = {}
    frontier = sorted(set(nodes))
    for _ in range(HOPS_MAX):
        if not frontier:
            break
        found = {row.node: row for row in pointers_of(frontier)}
        rows |= found
        frontier = sorted({owner for row in found.values() for owner in row.owners} - rows.keys())
    return list(rows.values())
