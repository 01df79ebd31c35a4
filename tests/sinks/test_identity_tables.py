"""What the tables know of people, in a real engine: identifiers, conflicts, and whose an event is."""

import re
import uuid
from pathlib import Path
from typing import Any

import pytest

from runtime.environment.settings import ClickHouseSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT, encoder
from sinks.migrating.functions import function_name
from sinks.migrating.migrations import migrate
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, event_record, pointer, pointer_record

PAGE = (Path(__file__).parents[2] / "docs" / "clickhouse.md").read_text()
EXAMPLES = [
    statement
    for block in re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
    for statement in block.split(";\n")
    if statement.strip()
]
ALIASES = 16  # links of the longest alias chain


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


def function_of(tables: Tables) -> str:
    return function_name(tables.settings.database)


def identifiers(*found: tuple[int, str, str]) -> list[dict[str, Any]]:
    return [{"node": node, "kind": kind, "value": value} for node, kind, value in found]


def insert_events(tables: Tables, *events: bytes) -> None:
    tables.insert("events_in", RESOLVED_EVENT, events, f"e-{uuid.uuid4()}")


def insert_pointers(tables: Tables, *pointers: bytes) -> None:
    tables.insert("pointers_in", POINTER, pointers, f"p-{uuid.uuid4()}")
    tables.reload(DICTIONARIES)


