"""What profiles and groups have, in a real engine: the last value by event time, typed, within a limit, in any order."""

import json
from random import Random
from typing import Any

import pytest

from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer
from tests.sinks.test_identity_tables import EXAMPLES

LIMIT = 1000
VALUES = {
    "plan": '"pro"',
    "seats": "7",
    "share": "-0.5",
    "huge": "1e300",
    "subscribed": "true",
    "trial": "false",
    "cleared": "null",
    "day": '"2026-03-01"',
    "moment": '"2026-03-01T10:00:00.250+02:00"',
    "no_day": '"2026-02-30"',
    "no_hour": '"2026-03-01T25:00"',
    "digits": '"20260301"',
    "empty": '""',
    "quoted": '"say \\"hi\\"\\n"',
    "assets": '["a",1,null]',
    "home": '{"city":"Bonn"}',
}
KINDS = {
    "plan": ("text", "pro", None, None),
    "seats": ("number", "7", 7.0, None),
    "share": ("number", "-0.5", -0.5, None),
    "huge": ("number", "1e300", 1e300, None),
    "subscribed": ("boolean", "true", None, True),
    "trial": ("boolean", "false", None, False),
    "cleared": ("null", "null", None, None),
    "day": ("date", "2026-03-01", None, None),
    "moment": ("date", "2026-03-01T10:00:00.250+02:00", None, None),
    "no_day": ("text", "2026-02-30", None, None),
    "no_hour": ("text", "2026-03-01T25:00", None, None),
    "digits": ("text", "20260301", None, None),
    "empty": ("text", "", None, None),
    "quoted": ("text", 'say "hi"\n', None, None),
    "assets": ("list", '["a",1,null]', None, None),
    "home": ("object", '{"city":"Bonn"}', None, None),
}


def identify(number: int, traits: str, **fields: Any) -> bytes:
    return event(number, type="identify", event="", traits=traits, **fields)


def group(number: int, group_id: str, subject: int, traits: str, **fields: Any) -> bytes:
    return event(number, type="group", event="", group_id=group_id, subject=subject, traits=traits, **fields)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    """Subjects 1 and 2 are one person, whose profile is 2."""
    tables = Tables(clickhouse, module_database)
    tables.insert("pointers_in", POINTER, [pointer(1, 2)], "p-0-0-1")
    tables.reload(DICTIONARIES)
    return tables


def test_a_trait_has_a_kind_and_columns_to_compare_with(tables: Tables) -> None:
    text = "{" + ",".join(f"{json.dumps(name)}:{value}" for name, value in VALUES.items()) + "}"
    tables.insert("events_in", RESOLVED_EVENT, [identify(1, text, subject=100)], "kinds")
    rows = tables.rows("SELECT name, kind, text, number, boolean FROM profile_traits WHERE profile = 100")
    assert {name: tuple(rest) for name, *rest in rows} == KINDS
    dates = tables.rows("""\
SELECT name, toUnixTimestamp64Milli(assumeNotNull(date)) FROM profile_traits
WHERE profile = 100 AND date IS NOT NULL ORDER BY name""")
    assert dates == [("day", 1_772_323_200_000), ("moment", 1_772_352_000_250)]
    assert tables.rows("SELECT list FROM profile_traits WHERE has(list, 'a')") == [(["a", "1", ""],)]


def test_a_profile_is_found_by_several_traits_at_once(tables: Tables) -> None:
    (asked,) = [sql for sql in EXAMPLES if "name = 'seats'" in sql]
    fits: dict[str, object] = {
        "seats": 6,
        "subscribed": True,
        "trial_ends": "2024-05-01",
        "interests": ["lamps", "chairs"],
    }
    misses: list[dict[str, object]] = [
        {"seats": 5},
        {"seats": "9"},
        {"subscribed": False},
        {"trial_ends": "2190-01-01"},
        {"interests": "chairs"},
    ]
    calls = [identify(n, json.dumps(fits | miss), subject=600 + n) for n, miss in enumerate([{}, *misses])]
    tables.insert("events_in", RESOLVED_EVENT, calls, "several")
    assert tables.rows(asked) == [(f"{600:016x}",)]


def test_traits_from_a_browser_and_from_a_server_merge_by_event_time(tables: Tables) -> None:
    calls = [
        identify(1, '{"b":"browser","both":"browser"}', subject=1, source="shop", timestamp=START_MS + 2000),
        identify(2, '{"s":"server","both":"server"}', subject=2, source="crm", timestamp=START_MS + 1000),
        identify(3, '{"both":"later"}', subject=2, source="crm", timestamp=START_MS + 3000),
    ]
    for number in (2, 0):  # the later one arrives first
        tables.insert("events_in", RESOLVED_EVENT, [calls[number]], f"merge{number}")
    assert traits_of(tables, 2) == {"b": "browser", "both": "later"}
    tables.insert("events_in", RESOLVED_EVENT, [calls[1]], "merge1")
    assert traits_of(tables, 2) == {"b": "browser", "both": "later", "s": "server"}


