"""Until parts are merged a table has an event, or who names somebody, more than once: what is told of a person has it once."""

import msgspec
import pytest

from console.journey import Step, Wish
from console.people import Person
from console.profiles import Profiles
from console.store import Store
from runtime.environment.settings import QuestionSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.migrating.migrations import migrate
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

ANN, TABLET = 101, 102
DEVICES = (103, 104, 105)
WHO = f"{ANN:016x}"
WANTED = f"SELECT message_id FROM events_resolved WHERE profile_id = '{WHO}' ORDER BY timestamp, message_id"  # noqa: S608 - ours


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    """Ann, and a tablet that was hers for a while; four of the nine events are of one moment. They were stored before the table,
    and its migration was cut off before its last statement and run again."""
    stored = Tables(clickhouse, database)
    segments = [{"valid_from": 0, "valid_to": START_MS + 1_000_000, "owner": ANN}]
    events = [event(number, subject=ANN if number % 2 else TABLET) for number in range(5)]
    events += [event(number, subject=ANN, timestamp=START_MS) for number in range(5, 9)]
    stored.insert("events_in", RESOLVED_EVENT, events, "e")
    stored.insert("pointers_in", POINTER, [pointer(TABLET, TABLET, segments=segments)], "p")
    stored.reload(DICTIONARIES)
    stored.client.command(
        "ALTER TABLE schema_migrations DELETE WHERE number = 31 SETTINGS mutations_sync = 2"
    )
    assert migrate(stored.settings) == ["0031_subject_events.sql"]
    assert stored.row("SELECT count() FROM subject_events") == (18,)
    return stored


def pages(profiles: Profiles, person: Person, wish: Wish) -> list[Step]:
    found = list[Step]()
    while True:
        page = profiles.journey(person, wish)
        found += page.steps
        if page.next is None:
            return found
        wish = msgspec.structs.replace(wish, after=page.next)


def test_an_event_that_is_stored_twice_is_told_once(tables: Tables) -> None:
    store = Store(tables.settings, QuestionSettings())
    profiles = Profiles(store, "main", now_ms=START_MS, nodes_max=100)
    person = profiles.person(WHO)
    wanted = [message_id for (message_id,) in tables.rows(WANTED)]
    assert len(wanted) == 9
    for limit in (1, 2, 3, 4, 100):
        assert [step.message_id for step in pages(profiles, person, Wish(limit=limit))] == wanted
        backwards = pages(profiles, person, Wish(limit=limit, order="desc"))
        assert [step.message_id for step in backwards] == wanted[::-1]
    assert profiles.look_up(WHO).events == len(wanted)
    store.close()


def test_devices_that_named_somebody_thrice_are_looked_at_and_counted_once(tables: Tables) -> None:
    """Each pointer that is written again is a row more; the limit of nodes is one of nodes, and what is beyond it is told."""
    for table in ("subject_details", "identity_owners"):
        tables.client.command(f"SYSTEM STOP MERGES {table}")
    for version in (1, 2, 3):
        pointers = [pointer(device, ANN, version) for device in DEVICES]
        tables.insert("pointers_in", POINTER, pointers, f"v{version}")
    tables.reload(DICTIONARIES)
    store = Store(tables.settings, QuestionSettings())
    told = {nodes_max: Profiles(store, "main", now_ms=START_MS, nodes_max=nodes_max) for nodes_max in (3, 5)}
    assert {nodes_max: profiles.look_up(WHO).partial for nodes_max, profiles in told.items()} == {
        3: ["identifiers"],
        5: [],
    }
