"""What ClickHouse knows around a few identifiers: the events that link them, the pointers, and the names; breadth-first.

Every round asks for the events that mention what the last one found. Events that state the same links are one row of the answer:
the earliest of them, and as many later ones as a timeline keeps. An address that ten thousand devices share is not read to the
end: of each identifier a stated number of links is read, first those between identifiers that are known already, and the
answer says that there are more.

Deliberately absent: a judgement; that is the cores' (processors/identity/explain.py) and deploy/explaining/why.py's.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.explaining.neighbourhood_sql import LINKS_SQL, NODES_SQL, OLDER_SQL, POINTERS_SQL
from deploy.identifiers.ids import Id, key_of
from processors.identity.facts import LOGOUT_EVENTS, STAMPED_TYPES
from processors.identity.node_state import STAMPS_MAX
from processors.identity.older import OlderRow, read_again
from processors.identity.stored import StoredEvent, StoredId, keys_in
from runtime.environment.settings import ExplanationSettings
from schemas.identity.identifiers import ANONYMOUS, USER, node_id

NEEDLES_MAX = 200  # what ClickHouse searches for at once is limited


class Pointer(msgspec.Struct, frozen=True):
    """Whom the table says that a node belongs to: (since, owner) in order, one entry unless it is a contested device."""

    owners: tuple[tuple[int, int], ...]


class Neighbourhood(msgspec.Struct, kw_only=True):
    """What was read. `crowded` are the nodes of which not every link was; `is_complete` says that nothing else is missing."""

    workspace: str
    events: list[StoredEvent]
    keys: dict[int, bytes]
    pointers: dict[int, Pointer]
    crowded: set[int]
    is_complete: bool


class _Search:
    def __init__(
        self, client: Client, workspace: str, limits: ExplanationSettings, hash_key: bytes | None
    ) -> None:
        self.client = client
        self.workspace = workspace
        self.limits = limits
        self.hash_key = hash_key
        self.events: dict[tuple[str, int], StoredEvent] = {}
        self.keys: dict[int, bytes] = {}
        self.named: dict[
            int, bytes
        ] = {}  # keys that are known from elsewhere than from an event's identifiers
        self.values: dict[int, str] = {}  # of identifiers in clear
        self.reads_older = False
        self.pointers: dict[int, Pointer] = {}
        self.known: set[int] = set()
        self.crowded: set[int] = set()

    def run(self, starts: Iterable[Id]) -> bool:
        """Whether everything in reach was read, crowded nodes apart."""
        started = list(starts)
        self.named.update((each.node, each.key) for each in started)
        self.keys.update(self.named)
        self.values.update((each.node, each.value) for each in started)
        frontier = self._with_owners({each.node for each in started})
        for _ in range(self.limits.rounds_max):
            self.known |= frontier
            found = self._round(sorted(frontier)) - self.known
            if not found:
                return True
            room = self.limits.identifiers_max - len(self.known)
            if room <= 0:
                return False
            frontier = set(sorted(found)[:room])
        return False

    def _with_owners(self, nodes: set[int]) -> set[int]:
        """These and everybody above them in the table: what the answer is about is read first."""
        found, asked = set(nodes), set(nodes)
        while asked:
            self._read_pointers(asked)
            above = {owner for node in asked for _, owner in self.pointers[node].owners}
            asked = above - found
            found |= above
        return found

    def _read_pointers(self, nodes: Iterable[int]) -> None:
        wanted = sorted(set(nodes) - self.pointers.keys())
        asked = {"workspace": self.workspace, "nodes": wanted}
        self.pointers.update((node, Pointer(((0, node),))) for node in wanted)
        for node, owner, starts, owners in self.client.query(POINTERS_SQL, parameters=asked).result_rows:
            segments = tuple(zip(starts, owners, strict=True))
            self.pointers[node] = Pointer(segments or ((0, owner),))

    def _round(self, frontier: list[int]) -> set[int]:
        rows = self.client.query(LINKS_SQL, parameters=self._asked(frontier)).result_rows
        met: dict[int, int] = {}
        fresh: list[StoredEvent] = []
        for row in rows:
            met[row[8]] = met.get(row[8], 0) + 1
            fresh += self._events(row)
        if self.reads_older:
            fresh += self._older(frontier)
        self.crowded |= {node for node, links in met.items() if links >= self.limits.links_per_identifier_max}
        self.events.update(((event.message_id, event.time), event) for event in fresh)
        self.keys |= keys_in(fresh) | self.named
        self.values.update(
            (each.node, each.value) for event in fresh for each in event.identifiers if each.value
        )
        nodes = {each.node for event in fresh for each in event.identifiers} | self._previous(fresh)
        self._read_pointers(nodes)
        return nodes

    def _asked(self, frontier: list[int]) -> dict[str, object]:
        return {
            "workspace": self.workspace,
            "frontier": frontier,
            "known": sorted(self.known),
            "previous": self._values(frontier),
            "logouts": sorted(LOGOUT_EVENTS),
            "stamped": sorted(STAMPED_TYPES),
            "stamps": STAMPS_MAX,
            "limit": self.limits.links_per_identifier_max,
        }

    def _values(self, nodes: Sequence[int]) -> list[str]:
        """User and anonymous ids in clear: an alias may name them without a type."""
        keys = [self.keys.get(node, b"").partition(b"|")[2].decode() for node in nodes]
        return sorted({key[2:] for key in keys if key[:2] in (f"{USER}:", f"{ANONYMOUS}:")})

    def _events(self, row: Sequence[Any]) -> list[StoredEvent]:
        """The earliest event of this kind, and the latest ones of a timeline."""
        kind, name, previous, nodes, kinds, values, claims, *_, first, latest = row
        columns = zip(nodes, kinds, values, claims, strict=True)
        identifiers = tuple(
            StoredId(node, each, value, bool(claimed)) for node, each, value, claimed in columns
        )
        times = {tuple(first), *((-time, message, source) for time, message, source in latest)}
        return [
            StoredEvent(
                workspace=self.workspace,
                source=source,
                message_id=message,
                type=kind,
                event=name,
                time=time,
                previous_id=previous,
                identifiers=identifiers,
            )
            for time, message, source in sorted(times)
        ]

    def _older(self, frontier: list[int]) -> list[StoredEvent]:
        assert self.hash_key is not None
        names = {self.values.get(node, "").rpartition(":")[2] for node in frontier} - {""}
        asked = self._asked(frontier) | {
            "needles": sorted(names)[:NEEDLES_MAX],
            "older": self.limits.identifiers_max,
        }
        fields = ("source", "message_id", "type", "event", "time", "previous_id", "context", "envelope")
        rows = self.client.query(OLDER_SQL, parameters=asked).result_rows
        found = [
            read_again(
                OlderRow(workspace=self.workspace, **dict(zip(fields, row, strict=True))), self.hash_key
            )
            for row in rows
        ]
        return [event for event in found if event is not None]

    def _previous(self, events: Iterable[StoredEvent]) -> set[int]:
        """The nodes that aliases named before: no identifier of the alias itself, but perhaps of another event."""
        values = sorted(
            {event.previous_id for event in events if event.type == "alias" and event.previous_id}
        )
        if not values:
            return set()
        asked = {"workspace": self.workspace, "values": values}
        found = {
            (kind, value): node
            for kind, value, node in self.client.query(NODES_SQL, parameters=asked).result_rows
        }
        if self.hash_key is not None:
            for kind in (USER, ANONYMOUS):
                for value in values:
                    key = key_of(self.workspace, kind, value)
                    found.setdefault((kind, value), node_id(key, self.hash_key))
        self.named.update(
            (node, key_of(self.workspace, kind, value)) for (kind, value), node in found.items()
        )
        self.keys |= self.named
        return set(found.values())


def around(
    client: Client,
    starts: Sequence[Id],
    limits: ExplanationSettings,
    hash_key: bytes | None,
    *,
    older: bool = False,
) -> Neighbourhood:
    """Everything in reach of these identifiers, which are of one workspace, within the limits.

    `older`: also events that were stored before they kept their identifiers, which takes a search through all of them and
    the hash key.
    """
    search = _Search(client, starts[0].workspace, limits, hash_key)
    search.reads_older = older and hash_key is not None
    is_complete = search.run(starts)
    return Neighbourhood(
        workspace=starts[0].workspace,
        events=list(search.events.values()),
        keys=search.keys,
        pointers=search.pointers,
        crowded=search.crowded,
        is_complete=is_complete,
    )
