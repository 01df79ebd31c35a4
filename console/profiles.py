"""One person, looked up: the questions in their order, and the answers as one. What the console and the command line share.

Each look-up asks whose an identifier is and what is told of that profile, then, in as many rounds as its chains are long, what is
told of those who name it; then for what was wanted. Absent: how an answer is sent (app.py), and what may be asked how often
(keys.py, rates.py).
"""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import msgspec

from console import people
from console.commerce import Cart, Order, Value, carts, carts_of, orders, orders_of, value
from console.details import (
    DEVICE,
    NAME,
    ROWS_MAX,
    Detail,
    Gathered,
    begun,
    details,
    details_apart,
    details_around,
    details_named,
    details_of,
    held_of,
    shared_of,
    theirs,
    wider,
)
from console.devices import Device, known_since_ms, stay
from console.identifiers import FORMS, Asked, read
from console.journey import Journey, Wish, journey, journey_of
from console.memberships import Change, Membership, changes, changes_of, memberships, void_of
from console.people import Identifier, Person, Place
from console.question import Question
from console.times import iso_ms
from console.traits import Trait, plain, traits, traits_in, traits_of
from console.visits import Visits, visits, visits_of
from schemas.identity.identifiers import profile_id

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
        for profile, rows in self._likely(read(identifier)):
            gathered, _ = self._gathered(profile, rows)
            if self._is_somebody(gathered):
                return msgspec.structs.replace(gathered.person, known_since_ms=_known_since_ms(gathered))
        raise self._nobody()

    def look_up(self, identifier: str) -> Profile:
        """`profile` of `person`, in fewer steps. Raises NotAnIdentifier, NoSuchProfile, NoAnswer."""
        for profile, rows in self._likely(read(identifier)):
            gathered, (entered,) = self._gathered(profile, rows, [changes_of(self._place, profile)])
            if found := self._whole(gathered.person, gathered.rows, changes(entered)):
                return found
        raise self._nobody()

    def profile(self, person: Person) -> Profile:
        """Everything but what is asked for by itself. Raises NoSuchProfile, NoAnswer."""
        rows, entered = self._store.ask_all(
            [details_of(self._place, person.subjects), changes_of(self._place, person.profile)]
        )
        found = self._whole(person, details(rows), changes(entered))
        if found is None:
            raise NoSuchProfile("nobody: the last event of this profile was just deleted")
        return found

    def traits(self, person: Person) -> list[Trait]:
        """Raises NoAnswer."""
        return traits(self._store.ask(traits_of(self._place, person)))

    def journey(self, person: Person, wish: Wish) -> Journey:
        """Raises NoAnswer."""
        rows = self._store.ask(journey_of(self._place, person, wish))
        return journey(wish, rows, person.known_since_ms)

    def segments(self, person: Person) -> list[Membership]:
        """Raises NoAnswer."""
        found = changes(self._store.ask(changes_of(self._place, person.profile)))
        (void,) = self._store.ask_all(void_of(self._place, found)) or [[]]
        return memberships(found, {*map(tuple, void)})

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

    def _likely(self, asked: Asked) -> Iterator[tuple[int, list[Detail]]]:
        """The profiles that may be meant, the likeliest first, with the rows about each. Of an identifier with its kind one
        question asks whose it is and what is told of them."""
        looked_at = set[int]()
        if asked.node is None and len(asked.wanted) == 1:
            rows = details(self._store.ask(details_named(self._place, asked.wanted[0])))
            looked_at = {row.subject for row in rows}
            yield from ((profile, self._all(profile, rows)) for profile in looked_at)
        for profile in self._roots(asked):
            if profile not in looked_at:
                rows = details(self._store.ask(details_around(self._place, profile)))
                yield profile, self._all(profile, rows)

    def _roots(self, asked: Asked) -> Iterator[int]:
        """A contested device is whose it is now, else whose it was last."""
        if asked.node is not None:
            ((root,),) = self._store.ask(people.root_of(self._place, asked.node))
            yield root
        for found in people.chosen(asked, self._store.ask(people.find(self._place, asked))):
            yield found.profile
            if found.profile == found.node:
                for (root,) in self._store.ask(people.past_owners(self._place, found.node)):
                    yield root

    def _all(self, profile: int, rows: list[Detail]) -> list[Detail]:
        if len(rows) < ROWS_MAX:
            return rows
        apart = details_apart(self._place, profile, self._nodes_max)
        return [row for some in self._store.ask_all(apart) for row in details(some)]

    def _gathered(
        self, profile: int, rows: Sequence[Detail], besides: Sequence[Question] = ()
    ) -> tuple[Gathered, Sequence[Rows]]:
        """With all that lead to the profile; and the answers to what is asked besides, along with the first round."""
        found, told = begun(profile, rows, self._nodes_max), list[Rows]()
        for _ in range(ROUNDS_MAX):
            asked = [details_of(self._place, found.further)] if found.further else []
            answers = self._store.ask_all([*besides, *asked])
            told, besides = [*told, *answers[: len(besides)]], ()
            if not asked:
                return found, told
            found = wider(found, details(answers[-1]), self._nodes_max)
        person = msgspec.structs.replace(found.person, is_whole=found.person.is_whole and not found.further)
        return msgspec.structs.replace(found, person=person), told

    def _is_somebody(self, gathered: Gathered) -> bool:
        """Whether there is an event of theirs. What is not theirs alone is looked at only where nothing else is."""
        person, seen = gathered.person, {row.subject for row in gathered.rows if row.part == DEVICE}
        if not seen.isdisjoint(person.sure):
            return True
        return not seen.isdisjoint(person.unsure) and bool(
            self._store.ask(people.is_there(self._place, person))
        )

    def _whole(self, person: Person, rows: Sequence[Detail], entered: Sequence[Change]) -> Profile | None:
        """Of the rows about their nodes and segments, and what has to be asked besides. None: no event, and so nobody."""
        asked = [
            shared_of(self._place, person, rows),
            held_of(self._place, person, rows),
            void_of(self._place, entered),
        ]
        answers = iter(self._store.ask_all([question for some in asked for question in some]))
        shared, held, void = [[row for _ in some for row in next(answers)] for some in asked]
        told = theirs(person, rows, details(shared), {node for (node,) in held})
        return _profile(person, told, memberships(entered, {*map(tuple, void)}))

    def _nobody(self) -> NoSuchProfile:
        return NoSuchProfile(
            f"nobody in workspace {self._place.workspace} has this identifier: look at its spelling, its type and the workspace; "
            f"an event that was just sent is there within a few seconds. {FORMS}"
        )


def _known_since_ms(gathered: Gathered) -> int | None:
    nodes = {*gathered.person.nodes}
    return known_since_ms([row for row in gathered.rows if row.subject in nodes])


def _profile(person: Person, rows: Sequence[Detail], entered: Sequence[Membership]) -> Profile | None:
    """Of what is told of somebody; None: there is no event, and so nobody."""
    stays = stay(rows)
    if stays is None:
        return None
    names = people.names(
        person.profile, [(row.kind, row.name, row.subject) for row in rows if row.part == NAME]
    )
    known = stays.known_since_ms
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
        traits=plain(traits_in(rows)),
        devices=stays.devices,
        segments=[each.segment for each in entered],
        partial=[] if person.is_whole else ["identifiers"],
    )
