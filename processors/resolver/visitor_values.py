"""One state value for all that a resolver keeps of a visitor: message ids seen, links known, visits.

An event asks for all three, and nearly every event changes two of them: under a key each that was three look-ups, and two or
three records of the changelog. Who keeps one of them (duplicates.py, known.py, visits.py) sees a state of its own, with a key of
its own: prefix and node id. Here these are sections of one value under the node id. An identifier that is no visitor, as a user
id whose links are known, has a value with one section.

A value is a version byte, two lengths, then links, visits and message ids, each as its keeper wrote it. State of before has
them under the keepers' own keys: those are read where there is no value, and moved when the visitor changes. What stands under
the prefix alone says whether a partition may have such keys, so that one that never had them is not asked for them.
Deliberately absent: what a section means.
"""

import struct

import schemas.values.octets as octets
from processors.enrichment.visits import PREFIX as VISITS
from processors.identity.known import PREFIX as LINKS
from processors.resolver.duplicates import PREFIX as IDS
from schemas.stream import State

PREFIX = b"u"
VERSION = 1
SECTIONS = (IDS, LINKS, VISITS)
UNITED, MIXED = b"\x01", b"\x00"  # under the prefix alone: no older keys; some may be left

_HEAD = struct.Struct("<BHH")  # version, bytes of links, bytes of visits
_HEAD_BYTES = _HEAD.size
_PLACES = {section[0]: place for place, section in enumerate(SECTIONS)}

Sections = list[bytes]  # in the order of SECTIONS; b"" where there is none


class VisitorValues:
    """The visitors that one chunk touches, to their keepers the `Values` of each: every one is read once and written once.

    Call `save` when the keepers have saved.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._opened: dict[bytes, Sections] = {}
        self._changed: dict[bytes, None] = {}  # in order: the same input gives the same changelog
        self._older: set[bytes] = set()  # those that were read from their keepers' own keys
        self._said = state.get(PREFIX)
        self._keys = self._said or (MIXED if _has_older(state) else UNITED)

    def get(self, key: bytes) -> bytes | None:
        node = octets.part(key, 1, len(key))
        sections = self._opened.get(node)
        if sections is None:
            sections = self._open(node)
        return sections[_PLACES[key[0]]] or None

    def __setitem__(self, key: bytes, value: bytes) -> None:
        node = octets.part(key, 1, len(key))
        sections = self._opened.get(node)
        if sections is None:
            sections = self._open(node)
        sections[_PLACES[key[0]]] = value
        self._changed[node] = None

    def pop(self, key: bytes, default: None) -> bytes | None:
        before = self.get(key)
        if before is None:
            return default
        self[key] = b""
        return before

    def save(self) -> None:
        """Once, after all events of the chunk."""
        for node in self._changed:
            sections = self._opened[node]
            if any(sections):
                self._state[PREFIX + node] = joined(sections)
            else:
                self._state.pop(PREFIX + node, None)
            if node in self._older:
                for section in SECTIONS:
                    self._state.pop(section + node, None)
        if self._changed and self._said is None:
            self._state[PREFIX] = self._said = self._keys

    def _open(self, node: bytes) -> Sections:
        value = self._state.get(PREFIX + node)
        if value is None and self._keys == MIXED:
            sections = [self._state.get(section + node) or b"" for section in SECTIONS]
            self._older.add(node)
        else:
            sections = parted(value)
        self._opened[node] = sections
        return sections


def joined(sections: Sections) -> bytes:
    ids, links, visits = sections
    return b"".join((_HEAD.pack(VERSION, len(links), len(visits)), links, visits, ids))


def parted(value: bytes | None) -> Sections:
    """A value of another version counts as none."""
    if not value or value[0] != VERSION:
        return [b"", b"", b""]
    size = len(value)
    if size < _HEAD_BYTES:
        raise ValueError("a visitor's value ends within its head")
    octet = value  # where this is C, its first byte's address
    links = _HEAD_BYTES + octet[1] + octet[2] * 256
    visits = links + octet[3] + octet[4] * 256
    if visits > size:
        raise ValueError("a visitor's value ends before its sections do")
    return [
        octets.part(value, visits, size),
        octets.part(value, _HEAD_BYTES, links),
        octets.part(value, links, visits),
    ]


def _has_older(state: State) -> bool:
    """Asked of a partition once: keys of message ids come before all others."""
    return any(key[:1] in SECTIONS for key in state)
