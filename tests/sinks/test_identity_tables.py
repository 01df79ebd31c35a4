"""What the tables know of people, in a real engine: identifiers, conflicts, and whose an event is."""

import pytest

from schemas.codec import POINTER, RESOLVED_EVENT, encoder
from tests.sinks.stage import START_MS, Tables, event, event_record, pointer, pointer_record


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    return Tables(clickhouse, database)


def test_records_of_an_earlier_version_are_stored_with_what_they_lack_filled_in(tables: Tables) -> None:
    """Ids 1 and 2: the first versions of event and pointer."""
    stated = {"node": 7, "kind": "e", "value": "a@x.org"}
    earlier = encoder(1)(event_record(1) | {"identifiers": [stated]})
    by_hash = {"node": 8, "kind": "e", "value": ""}
    later = event(2, identifiers=[stated, by_hash], claimed=[7, 8])
    tables.insert("events_in", 1, [earlier], "t-0-0-1")
    tables.insert("events_in", RESOLVED_EVENT, [later], "t-0-1-2")
    assert tables.rows("SELECT identifiers.value, identifiers.claimed FROM events ORDER BY raw_offset") == [
        (["a@x.org"], [False]),
        (["a@x.org", ""], [True, True]),
    ]
    assert tables.rows("SELECT node, kind, value, claimed FROM identifiers ORDER BY node, claimed") == [
        (7, "e", "a@x.org", False),
        (7, "e", "a@x.org", True),
        (8, "e", "", True),
    ]
    conflicts = [{"target": 9, "strength": 1, "since": START_MS}]
    tables.insert("pointers_in", 2, [encoder(2)(pointer_record(3, 4))], "p-0-0-1")
    tables.insert("pointers_in", POINTER, [pointer(5, 6, conflicts=conflicts)], "p-0-1-2")
    assert tables.rows(
        "SELECT node, conflicts.target, conflicts.strength FROM identity_pointers ORDER BY node"
    ) == [
        (3, [], []),
        (5, [9], [1]),
    ]
