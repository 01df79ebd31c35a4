"""The branches of a query that hold leaves: events, traits, groups, identifiers, lists. Each is read once, whatever is
asked of it."""

from collections.abc import Sequence
from textwrap import indent

from console.segments.segment_events import BOTS, NAME, Column, Read, hull
from console.segments.segment_identity import Identity
from console.segments.segment_scope import COLUMNS, Asked, Source, where
from console.segments.segment_universe import IS_KNOWN, KNOWN
from schemas.segments.segment_traits import Told, names
from schemas.segments.segment_tree import Leaf
from schemas.segments.segment_windows import Bounds
from schemas.segments.segments import Group, Trait

ID_KINDS = {"email": "e", "user": "u", "anonymous": "a"}


class EventsSource:
    """One pass over the names and days that some leaf reads."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._columns: dict[str, Column] = {}
        self._needs_known = False

    def add(self, name: str, column: Column) -> None:
        self._columns[name] = column

    def known(self) -> str:
        """Whether a profile is known, as any row of it says, where only profiles with rows here matter."""
        self._needs_known = True
        return f"max({KNOWN})"

    def sources(self) -> list[Source]:
        if not self._columns:
            return []
        columns = {name: found.sql.replace(NAME, name) for name, found in self._columns.items()}
        if self._needs_known:
            columns = {KNOWN: f"max({IS_KNOWN})", **columns}
        bots = {found.bots for found in self._columns.values()}
        reads = [read for found in self._columns.values() for read in found.reads]
        tests = [
            *self._asked.visible(),
            *(BOTS[bots.pop()] if len(bots) == 1 else []),
            *self._read(reads),
            *self._asked.kept(),
        ]
        sql = (
            f"    SELECT {self._identity.profile()} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('events')}\n{where(tests)}\n    GROUP BY profile"
        )
        return [Source("what they did", sql, columns)]

    def _read(self, reads: Sequence[Read]) -> list[str]:
        """The names and the time in which all leaves' rows lie; names with the same bounds together."""
        found = hull(reads)
        together: dict[Bounds, list[str]] = {}
        for name, bounds in found.items():
            if name is not None:
                together.setdefault(bounds, []).append(name)
        tests = [self._named(listed, bounds) for bounds, listed in together.items()]
        if None in found:
            tests.append(self._bounded(found[None]) or "1")
        if "1" in tests:
            return []
        return ["(" + " OR ".join(tests) + ")"] if len(tests) > 1 else tests

    def _named(self, listed: Sequence[str], bounds: Bounds) -> str:
        if len(listed) == 1:
            place = self._asked.parameters.place(listed[0] or "no_name", "String", listed[0])
            test = f"event = {place}"
        else:
            place = self._asked.parameters.place("events", "Array(String)", sorted(listed))
            test = f"event IN {place}"
        bounded = self._bounded(bounds)
        return f"({test} AND {bounded})" if bounded else test

    def _bounded(self, bounds: Bounds) -> str:
        tests = []
        if bounds.since is not None:
            tests.append(f"timestamp >= {self._asked.moment('read_since', bounds.since)}")
        if bounds.until is not None:
            tests.append(f"timestamp < {self._asked.moment('read_until', bounds.until)}")
        return " AND ".join(tests)


class TraitsSource:
    """The latest value of each name that is asked for, then what it passes."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._columns: dict[str, str] = {}
        self._traits: list[Trait] = []

    def column(self, trait: Trait, leaf: Leaf) -> tuple[str, bool]:
        return Told(self._asked.at_ms, leaf.zone, self._asked.parameters).trait(trait)

    def add(self, name: str, sql: str, trait: Trait) -> None:
        self._columns[name] = sql
        self._traits.append(trait)

    def sources(self) -> list[Source]:
        if not self._columns:
            return []
        listed = self._asked.parameters.place("traits", "Array(String)", names(self._traits))
        tests = [f"name IN {listed}", *self._asked.visible(), *self._asked.kept()]
        latest = (
            f"    SELECT {self._identity.profile()} AS profile, name, argMax(value, (timestamp, message_id, value)) AS latest\n"
            f"    FROM {self._identity.rows('traits')}\n{where(tests)}\n    GROUP BY profile, name"
        )
        sql = f"    SELECT profile,{COLUMNS}\n    FROM\n    (\n{indent(latest, '    ')}\n    )\n    GROUP BY profile"
        return [Source("what is told of them", sql, self._columns)]


class GroupsSource:
    """Which groups pass, and who was named a member of them."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._columns: dict[str, str] = {}

    def column(self, group: Group, leaf: Leaf) -> str:
        told = Told(self._asked.at_ms, leaf.zone, self._asked.parameters)
        listed = self._asked.parameters.place("group_traits", "Array(String)", ["", *names(group.where)])
        passing = (
            "SELECT group_id FROM (SELECT group_id, name, argMax(value, (timestamp, message_id, value)) AS latest "
            f"FROM {self._asked.table('group_traits')} WHERE name IN {listed} AND {' AND '.join(self._asked.visible())} "
            f"GROUP BY group_id, name) GROUP BY group_id HAVING {told.group(group)}"
        )
        passes = f"group_id IN ({passing})"
        return f"max({passes})" if group.which == "any" else f"argMax({passes}, (timestamp, message_id))"

    def add(self, name: str, sql: str) -> None:
        self._columns[name] = sql

    def sources(self) -> list[Source]:
        if not self._columns:
            return []
        tests = ["name = ''", *self._asked.visible(), *self._asked.kept()]
        sql = (
            f"    SELECT {self._identity.profile()} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('group_traits')}\n{where(tests)}\n    GROUP BY profile"
        )
        return [Source("the groups that they belong to", sql, self._columns)]


