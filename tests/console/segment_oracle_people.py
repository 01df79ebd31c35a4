"""Who is who, by the pointers: people with what they did, what is told of them, their groups and identifiers.

Shares no code with what is tested.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from tests.console.segment_data import Asked, Happened, Node, Points, World

DEVICES = ("a", "m")


class Told(msgspec.Struct, frozen=True, order=True):
    """When something was said, and by which message; the last word counts."""

    at: int
    message_id: str


class Person(msgspec.Struct, kw_only=True):
    """`events`: all that are visible, those of bots too. `groups`: by the latest call that named each.
    `nodes`: all that are this profile's; `named`: those that events named."""

    profile: Node
    events: list[Happened] = []
    traits: dict[str, tuple[Told, Any]] = {}
    groups: dict[str, Told] = {}
    nodes: set[Node] = set()
    named: set[Node] = set()


class Identity:
    """Pointers as they are, or as they were known at a moment."""

    def __init__(self, pointers: Iterable[Points]) -> None:
        newest: dict[Node, Points] = {}
        for pointer in pointers:
            before = newest.get(pointer.node)
            if before is None or pointer.version > before.version:
                newest[pointer.node] = pointer
        self._pointers = {node: pointer for node, pointer in newest.items() if not pointer.is_deleted}

    def root(self, node: Node) -> Node:
        pointer = self._pointers.get(node)
        if pointer is None or pointer.stretches or pointer.owner == node:
            return node
        return self.root(pointer.owner)

    def profile(self, subject: Node, at: int) -> Node:
        """Of an event: whose the device was then."""
        pointer = self._pointers.get(subject)
        for stretch in pointer.stretches if pointer else ():
            if stretch.start <= at < stretch.end:
                return self.root(stretch.owner)
        return self.root(subject)

    def owners(self, node: Node) -> set[Node]:
        """The profiles that a node belongs to: of a contested device all that ever had it."""
        pointer = self._pointers.get(node)
        if pointer and pointer.stretches:
            return {self.root(stretch.owner) for stretch in pointer.stretches}
        return {self.root(node)}

    def nodes(self) -> Iterator[Node]:
        for pointer in self._pointers.values():
            yield pointer.node
            yield pointer.owner
            yield from (stretch.owner for stretch in pointer.stretches)


def identity_of(world: World, asked: Asked) -> Identity:
    if not asked.is_then:
        return Identity(world.pointers)
    assert asked.known_at is not None
    return Identity(pointer for pointer in world.pointers if pointer.updated_at < asked.known_at)


def visible(world: World, asked: Asked) -> list[Happened]:
    """Each message once, in order."""
    found = {
        event.message_id: event
        for event in world.events
        if event.at < asked.at and (asked.known_at is None or event.known_at < asked.known_at)
    }
    return sorted(found.values(), key=lambda event: event.place)


def people(world: World, asked: Asked) -> dict[Node, Person]:
    """Of all whom events name, by profile."""
    identity = identity_of(world, asked)
    found: dict[Node, Person] = {}
    for event in visible(world, asked):
        profile = identity.profile(event.subject, event.at)
        person = found.setdefault(profile, Person(profile=profile))
        _add(person, event)
    _add_nodes(found, identity, world, asked)
    return found


def _add(person: Person, event: Happened) -> None:
    """Events come in order, so the last word is the last."""
    person.events.append(event)
    said = Told(event.at, event.message_id)
    if event.type == "identify":
        person.traits |= {name: (said, value) for name, value in event.traits.items()}
    if event.type == "group" and event.group_id:
        person.groups[event.group_id] = said


def _add_nodes(found: dict[Node, Person], identity: Identity, world: World, asked: Asked) -> None:
    """An identifier is whoever's ever had it; at a past date: whose it was in the events that were visible then."""
    named = {node for event in world.events for node in (event.subject, *event.identifiers)}
    owned = [(owner, node) for node in named | set(identity.nodes()) for owner in identity.owners(node)]
    for owner, node in owned:
        if owner in found:
            found[owner].nodes.add(node)
    if asked.known_at is not None:
        owned = [
            (identity.profile(node, event.at), node)
            for event in visible(world, asked)
            for node in (event.subject, *event.identifiers)
        ]
    for owner, node in owned:
        if owner in found and node in named:
            found[owner].named.add(node)


def group_traits(world: World, asked: Asked) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for event in visible(world, asked):
        if event.type == "group" and event.group_id:
            found.setdefault(event.group_id, {}).update(event.traits)
    return found


def is_known(person: Person, world: World) -> bool:
    """Whether one of the profile's own nodes is more than a device."""
    return any(world.kinds.get(node, "m") not in DEVICES for node in {*person.nodes, person.profile})


def has_identifier(person: Person, world: World, kind: str) -> bool:
    """email, user, anonymous, or external:TYPE."""
    letter = {"email": "e", "user": "u", "anonymous": "a"}.get(kind, "x")
    nodes = [node for node in person.named if world.kinds.get(node) == letter]
    if letter != "x":
        return bool(nodes)
    prefix = kind.removeprefix("external:") + ":"
    return any(world.named.get(node, "").startswith(prefix) for node in nodes)
