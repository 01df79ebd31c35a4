"""The tables and views in a real engine: what counts once, what survives poison, who is whom."""

import json
import random
from typing import Any

import pytest

from schemas.wire.codec import (
    DEAD_LETTER,
    LEDGER_ENTRY,
    POINTER,
    RESOLVED_EVENT,
    encode_dead_letter,
    encode_ledger_entry,
)
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

MONTH_MS = 30 * 86_400_000

# No JSON for the parser, or JSON that a column of paths cannot hold: none may stop a block, all are kept as text.
POISON = {
    "a number beyond any float": '{"a":1e400}',
    "half a surrogate pair": '{"a":"\\ud83d"}',
    "half a pair as a key": '{"\\udc00":1}',
    "nesting beyond the parser": '{"a":' * 3000 + "1" + "}" * 3000,
    "lists beyond the parser": '{"a":' + "[" * 3000 + "]" * 3000 + "}",
    "lists deeper than the column may see": '{"a":' + "[" * 10 + "]" * 10 + "}",
    "objects deeper than the column may see": '{"a":' * 11 + "1" + "}" * 11,
    "lists too deep, brackets in texts beside them": '{"[":"]]]\\"]]","a":' + "[" * 10 + "]" * 10 + "}",
    "cut off": '{"a":',
    "no object": "[1]",
    "a control character": '{"a":"\x01"}',
    "not a number": '{"a":NaN}',
    "words behind": '{"a":1} b',
}
STRANGE = {
    "the same key twice": ('{"a":1,"a":2}', {"a": 1}),
    "a dotted key and the path it looks like": ('{"a.b":1,"a":{"b":2}}', {"a": {"b": 1}}),
    "an integer beyond 64 bits": (f'{{"a":{10**40}}}', {"a": str(10**40)}),
    "the largest unsigned": ('{"a":18446744073709551615}', {"a": 2**64 - 1}),
    "NUL in a text": ('{"a":"x\\u0000y"}', {"a": "x\0y"}),
    "an empty key": ('{"":1}', {"": 1}),
    "a mixed list": ('{"a":[1,"x",null,{"z":1}]}', {"a": [1, "x", None, {"z": 1}]}),
    "deep but readable": ('{"a":' * 10 + "1" + "}" * 10, None),
    "many brackets side by side": ('{"a":[' + "[{}]," * 500 + "[7]]}", None),
    "brackets in texts": (json.dumps({"a": "[" * 500, "b": '{"' * 500}), {"a": "[" * 500, "b": '{"' * 500}),
    "thousands of keys": (json.dumps({f"k{n}": n for n in range(3000)}), {f"k{n}": n for n in range(3000)}),
    "what looks like a time": (
        '{"a":"2024-01-01T00:00:00Z","b":"2024-01-01"}',
        {"a": "2024-01-01T00:00:00Z", "b": "2024-01-01"},
    ),
    "one path as a number": ('{"mixed":1}', {"mixed": 1}),
    "the same path as a text": ('{"mixed":"x"}', {"mixed": "x"}),
    "the same path as an object": ('{"mixed":{"x":true}}', {"mixed": {"x": True}}),
}


PROFILES_SQL = """\
SELECT profile_id, user_id, emails, anonymous_ids, traits,
       toUnixTimestamp64Milli(first_seen), toUnixTimestamp64Milli(last_seen), events
FROM profiles"""

WHOLE_SQL = """\
SELECT count() FROM events WHERE type = 'track' AND properties.number = raw_offset AND properties.plan = 'pro'"""


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    return Tables(clickhouse, database)


def counts(tables: Tables) -> tuple[Any, ...]:
    return tables.row(
        "SELECT (SELECT count() FROM events), (SELECT count() FROM identifiers), (SELECT count() FROM traits)"
    )


def test_a_block_inserted_again_adds_nothing_to_any_table(tables: Tables) -> None:
    block = [event(n, type="identify", traits='{"plan":"pro","n":1}') for n in range(500)]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-500")
    first = counts(tables)
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-500")
    assert counts(tables) == first == (500, 50, 1000)


def test_a_block_over_thirty_years_of_months_is_one_block(tables: Tables) -> None:
    block = [event(n, timestamp=1_270_000_000_000 + n * MONTH_MS) for n in range(360)]
    for _ in range(2):
        tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-360")
    assert tables.row(
        "SELECT count(), uniqExact(message_id), count(DISTINCT _partition_id) > 300 FROM events"
    ) == (
        360,
        360,
        True,
    )


def test_mad_clocks_share_one_partition_and_stop_nothing(tables: Tables) -> None:
    times = [2**63 - 1, -(2**63), -1, 0, 10**15, 10**17, -(10**15), 253_402_300_800_000]
    block = [event(n, timestamp=time, received_at=time, sent_at=time) for n, time in enumerate(times)]
    for _ in range(2):
        tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-8")
    found = tables.row("SELECT count(), count(DISTINCT profile_id) FROM events_resolved")
    assert found == (len(times), len(times))
    assert tables.row("SELECT count(DISTINCT _partition_id) FROM events") == (1,)