class IdsSource:
    """Identifiers that a profile owns; a device that several people used is each one's."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._columns: dict[str, str] = {}
        self._kinds: dict[str, None] = {}

    def column(self, kind: str) -> str:
        if kind in ID_KINDS:
            return f"kind = '{ID_KINDS[kind]}'"
        type_ = kind.partition(":")[2]
        placed = self._asked.parameters.place(f"external_{type_}", "String", f"{type_}:")
        return f"kind = 'x' AND startsWith(value, {placed})"

    def add(self, name: str, sql: str, kind: str) -> None:
        self._columns[name] = sql
        self._kinds[ID_KINDS.get(kind, "x")] = None

    def sources(self) -> list[Source]:
        if not self._columns:
            return []
        if self._asked.scope.known_at_ms is not None:
            return [self._by_event()]
        shared = [self._shared()] if "a" in self._kinds else []
        return [self._by_identifier(), *shared]

    def _by_identifier(self) -> Source:
        listed = ", ".join(f"'{kind}'" for kind in self._kinds)
        tests = [
            f"workspace = {self._asked.workspace}",
            f"kind IN ({listed})",
            f"node NOT IN ({self._identity.contested()})",
            *self._asked.kept("node"),
        ]
        sql = (
            f"    SELECT DISTINCT {self._identity.root('node')} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('identifiers', 'node', self._asked.at)}\n{where(tests)}"
        )
        return Source("the identifiers that they have", sql, self._columns)

    def _shared(self) -> Source:
        kept = self._asked.kept("")
        columns = {name: sql for name, sql in self._columns.items() if sql == "kind = 'a'"}
        sql = (
            f"    SELECT DISTINCT {self._identity.root('owner')} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.spans()} AS shared" + (f"\n{where(kept)}" if kept else "")
        )
        return Source("and devices that several people used", sql, dict.fromkeys(columns, "1"))

    def _by_event(self) -> Source:
        node = "identifier.node"
        columns = {
            name: sql.replace("kind ", "identifier.kind ").replace("(value", "(identifier.value")
            for name, sql in self._columns.items()
        }
        sql = (
            f"    SELECT DISTINCT {self._identity.profile(node)} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('events', node)}\n{where([*self._asked.visible(), *self._asked.kept()])}"
        )
        joined = sql.replace(
            f"{self._asked.table('events')}",
            f"{self._asked.table('events')} ARRAY JOIN identifiers AS identifier",
            1,
        )
        return Source("the identifiers that they had", joined, columns)


class ListsSource:
    """Identifiers of uploaded lists, of whom they are at T."""

    def __init__(self, asked: Asked, identity: Identity) -> None:
        self._asked = asked
        self._identity = identity
        self._columns: dict[str, str] = {}
        self._lists: list[str] = []

    def column(self, listed: str) -> str:
        return f"list = {self._asked.parameters.place(f'list_{listed}', 'String', listed)}"

    def add(self, name: str, sql: str, listed: str) -> None:
        self._columns[name] = sql
        self._lists.append(listed)

    def sources(self) -> list[Source]:
        if not self._columns:
            return []
        listed = self._asked.parameters.place("lists", "Array(String)", sorted(set(self._lists)))
        at = self._asked.at
        tests = [
            f"workspace = {self._asked.workspace}",
            f"list IN {listed}",
            *self._asked.kept("node"),
        ]
        sql = (
            f"    SELECT DISTINCT {self._identity.profile('node', at)} AS profile,{COLUMNS}\n"
            f"    FROM {self._identity.rows('lists', 'node', at)}\n{where(tests)}"
        )
        return [Source("the lists that they are on", sql, self._columns)]
