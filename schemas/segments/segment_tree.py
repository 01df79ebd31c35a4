"""A segment with the segments that it uses put in their places: one tree, whose leaves are conditions that need no other segment.

Each used segment keeps its own zone and people, and is asked at the same instant. A leaf's `key` is a hash of what it asks, so
leaves with one key are one measure, within a segment and across segments. A segment's version is a hash of what it means: it
changes when a segment that it uses does, and not for a new description.

Deliberately absent: whether a definition is sound by itself (segment_reading.py), and SQL (console/).
"""

from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, TypeAlias

import msgspec

from schemas.segments.segments import Condition, Segment

DEPTH_MAX = 8  # of a tree, after inlining: a leaf alone is 1; each all, any, not and in_segment adds one
LEAVES_MAX = 64  # after inlining: one pass over the events measures them all
STEPS_MAX = 64  # of all its sequences, after inlining: each walks through what a person did
DEFAULT_ZONE = "UTC"
KEY_PREFIX = "segment/"

Segments: TypeAlias = Mapping[str, Segment]  # by key_of: ControlState.segments

_MANY = ("all", "any")
_ZONED_KEYS = frozenset({"calendar", "days", "from", "to"})
_ZONED_OPERATORS = frozenset({"before", "after", "within", "anniversary"})


class BadSegment(ValueError):
    """A definition that cannot be used; the text says what, where in the tree, and how to mend it."""


class Leaf(msgspec.Struct, frozen=True, tag=True):
    """One condition of one kind: no all, any, not, in_segment. `zone`, `bots`: of the segment that it stands in."""

    condition: Condition
    key: str
    path: str  # where.all[0].not
    zone: str
    bots: str

    @property
    def kind(self) -> str:
        return kind_of(self.condition)


class AllOf(msgspec.Struct, frozen=True, tag=True):
    parts: "tuple[Node, ...]"


class AnyOf(msgspec.Struct, frozen=True, tag=True):
    parts: "tuple[Node, ...]"


class NotOf(msgspec.Struct, frozen=True, tag=True):
    part: "Node"


class Inlined(msgspec.Struct, frozen=True, tag=True):
    """A segment: whoever is one of its people (`segment.people`) and passes `where`. Within another one it is a node."""

    segment: Segment
    zone: str
    where: "Node"
    path: str = ""  # of the in_segment that stood here; empty at the top


Node: TypeAlias = Leaf | AllOf | AnyOf | NotOf | Inlined


def key_of(workspace: str, name: str) -> str:
    """On the control topic."""
    return f"{KEY_PREFIX}{workspace}/{name}"


def kind_of(condition: Condition) -> str:
    """Which of its fields is set, by the name in a definition: `not`, not `not_`."""
    for field in msgspec.structs.fields(Condition):
        if getattr(condition, field.name) is not None:
            return field.encode_name
    raise BadSegment("a condition that says nothing")


def inlined(segment: Segment, segments: Segments, zone: str = DEFAULT_ZONE) -> Inlined:
    """`zone`: for segments that name none. Raises BadSegment: one that is not there, a circle, beyond a limit."""
    return _Inlining(segments, zone).segment(segment, "", (), 1)


