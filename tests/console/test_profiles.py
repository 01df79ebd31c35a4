"""What is told of one person is what the oracle and the views over everybody say, whoever they are."""

from collections import defaultdict
from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec
import pytest

from console.identifiers import NotAnIdentifier
from console.journey import Cursor, Step, Wish
from console.journey import cursor as read_cursor
from console.people import Person
from console.profiles import NoSuchProfile, Profiles
from console.store import Store
from console.times import moment_ms
from runtime.environment.settings import QuestionSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import RECEIVED, Pipeline, profile_of_node
from tests.processors.oracle import Oracle, Visit
from tests.sinks.histories import history
from tests.sinks.stage import Tables

HISTORIES = 7
PROFILES_SQL = """\
SELECT profile_id, user_id, emails, anonymous_ids, toUnixTimestamp64Milli(first_seen), toUnixTimestamp64Milli(last_seen), events
FROM profiles ORDER BY profile_id"""
TRAITS_SQL = "SELECT profile_id, name, value FROM profile_traits ORDER BY profile_id, name"


class Shop(msgspec.Struct):
    """People of all kinds as they were stored, and what is known of them by other ways."""

    tables: Tables
    store: Store
    visits: dict[str, list[str]]  # message ids by profile, in the journey's order
    profiles: Profiles
    people: dict[str, Person]
    journeys: dict[str, list[Step]]

    @property
    def longest(self) -> str:
        return max(self.visits, key=lambda profile: len(self.visits[profile]))


@pytest.fixture(scope="module")
def shop(clickhouse: str, module_database: str) -> Iterator[Shop]:
    visits = [visit for number in range(HISTORIES) for visit in history(number)]
    pipeline = Pipeline(4, 7)
    for start in range(0, len(visits), 50):
        pipeline.visit(visits[start : start + 50])
    tables = Tables(clickhouse, module_database)
    tables.insert("events_in", RESOLVED_EVENT, pipeline.values["events.resolved"], "e")
    pointers = pipeline.values["identity.pointers"]
    Random(7).shuffle(pointers)  # noqa: S311 - the content of a test
    tables.insert("pointers_in", POINTER, pointers, "p")
    tables.reload(DICTIONARIES)
    settings = QuestionSettings()
    store = Store(tables.settings, settings)
    profiles = Profiles(store, "main", now_ms=RECEIVED, nodes_max=settings.nodes_max)
    by_profile = _by_profile(visits)
    people = {profile: profiles.person(profile) for profile in by_profile}
    journeys = {
        profile: profiles.journey(person, Wish(limit=1_000)).steps for profile, person in people.items()
    }
    yield Shop(tables, store, by_profile, profiles, people, journeys)
    store.close()
    tables.client.close()


def _by_profile(visits: list[Visit]) -> dict[str, list[str]]:
    oracle, found = Oracle(visits), defaultdict[str, list[str]](list)
    for visit in sorted(visits, key=lambda visit: (visit.time, visit.id)):
        found[profile_of_node(oracle.profile(visit))].append(visit.id)
    return found


def test_every_persons_journey_is_what_the_oracle_says_in_the_order_of_time(shop: Shop) -> None:
    assert len(shop.visits) > HISTORIES
    found = {profile: [step.message_id for step in journey] for profile, journey in shop.journeys.items()}
    assert found == shop.visits


def test_everybody_is_told_as_the_views_over_all_have_them(shop: Shop) -> None:
    traits = defaultdict[str, dict[str, Any]](dict)
    for profile, name, value in shop.tables.rows(TRAITS_SQL):
        traits[profile][name] = msgspec.json.decode(value)
    rows = shop.tables.rows(PROFILES_SQL)
    assert [row[0] for row in rows] == sorted(shop.visits)
    for profile, user_id, emails, anonymous_ids, first_seen, last_seen, events in rows:
        found = shop.profiles.profile(shop.people[profile])
        assert (found.profile_id, found.user_id, found.events) == (profile, user_id, events)
        assert (found.emails, found.anonymous_ids) == (emails, anonymous_ids)
        assert (moment_ms(found.first_seen), moment_ms(found.last_seen)) == (first_seen, last_seen)
        assert {name: msgspec.json.decode(value) for name, value in found.traits.items()} == traits[profile]
        assert shop.profiles.look_up(profile) == found
        on_devices = [step for step in shop.journeys[profile] if step.anonymous_id]
        assert sum(device.events for device in found.devices if device.anonymous_id) == len(on_devices)


