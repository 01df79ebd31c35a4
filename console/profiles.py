"""One person, looked up: the questions in their order, and the answers as one. What the console and the command line share.

Each look-up asks whose an identifier is and who names that profile; then what is told of them all, beside it for the profile's
segments and for what is theirs of shared devices, and, where chains are longer, in more rounds of who names those. Absent: how an
answer is sent (app.py), and what may be asked how often (keys.py, rates.py).
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import Any, Protocol, TypeVar

import msgspec

from console import people
from console.commerce import Cart, Order, Value, carts, carts_of, orders, orders_of, value
from console.details import (
    DEVICE,
    NAME,
    Gathered,
    begun,
    details,
    details_around,
    details_of,
    details_with_roots,
    held_of,
    theirs,
    told,
    wider,
)
from console.devices import Device, known_since_ms, stay
from console.finished import Finished
from console.identifiers import FORMS, Asked, read
from console.journey import Journey, Wish, journey, journey_of
from console.memberships import (
    Membership,
    changes,
    changes_of,
    finished_in,
    memberships,
    runs_of,
    steps_of,
    void_beside,
    void_in,
)
from console.people import Around, Identifier, Person, Place
from console.question import Question
from console.shared import shared, shared_of
from console.times import iso_ms
from console.traits import Trait, plain, traits, traits_in, traits_of
from console.visits import Visits, visits, visits_of
from schemas.identity.identifiers import profile_id

ROUNDS_MAX = 64  # chains of aliases reach 16; an unforeseen ring of claims must end

Rows = Sequence[Sequence[Any]]
T = TypeVar("T")


class NoSuchProfile(Exception):
    """Nobody has this identifier; the text says what to look at, and does not repeat it."""


class Store(Protocol):
    """What is needed of console.store.Store."""

    @property
    def database(self) -> str: ...

    @property
    def finished(self) -> Finished: ...

    def ask(self, question: Question, /) -> Rows: ...

    def ask_all(self, questions: Sequence[Question], /) -> Sequence[Rows]: ...

    def begin(self, asking: Callable[[], T], /) -> Callable[[], T]: ...


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
        for around in self._likely(read(identifier)):
            gathered = self._gathered(around)
            if self._is_somebody(gathered):
                return msgspec.structs.replace(gathered.person, known_since_ms=_known_since_ms(gathered))
        raise self._nobody()

    def look_up(self, identifier: str) -> Profile:
        """`profile` of `person`, in fewer steps. Raises NotAnIdentifier, NoSuchProfile, NoAnswer."""
        for around in self._likely(read(identifier)):
            entered = self._store.begin(partial(self._entered, around.profile))
            gathered = self._gathered(around, is_to_be_told=True)
            if found := _profile(gathered, entered):
                return found
        raise self._nobody()

    def profile(self, person: Person) -> Profile:
        """Everything but what is asked for by itself. Raises NoSuchProfile, NoAnswer."""
        entered = self._store.begin(partial(self._entered, person.profile))
        asked = [
            details_of(self._place, person.subjects, person.unled),
            *shared_of(self._place, person, person.unsure),
        ]
        rows, *others = self._store.ask_all(asked)
        found = _profile(Gathered(person, details(rows), [], frozenset(), shared(chain(*others))), entered)
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
        return self._entered(person.profile)

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

    def _likely(self, asked: Asked) -> Iterator[Around]:
        """The profiles that may be meant, the likeliest first, with who names each. Of an identifier with its kind one question
        asks whose it is and who names them."""
        looked_at = set[int]()
        if asked.node is None and len(asked.wanted) == 1:
            whom = people.around_whom(self._place, asked.wanted[0], self._nodes_max)
            around = people.found_around(self._store.ask(whom))
            if not around.profile:
                return
            looked_at = {around.profile}
            yield around
        for profile in self._roots(asked):
            if profile not in looked_at:
                asked_around = people.around(self._place, profile, self._nodes_max)
                yield people.found_around(self._store.ask(asked_around))

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

    def _gathered(self, around: Around, *, is_to_be_told: bool = False) -> Gathered:
        """With all that lead to the profile; and, for whom it is to be told, what is theirs of what is not theirs alone."""
        found = begun(around, self._nodes_max)
        asked_of = found.person.unled if is_to_be_told else ()
        asked = [
            details_around(self._place, found.person, asked_of),
            *shared_of(self._place, found.person, asked_of),
        ]
        rows, *others = self._store.ask_all(asked)
        found = told(found, details(rows), self._nodes_max)
        for _ in range(ROUNDS_MAX):
            if not found.further:
                break
            rows = self._store.ask(details_with_roots(self._place, found.further))
            found = wider(found, details(rows), self._nodes_max)
        rest = [node for node in found.person.unsure if node not in asked_of] if is_to_be_told else []
        if held := [node for node in rest if node in found.person.unled]:
            rows = self._store.ask(held_of(self._place, held))
            found = msgspec.structs.replace(found, rows=[*found.rows, *details(rows)])
        others += [self._store.ask(each) for each in shared_of(self._place, found.person, rest)]
        person = msgspec.structs.replace(found.person, is_whole=found.person.is_whole and not found.further)
        return msgspec.structs.replace(found, person=person, shared=shared(chain(*others)))

    def _entered(self, profile: int) -> list[Membership]:
        found = changes(self._store.ask(changes_of(self._place, profile)))
        finished = self._store.finished.of(runs_of(found))
        asked = steps_of(self._place, runs_of(found) - finished.keys())
        steps = [row for question in asked for row in self._store.ask(question)]
        self._store.finished.learn(finished_in(steps))
        return memberships(found, void_in(steps) | void_beside(finished, found))

    def _is_somebody(self, gathered: Gathered) -> bool:
        """Whether there is an event of theirs. What is not theirs alone is looked at only where nothing else is."""
        person, seen = gathered.person, {row.subject for row in gathered.rows if row.part == DEVICE}
        if not seen.isdisjoint(person.sure):
            return True
        return not seen.isdisjoint(person.unsure) and bool(
            self._store.ask(people.is_there(self._place, person))
        )

    def _nobody(self) -> NoSuchProfile:
        return NoSuchProfile(
            f"nobody in workspace {self._place.workspace} has this identifier: look at its spelling, its type and the workspace; "
            f"an event that was just sent is there within a few seconds. {FORMS}"
        )


def _known_since_ms(gathered: Gathered) -> int | None:
    nodes = {*gathered.person.nodes}
    return known_since_ms([row for row in gathered.rows if row.subject in nodes])


def _profile(gathered: Gathered, entered: Callable[[], list[Membership]]) -> Profile | None:
    """Of what is told of somebody; None: there is no event, and so nobody."""
    person, rows = gathered.person, theirs(gathered.person, gathered.rows, gathered.shared)
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
        segments=[each.segment for each in entered()],
        partial=[] if person.is_whole else ["identifiers"],
    )