@pytest.mark.parametrize("field", ["properties", "traits", "context", "integrations", "envelope"])
def test_poison_in_a_json_field_stops_no_block(tables: Tables, field: str) -> None:
    texts = [*POISON.values(), *(text for text, _ in STRANGE.values())]
    poisoned = [event(2 * n, type="identify", **{field: text}) for n, text in enumerate(texts)]
    neighbours = [event(2 * n + 1) for n in range(len(texts))]
    block = [value for pair in zip(poisoned, neighbours, strict=True) for value in pair]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-9")
    assert tables.row("SELECT count() FROM events") == (len(block),)
    assert tables.row(WHOLE_SQL) == (len(texts),)


def test_properties_that_a_json_column_cannot_hold_are_kept_as_text(tables: Tables) -> None:
    block = [event(n, event=name, properties=text) for n, (name, text) in enumerate(POISON.items())]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-9")
    found = tables.rows("SELECT event, properties_text, toString(properties) FROM events_resolved")
    assert sorted(found) == sorted((name, text, "{}") for name, text in POISON.items())


@pytest.mark.parametrize("depth", [9, 10, 150, 900])
def test_deep_lists_stop_no_block_that_has_more_paths_than_the_column_has_places(
    tables: Tables, depth: int
) -> None:
    """A path without a place of its own is stored with the name of its type, and read back with the parser of queries."""
    texts = [
        json.dumps({f"k{n:04}": n for n in range(1000)}),
        '{"z":' + "[" * depth + "1" + "]" * depth + "}",
    ]
    block = [event(n, event=f"e{n}", properties=text) for n, text in enumerate(texts)]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-2")
    found = tables.row("SELECT toString(properties), properties_text FROM events_resolved WHERE event = 'e1'")
    assert found == ((texts[1], "") if depth <= 9 else ("{}", texts[1]))


def test_strange_properties_are_held_as_json(tables: Tables) -> None:
    block = [event(n, event=name, properties=text) for n, (name, (text, _)) in enumerate(STRANGE.items())]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-9")
    found = tables.rows("SELECT event, toString(properties), properties_text FROM events_resolved")
    assert {name: json.loads(text) for name, text, _ in found if STRANGE[name][1] is not None} == {
        name: expected for name, (_, expected) in STRANGE.items() if expected is not None
    }
    assert {rest for _, _, rest in found} == {""}


def test_identical_dead_letters_both_count_and_the_ledger_adds_up(tables: Tables) -> None:
    letter = encode_dead_letter(
        dict.fromkeys(("workspace", "source", "stage", "reason", "detail", "fingerprint", "message_id"), "x")
        | {
            "received_at": START_MS,
            "payload": b"\x00\xff",
            "raw_partition": -1,
            "raw_offset": 0,
            "raw_index": 0,
        }
    )
    entries = [
        encode_ledger_entry(
            {
                "workspace": "w",
                "source": "s",
                "stage": "resolve",
                "minute": START_MS,
                "outcome": outcome,
                "events": n,
            }
        )
        for n in range(100)
        for outcome in ("resolved", "duplicate")
    ]
    for _ in range(2):
        tables.insert("dead_letters_in", DEAD_LETTER, [letter, letter], "d-0-0-2")
        tables.insert("ledger_in", LEDGER_ENTRY, entries, "l-0-0-200")
    tables.insert("ledger_in", LEDGER_ENTRY, entries, "l-0-200-400")
    assert tables.row("SELECT count(), any(hex(payload)) FROM dead_letters") == (2, "00FF")
    assert tables.rows("SELECT outcome, sum(events) FROM ledger GROUP BY outcome ORDER BY outcome") == [
        ("duplicate", 9900),
        ("resolved", 9900),
    ]


def profile_of(tables: Tables, subjects: dict[str, int]) -> dict[str, int]:
    found = tables.rows("SELECT message_id, profile_id FROM events_resolved")
    return {name: int(profile, 16) for name, profile in found if name in subjects}


def test_pointers_shuffled_and_doubled_map_every_event_to_its_root(tables: Tables) -> None:
    chain = [pointer(1000 + n, 1001 + n) for n in range(16)]
    changed = [pointer(1, 500, 1), pointer(1, 501, 2), pointer(2, 77, 5), pointer(2, 2, 6, is_deleted=True)]
    top = pointer(2**63 - 1, 2**63 - 2)
    values = [*chain, *changed, top] * 2
    random.Random(7).shuffle(values)  # noqa: S311 - any order will do, the same in every run
    for n, value in enumerate(values):
        tables.insert("pointers_in", POINTER, [value], f"p-0-{n}-{n + 1}")
    subjects = {
        "start": 1000,
        "middle": 1008,
        "end": 1016,
        "changed": 1,
        "deleted": 2,
        "alone": 3,
        "top": 2**63 - 1,
    }
    block = [event(n, message_id=name, subject=node) for n, (name, node) in enumerate(subjects.items())]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-7")
    tables.reload(DICTIONARIES)
    assert profile_of(tables, subjects) == {
        "start": 1016,
        "middle": 1016,
        "end": 1016,
        "changed": 501,
        "deleted": 2,
        "alone": 3,
        "top": 2**63 - 2,
    }


