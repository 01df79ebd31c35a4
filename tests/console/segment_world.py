"""A world put into a real database as the sinks put events there, and what the compiled segments say of it.

Several worlds share one database: each has a workspace of its own, and node numbers that begin at its own `base`.
"""

import json
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from console.segments.segment_compiler import compile_members
from console.segments.segment_scope import Scope
from deploy.commands.rates_command import load_rates
from deploy.files.rates import Rate
from schemas.segments.segment_tree import inlined, key_of
from schemas.segments.segments import Segment
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from schemas.wire.stamps import Bot, Commerce, Consent, Device, Item, Meaning, Place, Touch, Visit
from sinks.storing.tables import DICTIONARIES
from tests.console.segment_data import RATES, Asked, Happened, Points, World
from tests.console.segment_oracle_events import ECOMMERCE
from tests.sinks.shop import plain
from tests.sinks.stage import Tables, event, pointer

NODES_MAX = 100_000  # of one world
BLOCK_ROWS = 300
AGAIN = 0.5  # of the blocks
PARTS: dict[str, Any] = {
    "commerce": Commerce,
    "touch": Touch,
    "device": Device,
    "place": Place,
    "visit": Visit,
    "consent": Consent,
    "bot": Bot,
}


class Stored:
    """One world in tables."""

    def __init__(self, tables: Tables, world: World, number: int) -> None:
        self.tables, self.world = tables, world
        self.workspace, self.base = f"w{number}", number * NODES_MAX

    def events(self) -> list[bytes]:
        return [self._event(number) for number in range(len(self.world.events))]

    def pointers(self) -> list[bytes]:
        return [self._pointer(points) for points in self.world.pointers]

    def list_rows(self) -> list[tuple[str, str, int, int]]:
        return [
            (self.workspace, name, self._node(node), 1)
            for name, nodes in self.world.lists.items()
            for node in nodes
        ]

    def _event(self, number: int) -> bytes:
        happened = self.world.events[number]
        typed = {name: plain(part(**happened.typed.get(name, {}))) for name, part in PARTS.items()}
        typed["device"]["is_bot"] = happened.is_bot
        return event(
            number,
            workspace=self.workspace,
            source=happened.source,
            message_id=happened.message_id,
            type=happened.type,
            event=happened.name if happened.type == "track" else "",
            name=happened.name if happened.type != "track" else "",
            timestamp=happened.at,
            received_at=happened.known_at,
            original_timestamp=happened.at,
            anonymous_id="",
            group_id=happened.group_id,
            subject=self._node(happened.subject),
            traits=json.dumps(happened.traits),
            properties=json.dumps(happened.properties),
            context=json.dumps({"page": happened.typed.get("page", {})}),
            identifiers=self._identifiers(happened),
            items=[plain(Item(**item)) for item in happened.typed.get("items", [])],
            meaning=plain(_meaning(happened)),
            **typed,
        )

    def _identifiers(self, happened: Happened) -> list[dict[str, Any]]:
        nodes = dict.fromkeys((happened.subject, *happened.identifiers))
        kinds = {node: self.world.kinds.get(node, "m") for node in nodes}
        return [
            {"node": self._node(node), "kind": kind, "value": self.world.named.get(node, f"{kind}{node}")}
            for node, kind in kinds.items()
            if kind != "m"
        ]

    def _pointer(self, points: Points) -> bytes:
        return pointer(
            self._node(points.node),
            self._node(points.owner),
            points.version,
            workspace=self.workspace,
            segments=[
                {"valid_from": part.start, "valid_to": part.end, "owner": self._node(part.owner)}
                for part in points.stretches
            ],
            is_deleted=points.is_deleted,
            updated_at=points.updated_at,
        )

    def _node(self, node: int) -> int:
        return self.base + node

    def members(self, segments: Mapping[str, Segment], names: Sequence[str], asked: Asked) -> list[set[int]]:
        """Of each of these, as one query says."""
        known = {key_of(segment.workspace, name): segment for name, segment in segments.items()}
        wanted = [inlined(segments[name], known, self.world.time_zone) for name in names]
        query = compile_members(wanted, asked.at, self._scope(asked))
        found = self.tables.client.query(query.sql, parameters=query.parameters, settings=query.settings)
        members: list[set[int]] = [set() for _ in names]
        for profile, numbers in found.result_rows:
            for number in numbers:
                members[number].add(profile - self.base)
        return members

    def _scope(self, asked: Asked) -> Scope:
        return Scope(
            workspace=self.workspace,
            known_at_ms=asked.known_at,
            identity="then" if asked.is_then else "now",
        )


def _meaning(happened: Happened) -> Meaning:
    if happened.name in ECOMMERCE and happened.type == "track":
        return Meaning(family="ecommerce", event=happened.name)
    return Meaning()


def tables_for_worlds(url: str, database: str) -> Tables:
    tables = Tables(url, database)
    rates = [Rate(day, currency, rate) for currency, known in RATES.items() for day, rate in known]
    load_rates(tables.settings, rates)
    return tables


def put(tables: Tables, worlds: Sequence[World], random: Random, first: int = 1) -> list[Stored]:
    """All of them in any order, and who is who loaded once; some blocks come twice under their token, as after a crash."""
    stored = [Stored(tables, world, number) for number, world in enumerate(worlds, first)]
    _insert(tables, "events_in", RESOLVED_EVENT, [value for one in stored for value in one.events()], random)
    _insert(tables, "pointers_in", POINTER, [value for one in stored for value in one.pointers()], random)
    if rows := [row for one in stored for row in one.list_rows()]:
        tables.client.insert("lists", rows, column_names=["workspace", "list", "node", "version"])
    tables.reload(DICTIONARIES)
    return stored


def _insert(tables: Tables, table: str, schema_id: int, values: list[bytes], random: Random) -> None:
    random.shuffle(values)
    blocks = [
        (f"{table}-{random.random()}", values[start : start + BLOCK_ROWS])
        for start in range(0, len(values), BLOCK_ROWS)
    ]
    for token, block in blocks + [block for block in blocks if random.random() < AGAIN]:
        tables.insert(table, schema_id, block, token)