def traits_of(tables: Tables, profile: int) -> dict[str, str]:
    return dict(tables.rows(f"SELECT name, text FROM profile_traits WHERE profile = {profile:d}"))  # noqa: S608


@pytest.mark.parametrize(("seed", "profile"), [(1, 201), (2, 202), (3, 203)])
def test_beyond_a_thousand_traits_the_later_ones_are_refused_in_any_order_of_arrival(
    tables: Tables, seed: int, profile: int
) -> None:
    """Names are set anew too: what counts is when each was set first. Two are set first at one moment, by name."""
    calls = [(START_MS + n * 10, f"t{n:04}") for n in range(LIMIT - 1)]
    calls += [(START_MS + LIMIT * 10, name) for name in ("tie b", "tie a")]
    calls += [(START_MS + LIMIT * 20 + n, f"t{n * 7:04}") for n in range(100)]
    calls += [(START_MS + LIMIT * 30, "tie b"), (START_MS + LIMIT * 30, "late")]
    events = [
        identify(n, json.dumps({name: n}), timestamp=time, subject=profile, message_id=f"{profile}-{n}")
        for n, (time, name) in enumerate(calls)
    ]
    Random(seed).shuffle(events)  # noqa: S311 - the order of a test
    for start in range(0, len(events), 400):
        tables.insert("events_in", RESOLVED_EVENT, events[start : start + 400], f"many{profile}-{start}")
    refused = tables.rows(
        f"SELECT name, reason, toUnixTimestamp64Milli(first_set) FROM trait_refusals WHERE profile = {profile:d} ORDER BY name"  # noqa: S608
    )
    assert refused == [
        ("late", "too_many_traits", START_MS + LIMIT * 30),
        ("tie b", "too_many_traits", START_MS + LIMIT * 10),
    ]
    kept = traits_of(tables, profile)
    assert set(kept) == {f"t{n:04}" for n in range(LIMIT - 1)} | {"tie a"}
    assert kept["t0007"] == str(LIMIT + 2)
    shown = tables.row(f"SELECT traits FROM profiles WHERE profile_id = '{profile:016x}'")[0]  # noqa: S608
    assert set(json.loads(shown)) == set(kept)


def test_one_call_with_more_traits_than_the_limit_keeps_the_first_by_name(tables: Tables) -> None:
    traits = {f"t{n:04}": n for n in range(LIMIT + 5)}
    tables.insert("events_in", RESOLVED_EVENT, [identify(1, json.dumps(traits), subject=300)], "one")
    refused = tables.rows("SELECT name FROM trait_refusals WHERE profile = 300 ORDER BY name")
    assert refused == [(f"t{n:04}",) for n in range(LIMIT, LIMIT + 5)]
    assert len(traits_of(tables, 300)) == LIMIT


def test_a_group_has_its_last_traits_and_the_people_it_was_named_for(tables: Tables) -> None:
    calls = [
        group(1, "g1", 1, '{"name":"old","seats":3}', timestamp=START_MS),
        group(2, "g1", 2, '{"name":"new"}', timestamp=START_MS + 1000),
        group(3, "g1", 400, "{}", timestamp=START_MS + 2000),
        group(4, "g2", 400, '{"":"no name"}', timestamp=START_MS),
        group(5, "", 400, '{"name":"nobody\'s"}', timestamp=START_MS),
        group(6, "g3", 500, '["no object"]', timestamp=START_MS),
    ]
    for number in (4, 1, 5, 0, 2, 3, 1):  # in no order, and one comes again
        tables.insert("events_in", RESOLVED_EVENT, [calls[number]], f"group{number}")
    found = tables.rows("""\
SELECT group_id, traits, members, toUnixTimestamp64Milli(first_seen), toUnixTimestamp64Milli(last_seen)
FROM groups ORDER BY group_id""")
    assert [(*row[:1], json.loads(row[1]), *row[2:]) for row in found] == [
        ("g1", {"name": "new", "seats": 3}, 2, START_MS, START_MS + 2000),
        ("g2", {}, 1, START_MS, START_MS),
        ("g3", {}, 1, START_MS, START_MS),
    ]
    members = tables.rows("SELECT group_id, profile FROM group_members ORDER BY group_id, profile")
    assert members == [("g1", 2), ("g1", 400), ("g2", 400), ("g3", 500)]
