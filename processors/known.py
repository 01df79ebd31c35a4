"""Facts that were sent already: what keeps an ordinary page view from saying again what identity knows.

A fact goes out when its link is new, when it is earlier than every one sent before, or when it is a stamp with
another time than the last. One state value per node, under its node id, holds up to `LINKS_PER_NODE_MAX` links: an
8-byte keyed hash of target and strength, the earliest time sent, the last stamp sent. To forget a link is always
safe: its next fact is sent again and changes nothing.
"""

import struct
from collections.abc import Sequence

from processors.facts import Fact
from schemas.identifiers import node_id
from schemas.stream import State

PREFIX = b"s"
VERSION = b"\x01"
LINKS_PER_NODE_MAX = 64  # the one first met goes first

NEVER = -1
_ENTRY = struct.Struct("<Qqq")

Links = dict[int, tuple[int, int]]  # hash of target and strength -> earliest time, last stamp


class KnownFacts:
    """The links of the nodes that one chunk touches: each is read once and written once."""

    def __init__(self, state: State, hash_key: bytes) -> None:
        self._state = state
        self._hash_key = hash_key
        self._nodes: dict[bytes, Links] = {}
        self._changed: set[bytes] = set()

    def news(self, facts: Sequence[Fact]) -> list[Fact]:
        """Those that must be sent; they count as sent from now on."""
        return [fact for fact in facts if self._is_news(fact)] if facts else []

    def forget(self, node: int, until: int) -> None:
        """The links of this node id that were first sent with a time up to `until` (ms, inclusive) are news again."""
        self.save()
        self._nodes.clear()
        self._changed.clear()
        key = PREFIX + node.to_bytes(8, "big")
        links = _decode(self._state.get(key))
        kept = {link: times for link, times in links.items() if times[0] > until}
        if kept:
            self._state[key] = _encode(kept)
        elif links:
            del self._state[key]

    def save(self) -> None:
        for node in self._changed:
            self._state[self._key(node)] = _encode(self._nodes[node])

    def _is_news(self, fact: Fact) -> bool:
        links = self._links(fact.node)
        link = node_id(b"%d%b" % (fact.strength, fact.target), self._hash_key)
        earliest, stamp = links.get(link, (None, NEVER))
        first = earliest is None or fact.time < earliest
        stamped = fact.stamp and fact.time != stamp
        if first or stamped:
            links[link] = (
                fact.time if first or earliest is None else earliest,
                fact.time if fact.stamp else stamp,
            )
            self._changed.add(fact.node)
        return first or stamped

    def _links(self, node: bytes) -> Links:
        links = self._nodes.get(node)
        if links is None:
            links = self._nodes[node] = _decode(self._state.get(self._key(node)))
        return links

    def _key(self, node: bytes) -> bytes:
        return PREFIX + node_id(node, self._hash_key).to_bytes(8, "big")


def _encode(links: Links) -> bytes:
    latest = list(links.items())[-LINKS_PER_NODE_MAX:]
    return VERSION + b"".join(_ENTRY.pack(link, *times) for link, times in latest)


def _decode(value: bytes | None) -> Links:
    if not value or value[:1] != VERSION:
        return {}
    return {link: (earliest, stamp) for link, earliest, stamp in _ENTRY.iter_unpack(value[1:])}
