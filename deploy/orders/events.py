"""Stored events as the steps see them: which links they state, told again from their rows (processors/identity/stored.py)."""

from collections.abc import Iterable, Sequence
from typing import Any

from deploy.orders.tables import Tables, numbers
from processors.identity.facts import Fact
from processors.identity.stored import Keys, StoredEvent, StoredId, facts_again, keys_in
from schemas.identity.identifiers import partition_hash

FACTS_ROWS_MAX = 10_000  # rows that are looked at for the links between two identifiers

_ROWS = """\
SELECT workspace, source, message_id, type, event, toUnixTimestamp64Milli(timestamp), previous_id, identifiers
FROM events
WHERE workspace = {workspace:String} AND """
_LATER = "hasAny(identifiers.node, [NODES]) AND toUnixTimestamp64Milli(timestamp) > {until:Int64}"
_BOTH = "hasAll(identifiers.node, [NODES]) ORDER BY timestamp LIMIT {limit:UInt32}"


def facts_after(tables: Tables, nodes: Sequence[int], until: int) -> list[Fact]:
    """Every link that events after `until` (ms) state between one of these nodes and any other."""
    rows = tables.ask(_ROWS + _LATER.replace("NODES", numbers(nodes)), until=until)
    events = [_event(row) for row in rows]
    keys = _clear(events)
    wanted = {keys[node] for node in nodes if node in keys}
    return [fact for fact in _facts(events, keys) if fact.node in wanted or fact.target in wanted]


def are_stated(tables: Tables, one: int, other: int) -> bool:
    """Whether any of the first events that mention both states a link between the two."""
    rows = tables.ask(_ROWS + _BOTH.replace("NODES", numbers([one, other])), limit=FACTS_ROWS_MAX)
    events = [_event(row) for row in rows]
    keys = keys_in(events)
    return any(
        {fact.node, fact.target} == {keys[one], keys[other]}
        for event in events
        for fact in facts_again(event, keys)
    )


def murmur2_of(keys: Keys) -> dict[int, int]:
    """Where each of these nodes lives."""
    return {node: partition_hash(key) for node, key in keys.items()}


def _facts(events: Iterable[StoredEvent], keys: Keys) -> list[Fact]:
    """Without those of an address that is known by its hash alone: its key is not known here."""
    return [
        fact
        for event in events
        if all(identifier.node in keys for identifier in event.identifiers)
        for fact in facts_again(event, keys)
    ]


def _clear(events: Sequence[StoredEvent]) -> dict[int, bytes]:
    """The keys of identifiers that some of these events carry in clear."""
    named = {each.node for event in events for each in event.identifiers if each.value}
    return {node: key for node, key in keys_in(events).items() if node in named}


def _event(row: Sequence[Any]) -> StoredEvent:
    workspace, source, message_id, kind, event, time, previous_id, identifiers = row
    return StoredEvent(
        workspace=workspace,
        source=source,
        message_id=message_id,
        type=kind,
        event=event,
        time=time,
        previous_id=previous_id,
        identifiers=tuple(_stored_id(each) for each in identifiers),
    )


def _stored_id(found: Any) -> StoredId:
    """The client gives a named tuple as a mapping."""
    parts = found.values() if isinstance(found, dict) else found
    return StoredId(*parts)