def test_a_contested_device_belongs_to_whoever_had_it_at_the_time(tables: Tables) -> None:
    borders = [(0, 5000, 100), (5000, 6000, 9), (6000, 10**13, 101)]
    segments = [{"valid_from": start, "valid_to": end, "owner": owner} for start, end, owner in borders]
    pointers = [pointer(9, 9, 3, segments=segments), pointer(100, 102)]
    tables.insert("pointers_in", POINTER, pointers, "p-0-0-2")
    times = {0: 102, 4999: 102, 5000: 9, 5999: 9, 6000: 101, START_MS: 101}
    block = [event(n, message_id=str(time), subject=9, timestamp=time) for n, time in enumerate(times)]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-6")
    tables.reload(DICTIONARIES)
    assert profile_of(tables, {str(time): 9 for time in times}) == {
        str(time): root for time, root in times.items()
    }
    later = [pointer(9, 101, 4)]
    tables.insert("pointers_in", POINTER, later, "p-0-2-3")
    tables.reload(DICTIONARIES)
    assert set(profile_of(tables, {str(time): 9 for time in times}).values()) == {101}


def test_a_profile_shows_its_ids_and_the_last_value_of_each_trait(tables: Tables) -> None:
    device, address, user = 11, 12, 13
    segments = [
        {"valid_from": 0, "valid_to": 6000, "owner": user},
        {"valid_from": 6000, "valid_to": 10**13, "owner": 99},
    ]
    tables.insert(
        "pointers_in", POINTER, [pointer(address, user), pointer(15, 15, segments=segments)], "p-0-0-2"
    )
    ids = [
        {"node": user, "kind": "u", "value": "u1"},
        {"node": address, "kind": "e", "value": "a@x.org"},
        {"node": 15, "kind": "a", "value": "shared"},
    ]
    identify: dict[str, Any] = {"type": "identify", "event": "", "subject": user, "user_id": "u1"}
    block = [
        event(1, **identify, timestamp=5000, traits='{"plan":"new","x/\\"y":[1,null]}', identifiers=ids),
        event(2, **identify, timestamp=1000, traits='{"plan":"old","since":1}', identifiers=ids[:1]),
        event(3, **identify, timestamp=5000, traits='{"plan":"tie"}', identifiers=[]),
        event(4, timestamp=2000, subject=address, identifiers=[]),
        event(5, timestamp=9000, subject=15, identifiers=ids[2:]),
        event(6, timestamp=3000, type="group", traits='{"plan":"group"}', subject=user, identifiers=[]),
        event(7, timestamp=1, subject=device, identifiers=[{"node": device, "kind": "a", "value": "own"}]),
    ]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-7")
    tables.reload(DICTIONARIES)
    found = {row[0]: row[1:] for row in tables.rows(PROFILES_SQL)}
    assert set(found) == {f"{node:016x}" for node in (device, user, 99)}
    user_id, emails, devices, traits, *span = found[f"{user:016x}"]
    assert (user_id, emails, devices, span) == ("u1", ["a@x.org"], ["shared"], [1000, 5000, 5])
    assert json.loads(traits) == {"plan": "tie", "since": 1, 'x/"y': [1, None]}
    assert found[f"{99:016x}"][:3] == ("", [], ["shared"])
    assert found[f"{device:016x}"] == ("", [], ["own"], "{}", 1, 1, 1)


def test_two_databases_on_one_server_have_people_of_their_own(clickhouse: str, database: str) -> None:
    here, there = Tables(clickhouse, database), Tables(clickhouse, f"{database}b")
    for tables, owner in ((here, 70), (there, 71)):
        tables.insert("pointers_in", POINTER, [pointer(7, owner)], "p-0-0-1")
        tables.insert("events_in", RESOLVED_EVENT, [event(1, subject=7)], "t-0-0-1")
        tables.reload(DICTIONARIES)
    assert profile_of(here, {"m1": 7}) == {"m1": 70}
    assert profile_of(there, {"m1": 7}) == {"m1": 71}


def test_the_view_of_events_has_the_columns_of_the_contract(tables: Tables) -> None:
    found = {row[0]: row[1] for row in tables.rows("DESCRIBE TABLE events_resolved")}
    times = ["timestamp", "received_at", "sent_at", "original_timestamp"]
    assert {found[name] for name in times} == {"DateTime64(3, 'UTC')"}
    assert (found["subject"], found["properties"][:4]) == ("UInt64", "JSON")
    tables.insert("events_in", RESOLVED_EVENT, [event(3, raw_partition=2, raw_index=4)], "t-0-0-1")
    assert tables.row("SELECT lineage, profile_id, source FROM events_resolved") == (
        "2:3:4",
        f"{4:016x}",
        "dev",
    )