class _Inlining:
    def __init__(self, segments: Segments, zone: str) -> None:
        self._segments = segments
        self._zone = zone
        self._leaves = 0
        self._steps = 0

    def segment(self, segment: Segment, path: str, within: tuple[str, ...], depth: int) -> Inlined:
        if segment.segment in within:
            circle = " -> ".join((*within[within.index(segment.segment) :], segment.segment))
            raise BadSegment(f"segments that use each other in a circle: {circle}: take one in_segment out")
        inside = f"{path}.where" if path else "where"
        where = self._node(segment, segment.where, inside, (*within, segment.segment), depth)
        return Inlined(segment, segment.timezone or self._zone, where, path)

    def _node(
        self, home: Segment, condition: Condition, path: str, within: tuple[str, ...], depth: int
    ) -> Node:
        if depth > DEPTH_MAX:
            raise BadSegment(
                f"segment {within[0]}: at {path}: {DEPTH_MAX} levels is as deep as a tree may be, with the segments that it "
                "uses: `all` within `all` and `any` within `any` can be one list"
            )
        kind = kind_of(condition)
        if kind in _MANY:
            parts = tuple(
                self._node(home, part, f"{path}.{kind}[{place}]", within, depth + 1)
                for place, part in enumerate(getattr(condition, kind))
            )
            return AllOf(parts) if kind == "all" else AnyOf(parts)
        if condition.not_ is not None:
            return NotOf(self._node(home, condition.not_, f"{path}.not", within, depth + 1))
        if condition.in_segment is not None:
            return self._used(home, condition.in_segment, path, within, depth)
        self._count(within[0], condition)
        zone, bots = home.timezone or self._zone, home.people.bots
        return Leaf(condition, leaf_hash(condition, bots, zone), f"{path}.{kind}", zone, bots)

    def _count(self, name: str, condition: Condition) -> None:
        self._leaves += 1
        self._steps += len(condition.sequence.steps) if condition.sequence else 0
        if self._leaves > LEAVES_MAX:
            raise BadSegment(
                f"segment {name}: more than {LEAVES_MAX} conditions, with those of the segments that it uses: "
                "put alternatives of one property into one condition with `in`, or make two segments"
            )
        if self._steps > STEPS_MAX:
            raise BadSegment(
                f"segment {name}: sequences of more than {STEPS_MAX} steps in all, with those of the segments that it uses: "
                "make several segments of it"
            )

    def _used(self, home: Segment, name: str, path: str, within: tuple[str, ...], depth: int) -> Inlined:
        used = self._segments.get(key_of(home.workspace, name))
        if used is None:
            raise BadSegment(
                f"segment {home.segment}: at {path}: in_segment names {name}, and workspace {home.workspace} has no segment "
                "of that name: apply it with this one or before"
            )
        return self.segment(used, f"{path}.in_segment({name})", within, depth + 1)


def leaves(node: Node) -> Iterator[Leaf]:
    """In the order in which they are written; those with one key each time that they occur."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, NotOf):
        yield from leaves(node.part)
    elif isinstance(node, Inlined):
        yield from leaves(node.where)
    else:
        for part in node.parts:
            yield from leaves(part)


def used_by(segment: Segment) -> frozenset[str]:
    """Names of the segments that it uses itself."""
    return frozenset(each.in_segment for each in _inner(segment.where) if each.in_segment is not None)


def lists_of(segment: Segment) -> frozenset[str]:
    """Names of the uploaded lists that it asks itself."""
    return frozenset(each.in_list for each in _inner(segment.where) if each.in_list is not None)


def _inner(condition: Condition) -> Iterator[Condition]:
    parts = [*(condition.all or ()), *(condition.any or ())]
    if condition.not_ is not None:
        parts.append(condition.not_)
    for part in parts:
        yield from _inner(part)
    if not parts:
        yield condition


def leaf_hash(condition: Condition, bots: str, zone: str) -> str:
    """The zone counts where something in the leaf is a matter of days, months or clock times alone."""
    written = canonical(condition)
    return _hash([written, bots, zone if _is_zoned(written) else ""])


def version_of(segment: Segment, segments: Segments, zone: str = DEFAULT_ZONE) -> str:
    """Of what it means, with the segments that it uses. Raises BadSegment as `inlined` does."""
    return inlined_version(inlined(segment, segments, zone))


def inlined_version(found: Inlined) -> str:
    return _hash(_meaning(found))


def canonical(condition: Condition) -> Any:
    """One form for what means the same: names of events as a sorted list, a measure that is the default left out."""
    written = msgspec.to_builtins(condition)
    return _canonical(written)


def _canonical(value: Any) -> Any:
    if isinstance(value, list):
        return [_canonical(each) for each in value]
    if not isinstance(value, dict):
        return value
    same = {name: _canonical(each) for name, each in value.items()}
    if "event" in same:
        event = same["event"]
        same["event"] = sorted(set(event)) if isinstance(event, list) else [event]
        if same.get("count") == {"gte": 1}:
            del same["count"]
    return same


def _is_zoned(value: Any) -> bool:
    if isinstance(value, list):
        return any(_is_zoned(each) for each in value)
    if not isinstance(value, dict):
        return False
    is_here = not _ZONED_KEYS.isdisjoint(value) or value.get("op") in _ZONED_OPERATORS
    return is_here or any(_is_zoned(each) for each in value.values())


def _meaning(node: Node) -> Any:
    if isinstance(node, Leaf):
        return node.key
    if isinstance(node, NotOf):
        return {"not": _meaning(node.part)}
    if isinstance(node, Inlined):
        people = node.segment.people
        return {"known": people.known, "bots": people.bots, "where": _meaning(node.where)}
    return {"all" if isinstance(node, AllOf) else "any": [_meaning(part) for part in node.parts]}


def _hash(value: Any) -> str:
    return blake2b(msgspec.json.encode(value, order="sorted"), digest_size=8).hexdigest()