def test_pages_of_any_size_in_both_orders_are_the_whole_journey(shop: Shop) -> None:
    wanted = shop.visits[shop.longest]
    for limit in (1, 3, 5):
        for order in ("asc", "desc"):
            wish, found = Wish(limit=limit, order=order), list[str]()
            while True:
                page = shop.profiles.journey(shop.people[shop.longest], wish)
                found += [step.message_id for step in page.steps]
                if page.next is None:
                    break
                wish = msgspec.structs.replace(wish, after=_sent(page.next))
            assert found == (wanted if order == "asc" else wanted[::-1])


def test_each_identifier_of_a_person_leads_to_a_person_who_has_it(shop: Shop) -> None:
    for profile in list(shop.visits)[::3]:
        person = shop.people[profile]
        for identifier in shop.profiles.profile(person).identifiers:
            other = shop.profiles.person(f"{identifier.type}:{identifier.id}")
            if identifier.type == "anonymous_id":  # of a device of several people it is one of them
                assert identifier in shop.profiles.profile(other).identifiers
            else:
                assert other.profile == person.profile


def test_a_journey_is_filtered_by_type_name_and_time(shop: Shop) -> None:
    person, whole = shop.people[shop.longest], shop.journeys[shop.longest]
    middle = moment_ms(whole[len(whole) // 2].timestamp)
    for wish, holds in (
        (Wish(limit=1_000, types=("page", "identify")), lambda step: step.type in ("page", "identify")),
        (Wish(limit=1_000, names=("Seen",)), lambda step: step.event == "Seen"),
        (Wish(limit=1_000, since_ms=middle), lambda step: moment_ms(step.timestamp) >= middle),
        (Wish(limit=1_000, until_ms=middle), lambda step: moment_ms(step.timestamp) < middle),
    ):
        found = shop.profiles.journey(person, wish).steps
        assert [step.message_id for step in found] == [step.message_id for step in whole if holds(step)]


def test_a_visit_was_before_a_person_was_known_until_the_first_that_names_them(shop: Shop) -> None:
    kinds = dict(shop.tables.rows("SELECT message_id, toString(subject_type) FROM events"))
    flags = set()
    for profile, steps in shop.journeys.items():
        first = min((step.timestamp for step in steps if kinds[step.message_id] != "a"), default=None)
        assert (shop.people[profile].known_since_ms is None) == (first is None)
        for step in steps:
            assert step.before_known == (first is None or step.timestamp < first)
            flags.add(step.before_known)
    assert flags == {True, False}


@pytest.mark.parametrize(
    "identifier", ["nobody", "user_id:nobody", "email:no@body.example", "0123456789abcdef", "kind:7"]
)
def test_nobody_has_an_identifier_that_no_event_carries(shop: Shop, identifier: str) -> None:
    with pytest.raises(NoSuchProfile, match="workspace main"):
        shop.profiles.person(identifier)


@pytest.mark.parametrize("identifier", ["", "  ", "email:ann", "user_id:", "x:7", "a" * 1_025])
def test_what_cannot_be_an_identifier_is_refused_with_the_forms_that_can(shop: Shop, identifier: str) -> None:
    with pytest.raises(NotAnIdentifier, match="anonymous_id:6f1c"):
        shop.profiles.person(identifier)


def test_a_person_with_more_identifiers_than_may_be_looked_at_is_told_in_part(shop: Shop) -> None:
    most = max(shop.people, key=lambda profile: len(shop.people[profile].subjects))
    assert len(shop.people[most].subjects) > 2
    few = Profiles(shop.store, "main", now_ms=RECEIVED, nodes_max=2)
    person = few.person(most)
    assert few.profile(person).partial == ["identifiers"]


def test_people_of_another_workspace_are_nobody_here(shop: Shop) -> None:
    elsewhere = Profiles(shop.store, "second", now_ms=RECEIVED, nodes_max=10)
    with pytest.raises(NoSuchProfile):
        elsewhere.person("ann1")


def _sent(cursor: Cursor) -> Cursor:
    """As it comes back from whoever was given it."""
    return read_cursor(cursor.text())
