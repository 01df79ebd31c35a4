"""A stored event, told again: the facts that it stated, from the columns that ClickHouse keeps of it.

The same functions as the resolver's make them, so that an explanation and an erasure speak of the very links that identity has.
What is known of an identifier by its hash alone has no value in clear: where another stored event carries it in clear, that one
gives its key; else a key is made up that is equal for equal ids, and only ties between two such ids are guessed.
"""

from collections.abc import Iterable, Mapping

import msgspec

from processors.events.authority import rank
from processors.events.mentions import Identifier, Mentions
from processors.identity.facts import Fact, Occasion, facts_on, is_logout_event
from schemas.identity.identifiers import EMAIL, MESSAGE, hash_email, node_key


class StoredId(msgspec.Struct, frozen=True):
    """An identifier of a stored event; `claimed` when it stood in the page's address. `value` is "" for a hash alone."""

    node: int
    kind: str
    value: str
    claimed: bool = False


class StoredEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The columns that facts depend on, and those that say which event it was; `time` is in ms since the epoch."""

    workspace: str
    source: str
    message_id: str
    type: str
    event: str
    time: int
    previous_id: str
    identifiers: tuple[StoredId, ...]


_HASH_ALONE = "node "

Keys = Mapping[int, bytes]  # node id -> node key


def keys_in(events: Iterable[StoredEvent]) -> dict[int, bytes]:
    """The node key of every identifier that these events carry."""
    found: dict[int, bytes] = {}
    for event in events:
        for identifier in event.identifiers:
            if identifier.value or identifier.node not in found:
                found[identifier.node] = _key(event.workspace, identifier)
    return found


def is_hash_alone(key: bytes) -> bool:
    """Whether this is the made-up key of an address that no event carries in clear."""
    return key.partition(b":")[2].startswith(_HASH_ALONE.encode())


def facts_again(event: StoredEvent, keys: Keys) -> list[Fact]:
    """What the resolver stated when this event passed."""
    stated, claimed = _ids(event, keys, claimed=False), _ids(event, keys, claimed=True)
    first = stated or claimed
    subject = first[0].node if first else node_key(event.workspace, MESSAGE, event.message_id)
    is_logout = event.type == "track" and is_logout_event(event.event)
    occasion = Occasion(event.workspace, event.type, event.previous_id, event.time, is_logout)
    return facts_on(occasion, Mentions(subject, stated, claimed))


def _ids(event: StoredEvent, keys: Keys, *, claimed: bool) -> tuple[Identifier, ...]:
    """By authority, as the resolver has them: the first stated one is the subject."""
    found = [
        Identifier(each.kind, each.value, keys[each.node])
        for each in event.identifiers
        if each.claimed is claimed
    ]
    return tuple(sorted(found, key=lambda identifier: rank(identifier.node)))


def _key(workspace: str, identifier: StoredId) -> bytes:
    if identifier.kind != EMAIL:
        return node_key(workspace, identifier.kind, identifier.value)
    hashed = hash_email(identifier.value) if identifier.value else f"{_HASH_ALONE}{identifier.node:016x}"
    return node_key(workspace, EMAIL, hashed)
