"""One person, looked up: the questions in their order, and the answers as one. What the console and the command line share.

Each look-up finds whose an identifier is, then gathers the profile's nodes in as many rounds as its chains are long, then asks
for what was wanted, side by side. Absent: how an answer is sent (app.py), and what may be asked how often (keys.py, rates.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from console import people
from console.commerce import Cart, Order, Value, carts, carts_of, orders, orders_of, value
from console.devices import Device, Stay, devices_of, stay
from console.identifiers import FORMS, Asked, read
from console.journey import Journey, Wish, journey, journey_of
from console.memberships import Membership, memberships, segments_of
from console.people import Identifier, Names, Person, Place
from console.question import Question
from console.times import iso_ms
from console.traits import Trait, plain, traits, traits_of
from console.visits import Visits, visits, visits_of
from schemas.identifiers import profile_id

ROUNDS_MAX = 64  # chains of aliases reach 16; an unforeseen ring of claims must end

Rows = Sequence[Sequence[Any]]


class NoSuchProfile(Exception):
    """Nobody has this identifier; the text says what to look at, and does not repeat it."""


class Store(Protocol):
    """What is needed of console.store.Store."""

    @property
    def database(self) -> str: ...

    def ask(self, question: Question, /) -> Rows: ...

    def ask_all(self, questions: Sequence[Question], /) -> Sequence[Rows]: ...


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """`user_id` is "" for somebody who has none. `partial` names what was not looked at to its end."""

    profile_id: str
    user_id: str
    is_known: bool
    known_since: str | None
    first_seen: str
    last_seen: str
    events: int
    emails: list[str]
    anonymous_ids: list[str]
    identifiers: list[Identifier]
    traits: dict[str, msgspec.Raw]
    devices: list[Device]
    segments: list[str]
    partial: list[str] = []


class Profiles:
    """Look-ups in one workspace, as of one moment."""

    def __init__(self, store: Store, workspace: str, *, now_ms: int, nodes_max: int) -> None:
        self._store = store
        self._place = Place(store.database, workspace, now_ms)
        self._nodes_max = nodes_max

    def person(self, identifier: str) -> Person:
        """Raises NotAnIdentifier, NoSuchProfile, NoAnswer."""
        for profile in self._roots(read(identifier)):
            person = self._gathered(profile)
            seen = people.seen(self._store.ask(people.seen_of(self._place, person)))
            if seen.is_sure or self._store.ask(people.is_there(self._place, person)):
                return msgspec.structs.replace(person, known_since_ms=seen.known_since_ms)
        raise NoSuchProfile(
            f"nobody in workspace {self._place.workspace} has this identifier: look at its spelling, its type and the workspace; "
            f"an event that was just sent is there within a few seconds. {FORMS}"
        )

    def profile(self, person: Person) -> Profile:
        """Everything but what is asked for by itself. Raises NoSuchProfile, NoAnswer."""
        place = self._place
        named, told, seen, entered = self._store.ask_all(
            [
                people.names_of(place, person),
                traits_of(place, person),
                devices_of(place, person),
                segments_of(place, person),
            ]
        )
        stays = stay(seen)
        if stays is None:
            raise NoSuchProfile("nobody: the last event of this profile was just deleted")
        segments = [each.segment for each in memberships(entered)]
        return _profile(person, people.names(person.profile, named), plain(traits(told)), (stays, segments))

    def traits(self, person: Person) -> list[Trait]:
        """Raises NoAnswer."""
        return traits(self._store.ask(traits_of(self._place, person)))

    def journey(self, person: Person, wish: Wish) -> Journey:
        """Raises NoAnswer."""
        rows = self._store.ask(journey_of(self._place, person, wish))
        return journey(wish, rows, person.known_since_ms)

    def segments(self, person: Person) -> list[Membership]:
        """Raises NoAnswer."""
        return memberships(self._store.ask(segments_of(self._place, person)))

    def orders(self, person: Person) -> tuple[Value | None, list[Order]]:
        """Raises NoAnswer."""
        rows = self._store.ask(orders_of(self._place, person))
        return value(rows), orders(rows)

    def carts(self, person: Person) -> list[Cart]:
        """Raises NoAnswer."""
        return carts(self._store.ask(carts_of(self._place, person)))

    def visits(self, person: Person) -> Visits:
        """Raises NoAnswer."""
        (sessions,), (touches,) = self._store.ask_all(visits_of(self._place, person))
        return visits(sessions, touches)

    def _roots(self, asked: Asked) -> Iterator[int]:
        """The profiles that may be meant, the likeliest first. A contested device is whose it is now, else whose it was last."""
        if asked.node is not None:
            ((root,),) = self._store.ask(people.root_of(self._place, asked.node))
            yield root
        for found in people.chosen(asked, self._store.ask(people.find(self._place, asked))):
            yield found.profile
            if found.profile == found.node:
                for (root,) in self._store.ask(people.past_owners(self._place, found.node)):
                    yield root

    def _gathered(self, profile: int) -> Person:
        nodes: dict[int, bool] = {profile: True}  # is it led to the profile by its pointer?
        frontier = [profile]
        for _ in range(ROUNDS_MAX):
            room = self._nodes_max - len(nodes)
            rows = self._store.ask(people.round_of(self._place, profile, frontier, room + 1))
            new = {node: bool(is_led) for node, is_led in rows if node not in nodes}
            nodes |= new
            frontier = [node for node, is_led in new.items() if is_led]
            if len(rows) > room or not frontier:
                break
        return Person(
            profile,
            tuple(node for node, is_led in nodes.items() if is_led),
            tuple(node for node, is_led in nodes.items() if not is_led),
            is_whole=len(nodes) <= self._nodes_max and not (frontier and len(rows) <= room),
        )


def _profile(
    person: Person, names: Names, told: dict[str, msgspec.Raw], rest: tuple[Stay, list[str]]
) -> Profile:
    known, (stays, segments) = person.known_since_ms, rest
    return Profile(
        profile_id=profile_id(person.profile),
        user_id=names.user_id,
        is_known=known is not None,
        known_since=None if known is None else iso_ms(known),
        first_seen=stays.first_seen,
        last_seen=stays.last_seen,
        events=stays.events,
        emails=names.emails,
        anonymous_ids=names.anonymous_ids,
        identifiers=names.identifiers,
        traits=told,
        devices=stays.devices,
        segments=segments,
        partial=[] if person.is_whole else ["identifiers"],
    )