def test_the_function_gives_every_event_the_profile_that_the_view_gives_it(tables: Tables) -> None:
    borders = [(0, 5000, 100), (5000, 6000, 9), (6000, 10**13, 101)]
    segments = [{"valid_from": start, "valid_to": end, "owner": owner} for start, end, owner in borders]
    chain = [pointer(1000 + n, 1001 + n) for n in range(ALIASES)]
    insert_pointers(tables, pointer(9, 9, segments=segments), pointer(100, 1000), *chain)
    subjects = [9, 9, 9, 100, 101, 1000, 1000 + ALIASES // 2, 1000 + ALIASES, 7, 2**63 - 1]
    times = [4999, 5999, 6000, START_MS, START_MS, 0, 1, 2, 3, 4]
    insert_events(
        tables,
        *(event(n, subject=subject, timestamp=times[n]) for n, subject in enumerate(subjects)),
    )
    root = 1000 + ALIASES
    found = tables.rows(
        "SELECT profile, FUNCTION(subject, timestamp) FROM events_resolved "
        "ORDER BY toUInt32(substring(message_id, 2))".replace("FUNCTION", function_of(tables))
    )
    expected = [root, 9, 101, root, 101, root, root, root, 7, 2**63 - 1]
    assert found == [(profile, profile) for profile in expected]


def test_the_function_takes_times_of_either_type(tables: Tables) -> None:
    segments = [
        {"valid_from": 0, "valid_to": 1_000_000, "owner": 5},
        {"valid_from": 1_000_000, "valid_to": 10**13, "owner": 6},
    ]
    insert_pointers(tables, pointer(9, 9, segments=segments))
    of = function_of(tables)
    at = (
        "toDateTime64(999.999, 3, 'UTC')",
        "toDateTime(999, 'UTC')",
        "toDateTime(1000, 'Asia/Tokyo')",
        "now()",
    )
    found = tables.row(f"SELECT {', '.join(f'{of}(toUInt64(9), {time})' for time in at)}")
    assert found == (5, 5, 6, 6)


def test_an_alias_chain_of_sixteen_is_one_profile_with_all_its_ids(tables: Tables) -> None:
    users = range(1000, 1001 + ALIASES)
    insert_pointers(tables, *(pointer(user, user + 1) for user in users[:-1]), pointer(1, users[0]))
    insert_events(
        tables,
        event(0, subject=1, identifiers=identifiers((1, "a", "d1"))),
        *(event(n, subject=n, identifiers=identifiers((n, "u", f"u{n}"))) for n in users),
    )
    assert tables.rows("SELECT profile_id, user_id, anonymous_ids, events FROM profiles") == [
        (f"{users[-1]:016x}", f"u{users[-1]}", ["d1"], len(users) + 1)
    ]


def test_two_databases_have_functions_of_their_own_and_the_default_one_the_plain_name(
    clickhouse: str, tables: Tables
) -> None:
    other = Tables(clickhouse, f"{tables.settings.database}b")
    for database, owner in ((tables, 70), (other, 71)):
        insert_pointers(database, pointer(7, owner))
    asked = [f"{function_of(database)}(toUInt64(7), now())" for database in (tables, other)]
    assert tables.row(f"SELECT {', '.join(asked)}") == (70, 71)
    assert function_name(ClickHouseSettings().database) == "idr_profile"
    other.client.command(f"DROP FUNCTION {function_of(other)}")


def test_a_function_that_the_server_lost_is_there_after_the_next_migration(tables: Tables) -> None:
    name = function_of(tables)
    tables.client.command(f"DROP FUNCTION {name}")
    assert migrate(tables.settings) == []
    assert migrate(tables.settings) == []
    assert tables.row(f"SELECT {name}(toUInt64(7), now())") == (7,)


def test_an_address_known_by_its_hash_alone_is_a_row_and_no_value_of_a_profile(tables: Tables) -> None:
    insert_pointers(tables, pointer(2, 1))
    insert_events(tables, event(1, subject=1, identifiers=identifiers((1, "u", "ann"), (2, "e", ""))))
    assert tables.row("SELECT user_id, emails FROM profiles") == ("ann", [])
    assert tables.row("SELECT count() FROM identifiers WHERE node = 2") == (1,)
    insert_events(tables, event(2, subject=1, identifiers=identifiers((1, "u", "ann"), (2, "e", "a@x.org"))))
    assert tables.row("SELECT user_id, emails FROM profiles") == ("ann", ["a@x.org"])


def test_conflicts_are_told_in_words(tables: Tables) -> None:
    ann, bob, mail, other, contact = 1, 2, 3, 4, 5

    def lost(target: int, strength: int) -> dict[str, Any]:
        return {"conflicts": [{"target": target, "strength": strength, "since": 9_000}]}

    insert_pointers(
        tables,
        pointer(mail, ann, **lost(bob, 1)),
        pointer(other, ann, **lost(bob, 2)),
        pointer(contact, contact, **lost(77, 3)),
    )
    insert_events(
        tables,
        event(1, subject=ann, identifiers=identifiers((ann, "u", "ann"), (mail, "e", "a@x.org"))),
        event(2, subject=bob, identifiers=identifiers((bob, "u", "bob"), (other, "e", "b@x.org"))),
        event(3, subject=contact, identifiers=identifiers((contact, "x", "contact_id:c1"), (mail, "e", ""))),
    )
    found = tables.rows(
        """SELECT kind, value, other_kind, other_value, profile_id, other_profile_id, link, reason,
                  toUnixTimestamp64Milli(since)
           FROM conflicts ORDER BY since, value"""
    )
    reasons = {row[:4]: row[4:] for row in found}
    theirs = "it is ann's, by an earlier link or a stronger one"
    owners = f"{ann:016x}", f"{bob:016x}"
    assert reasons.pop(("e", "a@x.org", "u", "bob")) == (*owners, "asserted", theirs, 9_000)
    assert reasons.pop(("e", "b@x.org", "u", "bob")) == (*owners, "claimed by a link", theirs, 9_000)
    alone = "another identifier of that type had an earlier link or a stronger one"
    assert reasons.pop(("x", "contact_id:c1", "", "")) == (
        f"{contact:016x}",
        f"{77:016x}",
        "derived",
        alone,
        9_000,
    )
    assert reasons == {}
    insert_pointers(tables, pointer(bob, ann))  # an alias: what lost is one person now
    assert tables.row("SELECT count() FROM conflicts") == (1,)


def test_an_identifier_of_more_than_two_hundred_devices_in_a_day_is_reported(tables: Tables) -> None:
    user, mail, kiosk = (1, "u", "ann"), (2, "e", "a@x.org"), (3, "x", "contact_id:k")
    day_ms = 86_400_000

    def seen(number: int, device: int, time: int, *found: tuple[int, str, str]) -> bytes:
        named = identifiers(*found, (device, "a", f"d{device}"))
        return event(number, subject=found[0][0], timestamp=time, identifiers=named)

    busy = [seen(n, 1000 + n, 30 * day_ms + n, kiosk, mail) for n in range(201)]
    spread = [seen(300 + n, 1000 + n, n % 2 * day_ms, user) for n in range(400)]
    often = [seen(800 + n, 1000 + n % 200, 40 * day_ms + n, user) for n in range(500)]
    insert_events(tables, *busy, *spread, *often)
    assert tables.rows(
        "SELECT toString(day), kind, value, profile_id, devices, events FROM shared_ids ORDER BY kind"
    ) == [
        ("1970-01-31", "e", "a@x.org", f"{2:016x}", 201, 201),
        ("1970-01-31", "x", "contact_id:k", f"{3:016x}", 201, 201),
    ]


def test_the_sql_of_the_page_on_clickhouse_is_answered(tables: Tables) -> None:
    assert EXAMPLES
    for statement in EXAMPLES:
        tables.rows(statement.replace("idr_profile(", f"{function_of(tables)}("))
