"""Why a profile is in a segment or not: the tree with each leaf's verdict, what was measured, and the messages that it was
measured of.

Two queries, both about one profile: the verdicts by the very expressions that decide membership, and what stands behind
them. From the answers the tree is put together here. A leaf *decides* when what it says makes its parents what they are.

Pure. Deliberately absent: asking (segment_explain.py), and when the answer will change (segment_next.py).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from console.segments.segment_compiler import body, worded
from console.segments.segment_events import LeafRows
from console.segments.segment_identity import identity_of
from console.segments.segment_leaves import Leaves, event_column
from console.segments.segment_scope import Asked, Scope, where
from schemas.segments.segment_filters import Rows
from schemas.segments.segment_sql import Query
from schemas.segments.segment_traits import names
from schemas.segments.segment_tree import AllOf, AnyOf, Inlined, Leaf, Node, NotOf, leaves
from schemas.segments.segments import Trait

MESSAGES_MAX = 20  # of one leaf, the latest
PEOPLE = "people"  # whether a profile can be a member at all: known, and with visible events

Answers = Mapping[str, Any]


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One node. `asked` is the leaf as it is written, `value` what was found."""

    kind: str
    is_met: bool
    decides: bool = False
    path: str = ""
    asked: Any = None
    value: str = ""
    messages: list[str] = []
    parts: "list[Verdict]" = []


class Behind(msgspec.Struct, frozen=True):
    """What stands behind a leaf's verdict."""

    value: str = ""
    messages: list[str] = []


def verdicts_query(wanted: Inlined, at_ms: int, scope: Scope) -> Query:
    """One row or none: `verdicts`, of the people of each segment in the tree and of each leaf, in the order of `keys`."""
    asked = Asked(at_ms, scope)
    found = Leaves(asked, [wanted], is_whole=True)
    tests = [
        " AND ".join(found.people(node)) if isinstance(node, Inlined) else found.verdict(node)
        for _, node in keyed(wanted)
    ]
    listed = ",\n        ".join(tests)
    sql = f"SELECT\n    [\n        {listed}\n    ]::Array(UInt8) AS verdicts\nFROM\n(\n{body(found)}\n)\nGROUP BY profile\n"
    return Query(worded(sql, asked, found.identity.tables()), asked.parameters.values)


def keyed(node: Node) -> Iterator[tuple[str, Inlined | Leaf]]:
    """Whatever has a verdict of its own, by path; each once."""
    if isinstance(node, Inlined):
        yield f"{node.path}.{PEOPLE}", node
        yield from keyed(node.where)
    elif isinstance(node, Leaf):
        yield node.path, node
    else:
        for part in [node.part] if isinstance(node, NotOf) else node.parts:
            yield from keyed(part)


def events_query(wanted: Inlined, at_ms: int, scope: Scope) -> Query | None:
    """One row: of each leaf about events, in their order, (what was measured, the latest messages)."""
    asked = Asked(at_ms, scope)
    columns = []
    for leaf in leaves(wanted):
        rows = LeafRows(Rows(at_ms, leaf.zone, asked.parameters), leaf.bots, are_mixed=True)
        if found := event_column(leaf.condition, rows):
            latest = f"arrayReverseSort(groupArrayIf((timestamp, message_id), {found.rows}))"
            messages = f"arrayMap(each -> each.2, arraySlice({latest}, 1, {MESSAGES_MAX}))"
            columns.append(f"(toString({found.value}), {messages})")
    if not columns:
        return None
    identity = identity_of(asked)
    tests = [*asked.visible(), *asked.kept(profile=identity.profile())]
    listed = ",\n        ".join(columns)
    sql = f"SELECT\n    [\n        {listed}\n    ] AS found\nFROM {identity.rows('events')}\n{where(tests)}\n"
    return Query(worded(sql, asked, identity.tables()), asked.parameters.values)


