"""Facts that were sent already: what keeps an ordinary page view from saying again what identity knows, and tells a
resolver at once whose an anonymous id was.

A fact goes out when its link is new, when it is earlier than every one sent before, or when it is a stamp with
another time than the latest. One value per node, under its node id, holds up to `LINKS_PER_NODE_MAX` links of 25
bytes: the target's node id (`NOBODY` for a logout) and strength, the earliest time sent, the latest stamp sent. To
forget a link is always safe: its next fact is sent again and changes nothing.

All events of an anonymous id come to one partition, so here stands whom it was linked to: the owner at an event's time, by
the rules of timeline.py. Two times a link are all that is kept, so for a late event between several changes of
hands, or where two links state the same moment, the answer is a good guess; for the present it is exact.
"""

import struct
from collections.abc import Sequence

import schemas.values.octets as octets
from processors.identity.facts import ASSERTED, BOUNDARY, Fact
from schemas.identity.identifiers import node_id
from schemas.stream import Values

PREFIX = b"s"
VERSION = b"\x02"  # 1 held a hash of target and strength together
LINKS_PER_NODE_MAX = 64  # the one first met goes first

NEVER = -1
NOBODY = 0
_ENTRY = struct.Struct("<QBqq")

Links = dict[tuple[int, int], tuple[int, int]]  # target and strength -> earliest time, latest stamp


class KnownFacts:
    """The links of the nodes that one chunk touches: each is read once and written once."""

    def __init__(self, state: Values, hash_key: bytes) -> None:
        self._state = state
        self._hash_key = hash_key
        self._nodes: dict[int, Links] = {}
        self._changed: set[int] = set()

    def news(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those that must be sent; they count as sent from now on."""
        return [fact for fact in facts if self._is_news(fact)] if facts else []

    def owner_at(self, node: int, time: int, stated: Sequence[Fact]) -> int:
        """Whose an anonymous id was, as far as is known here, with what an event states of it; `NOBODY` when nobody's."""
        links = self._nodes.get(node)
        if links is None:
            links = self._links(node)
        if not stated:
            return _owner_at(links, time) if links else NOBODY
        links = dict(links)
        for fact in stated:
            if node_id(fact.node, self._hash_key) == node:
                self._learn(links, fact)
        return _owner_at(links, time)

    def forget(self, node: int, until: int) -> None:
        """The links of this node id that were first sent with a time up to `until` (ms, inclusive) are news again."""
        links = self._links(node)
        self._nodes[node] = {link: times for link, times in links.items() if times[0] > until}
        if len(self._nodes[node]) < len(links):
            self._changed.add(node)

    def save(self) -> None:
        for node in self._changed:
            if links := self._nodes[node]:
                self._state[_key(node)] = _encode(links)
            else:
                self._state.pop(_key(node), None)

    def _is_news(self, fact: Fact) -> bool:
        node = node_id(fact.node, self._hash_key)
        changed = self._learn(self._links(node), fact)
        if changed:
            self._changed.add(node)
        return changed

    def _learn(self, links: Links, fact: Fact) -> bool:
        link = NOBODY if fact.target == BOUNDARY else node_id(fact.target, self._hash_key), fact.strength
        earliest, stamp = links.get(link, (None, NEVER))
        first = earliest is None or fact.time < earliest
        stamped = fact.stamp and fact.time != stamp
        if first or stamped:
            links[link] = (
                fact.time if first or earliest is None else earliest,
                max(fact.time, stamp) if fact.stamp else stamp,
            )
        return first or stamped

    def _links(self, node: int) -> Links:
        links = self._nodes.get(node)
        if links is None:
            links = self._nodes[node] = _decode(self._state.get(_key(node)))
        return links


def _key(node: int) -> bytes:
    return PREFIX + octets.eight(node)


def _encode(links: Links) -> bytes:
    latest = list(links.items())[-LINKS_PER_NODE_MAX:]
    return VERSION + b"".join([_ENTRY.pack(*link, *times) for link, times in latest])


def _decode(value: bytes | None) -> Links:
    if not value or value[:1] != VERSION:
        return {}
    entries = _ENTRY.iter_unpack(value[1:])
    return {(target, strength): (earliest, stamp) for target, strength, earliest, stamp in entries}


def _owner_at(links: Links, time: int) -> int:
    if len(links) < 2:  # nearly always
        return next(iter(links))[0] if links else NOBODY
    past: list[int] = []
    later: list[int] = []
    for moment, _, target in _moments(links):
        (past if moment <= time else later).append(target)
    following = next(filter(None, later), NOBODY)
    return (past[-1] or following) if any(past) else following


def _moments(links: Links) -> list[tuple[int, bool, int]]:
    """Claims and logouts in order of time, a logout after the claims of its moment; claimed ones only if none is asserted."""
    asserted = any(target and strength == ASSERTED for target, strength in links)
    return sorted(
        (moment, target == NOBODY, target)
        for (target, strength), times in links.items()
        if strength == ASSERTED or not asserted
        for moment in times
        if moment != NEVER
    )
