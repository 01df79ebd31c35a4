"""The leaves of a query's segments, by the source that each reads, every one once.

A leaf becomes a column with a name of its own in its source's branch; two leaves whose SQL is the same, values included,
are one column.
"""

from collections.abc import Callable, Iterator, Sequence

from console.segments import segment_chains, segment_events
from console.segments.segment_events import Column, LeafRows, needs_rows
from console.segments.segment_identity import identity_of
from console.segments.segment_scope import Asked, Source
from console.segments.segment_sources import EventsSource, GroupsSource, IdsSource, ListsSource, TraitsSource
from console.segments.segment_universe import Universe
from schemas.segments.segment_filters import Rows
from schemas.segments.segment_sql import identifier
from schemas.segments.segment_tree import AllOf, AnyOf, Inlined, Leaf, Node, NotOf, leaves
from schemas.segments.segments import Condition

_OF_EVENTS = frozenset({"did", "first", "last", "sequence", "absent", "profile"})


def event_column(condition: Condition, rows: LeafRows) -> Column | None:
    """Of a leaf about events; None of another one."""
    if condition.did is not None:
        return segment_events.did(condition.did, rows)
    if condition.first is not None:
        return segment_events.moment(condition.first, rows, is_first=True)
    if condition.last is not None:
        return segment_events.moment(condition.last, rows, is_first=False)
    if condition.sequence is not None:
        return segment_chains.sequence(condition.sequence, rows)
    if condition.absent is not None:
        return segment_chains.absent(condition.absent, rows)
    profile = condition.profile
    is_channel = profile is not None and not (profile.first_seen or profile.last_seen)
    return segment_events.channel(profile, rows) if profile is not None and is_channel else None


def is_anchored(node: Node) -> bool:
    """Whether nobody is a member, of this segment or one within it, without an event that some leaf of it matches. Then these
    rows say who there is and whether they are known, and nobody else need be looked at."""
    return needs_events(node) and all(is_anchored(inner) for inner in _within(node))


def needs_events(node: Node) -> bool:
    if isinstance(node, Leaf):
        return needs_rows(node.condition)
    if isinstance(node, AllOf):
        return any(map(needs_events, node.parts))
    if isinstance(node, AnyOf):
        return all(map(needs_events, node.parts))
    return needs_events(node.where) if isinstance(node, Inlined) else False


def _within(node: Node) -> Iterator[Inlined]:
    """The segments that it uses, wherever they stand."""
    parts: Sequence[Node] = ()
    if isinstance(node, Inlined):
        parts = [node.where]
    elif isinstance(node, NotOf):
        parts = [node.part]
    elif isinstance(node, AllOf | AnyOf):
        parts = node.parts
    for part in parts:
        if isinstance(part, Inlined):
            yield part
        else:
            yield from _within(part)


class Leaves:
    """Collects them while the trees are written down."""

    def __init__(self, asked: Asked, wanted: Sequence[Inlined], *, is_whole: bool = False) -> None:
        self.asked = asked
        self._is_anchored = not is_whole and all(map(is_anchored, wanted))
        self._are_mixed = (
            len({leaf.bots for each in wanted for leaf in leaves(each) if leaf.kind in _OF_EVENTS}) > 1
        )
        self.identity = identity_of(asked)
        self._universe = Universe(asked, self.identity)
        self._events = EventsSource(asked, self.identity)
        self._traits = TraitsSource(asked, self.identity)
        self._groups = GroupsSource(asked, self.identity)
        self._ids = IdsSource(asked, self.identity)
        self._lists = ListsSource(asked, self.identity)
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._verdicts: dict[str, str] = {}

    def people(self, node: Inlined) -> list[str]:
        """Tests of who can be a member of it; none where nobody passes without events of the right kind, and all may."""
        known = node.segment.people.known
        if self._is_anchored:
            return (
                [] if known == "any" else [self._events.known() if known else f"NOT {self._events.known()}"]
            )
        found = [self._universe.people(node.segment.people.bots)]
        if known == "any":
            return found
        return [*found, self._universe.known() if known else f"NOT {self._universe.known()}"]

    def verdict(self, leaf: Leaf) -> str:
        """SQL of the leaf's verdict over a profile's rows of all sources."""
        if leaf.key not in self._verdicts:
            column = event_column(leaf.condition, self._rows(leaf))
            self._verdicts[leaf.key] = self._event(column) if column else _LEAVES[leaf.kind](self, leaf)
        return self._verdicts[leaf.key]

    def sources(self) -> list[Source]:
        """The branches of the query."""
        rest: Sequence[EventsSource | TraitsSource | GroupsSource | IdsSource | ListsSource] = (
            self._events,
            self._traits,
            self._groups,
            self._ids,
            self._lists,
        )
        return [*self._universe.sources(), *(found for each in rest for found in each.sources())]

    def _named(self, source: str, hint: str, sql: str) -> str:
        """The column's name; the same SQL again has the same one."""
        if (source, sql) not in self._names:
            base = identifier(hint)
            self._counts[base] = self._counts.get(base, 0) + 1
            self._names[source, sql] = f"{base}_{self._counts[base]}"
        return self._names[source, sql]

    def _event(self, found: Column) -> str:
        name = self._named("events", found.hint, f"{found.bots} {found.sql}")
        self._events.add(name, found)
        return f"NOT max({name})" if found.is_turned else f"max({name})"

    def _rows(self, leaf: Leaf) -> LeafRows:
        rows = Rows(self.asked.at_ms, leaf.zone, self.asked.parameters)
        return LeafRows(rows, leaf.bots, are_mixed=self._are_mixed)

    def _trait(self, leaf: Leaf) -> str:
        trait = leaf.condition.trait
        assert trait is not None
        sql, is_turned = self._traits.column(trait, leaf)
        name = self._named("traits", trait.name, sql)
        self._traits.add(name, sql, trait)
        return f"NOT max({name})" if is_turned else f"max({name})"

    def _group(self, leaf: Leaf) -> str:
        group = leaf.condition.group
        assert group is not None
        sql = self._groups.column(group, leaf)
        name = self._named("groups", f"{group.which}_group", sql)
        self._groups.add(name, sql)
        return f"max({name})"

    def _profile(self, leaf: Leaf) -> str:
        profile = leaf.condition.profile
        assert profile is not None
        window, end = (
            (profile.first_seen, "min(first)") if profile.first_seen else (profile.last_seen, "max(last)")
        )
        sql = " AND ".join(self._rows(leaf).within(window, end)) or "1"
        name = self._named(f"seen {leaf.bots}", "first_seen" if profile.first_seen else "last_seen", sql)
        self._universe.seen(leaf.bots, name, sql)
        return f"max({name})"

    def _id(self, leaf: Leaf) -> str:
        found = leaf.condition.id
        assert found is not None
        kind = found.has or found.lacks or ""
        sql = self._ids.column(kind)
        name = self._named("ids", f"has_{kind}", sql)
        self._ids.add(name, sql, kind)
        return f"max({name})" if found.has else f"NOT max({name})"

    def _in_list(self, leaf: Leaf) -> str:
        listed = leaf.condition.in_list
        assert listed is not None
        sql = self._lists.column(listed)
        name = self._named("lists", f"in_{listed}", sql)
        self._lists.add(name, sql, listed)
        return f"max({name})"


_LEAVES: dict[str, Callable[[Leaves, Leaf], str]] = {
    "trait": Leaves._trait,
    "group": Leaves._group,
    "profile": Leaves._profile,
    "id": Leaves._id,
    "in_list": Leaves._in_list,
}