def traits_query(wanted: Inlined, at_ms: int, scope: Scope) -> Query | None:
    """Rows (name, latest value as JSON, its message)."""
    told = [leaf.condition.trait for leaf in leaves(wanted) if leaf.condition.trait is not None]
    if not told:
        return None
    asked = Asked(at_ms, scope)
    identity = identity_of(asked)
    listed = asked.parameters.place("traits", "Array(String)", names(told))
    tests = [f"name IN {listed}", *asked.visible(), *asked.kept(profile=identity.profile())]
    latest = "argMax((value, message_id), (timestamp, message_id, value))"
    sql = (
        f"SELECT toString(name) AS name, {latest} AS latest\n"
        f"FROM {identity.rows('traits')}\n{where(tests)}\n    GROUP BY name\n"
    )
    return Query(worded(sql, asked, identity.tables()), asked.parameters.values)


def behind(wanted: Inlined, events: Sequence[Any], traits: Mapping[str, Any]) -> dict[str, Behind]:
    """By path, of the answers of both: events in their order, traits by name."""
    found: dict[str, Behind] = {}
    rest = iter(events)
    for leaf in leaves(wanted):
        if is_of_events(leaf):
            value, messages = next(rest, ("", []))
            found[leaf.path] = Behind(value, list(messages))
        elif leaf.condition.trait is not None:
            found[leaf.path] = _of_trait(leaf.condition.trait, traits)
    return found


def is_of_events(leaf: Leaf) -> bool:
    profile = leaf.condition.profile
    if profile is not None:
        return profile.channel_first is not None or profile.channel_last is not None
    return leaf.kind in ("did", "first", "last", "sequence", "absent")


def tree(wanted: Inlined, verdicts: Mapping[str, bool], known: Mapping[str, Behind]) -> Verdict:
    """The whole, with what decides marked."""
    return _marked(_verdict(wanted, verdicts, known))


def _verdict(node: Node, verdicts: Mapping[str, bool], known: Mapping[str, Behind]) -> Verdict:
    if isinstance(node, Leaf):
        found = known.get(node.path, Behind())
        return Verdict(
            kind=node.kind,
            is_met=verdicts[node.path],
            path=node.path,
            asked=msgspec.to_builtins(node.condition)[node.kind],
            value=found.value,
            messages=found.messages,
        )
    if isinstance(node, NotOf):
        part = _verdict(node.part, verdicts, known)
        return Verdict(kind="not", is_met=not part.is_met, parts=[part])
    if isinstance(node, Inlined):
        people = _people(node, verdicts)
        parts = [people, _verdict(node.where, verdicts, known)]
        return Verdict(
            kind="segment",
            path=node.path,
            asked=node.segment.segment,
            is_met=all(part.is_met for part in parts),
            parts=parts,
        )
    parts = [_verdict(part, verdicts, known) for part in node.parts]
    met = all if isinstance(node, AllOf) else any
    kind = "any" if isinstance(node, AnyOf) else "all"
    return Verdict(kind=kind, is_met=met(part.is_met for part in parts), parts=parts)


def _people(node: Inlined, verdicts: Mapping[str, bool]) -> Verdict:
    path = f"{node.path}.{PEOPLE}"
    people = node.segment.people
    asked = {"known": people.known, "bots": people.bots}
    return Verdict(kind=PEOPLE, path=path, asked=asked, is_met=verdicts[path])


def _marked(node: Verdict) -> Verdict:
    """This node decides; of its parts those do that make it what it is: of a true `any` those that are true, and so on."""
    parts = [_marked(part) if part.is_met == _wanted(node) else part for part in node.parts]
    return msgspec.structs.replace(node, decides=True, parts=parts)


def _wanted(node: Verdict) -> bool:
    """What its deciding parts say."""
    return not node.is_met if node.kind == "not" else node.is_met


def _of_trait(trait: Trait, traits: Mapping[str, Any]) -> Behind:
    name = trait.name.partition(".")[0]
    if name not in traits:
        return Behind()
    value, message = traits[name]
    return Behind(value, [message])
