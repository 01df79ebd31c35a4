"""Segments asked of a real engine: in parts that together are the whole, within memory and time, and what a preview says."""

import json
from typing import Any, cast

import msgspec
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from console.segments.segment_compiler import compile_members
from console.segments.segment_preview import preview
from console.segments.segment_query import (
    MEMORY_LIMIT_EXCEEDED,
    TIMEOUT_EXCEEDED,
    Limits,
    Part,
    ask_members,
    code_of,
    in_parts,
)
from console.segments.segment_scope import Scope
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_sql import plain
from schemas.segments.segment_tree import Inlined, inlined
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, event, pointer

PEOPLE = 600
AT_MS = START_MS + 10_000_000
ANYBODY = Scope()


def segment(where: dict[str, Any], **fields: Any) -> Inlined:
    return inlined(read_segment({"segment": "asked", "where": where, **fields}), {})


ODD = segment(
    {"did": {"event": "Product Viewed", "where": [{"path": "number", "op": "lt", "value": 300}]}},
    people={"known": "any"},
)
ALL = segment({"did": {"event": "Product Viewed"}}, people={"known": "any"})
KNOWN = segment({"not": {"did": {"event": "Order Completed"}}})


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    """PEOPLE devices with an event each; the first hundred belong to users 10,001 and so on."""
    found = Tables(clickhouse, module_database)
    events = [
        event(number, subject=number + 1, properties=json.dumps({"number": number, "plan": "pro"}))
        for number in range(PEOPLE)
    ]
    found.insert("events_in", RESOLVED_EVENT, events, "events")
    owned = [pointer(number + 1, 10_001 + number) for number in range(100)]
    found.insert("pointers_in", POINTER, owned, "pointers")
    found.reload(DICTIONARIES)
    return found


def members(tables: Tables, wanted: list[Inlined], scope: Scope = ANYBODY) -> dict[int, list[int]]:
    return dict(ask_members(tables.client, wanted, AT_MS, scope))


def test_one_pass_says_of_each_profile_in_which_segments_it_is(tables: Tables) -> None:
    found = members(tables, [ODD, KNOWN])
    assert found == {
        **{10_001 + number: [0, 1] for number in range(100)},
        **{number + 1: [0] for number in range(100, 300)},
    }


def test_the_parts_together_are_the_whole(tables: Tables) -> None:
    whole = members(tables, [ODD, KNOWN])
    parts = [members(tables, [ODD, KNOWN], Scope(part=(number, 4))) for number in range(4)]
    assert all(parts)
    assert sum(map(len, parts)) == len(whole)
    assert {profile: found for part in parts for profile, found in part.items()} == whole


def test_the_written_query_says_the_same_from_any_database(tables: Tables) -> None:
    scope = Scope(database=tables.settings.database)
    written = plain(compile_members([ODD, KNOWN], AT_MS, scope))
    found = tables.client.query(written, settings={"database": "default"}).result_rows
    assert {row[0]: row[1] for row in found} == members(tables, [ODD, KNOWN])


def test_only_profiles_and_subjects_in_scope_are_asked(tables: Tables) -> None:
    scope = Scope(subjects="SELECT toUInt64(arrayJoin([7, 150]))", profiles="SELECT toUInt64(150)")
    assert members(tables, [ODD], scope) == {150: [0]}


def too_much(part: Part) -> DatabaseError:
    return DatabaseError(f"Code: {MEMORY_LIMIT_EXCEEDED}. DB::Exception: too much for {part}")


def test_a_part_that_is_too_large_is_halved_until_it_fits() -> None:
    asked = []

    def ask(part: Part) -> Part:
        asked.append(part)
        if part[1] < 4 and part != (1, 2):
            raise too_much(part)
        return part

    assert list(in_parts(ask, 8)) == [(0, 4), (2, 4), (1, 2)]
    assert asked == [(0, 1), (0, 2), (0, 4), (2, 4), (1, 2)]


def test_no_part_is_smaller_than_allowed() -> None:
    asked = []

    def ask(part: Part) -> Part:
        asked.append(part)
        raise too_much(part)

    with pytest.raises(DatabaseError):
        list(in_parts(ask, 4))
    assert asked == [(0, 1), (0, 2), (0, 4)]


def test_a_query_beyond_its_memory_is_asked_in_parts_and_told_as_such(tables: Tables) -> None:
    limits = Limits(memory_bytes_max=1, parts_max=2)
    with pytest.raises(DatabaseError) as raised:
        list(ask_members(tables.client, [ODD], AT_MS, ANYBODY, limits))
    assert code_of(raised.value) == MEMORY_LIMIT_EXCEEDED


BUSY = """\
INSERT INTO events (workspace, message_id, type, event, timestamp, subject, subject_type)
SELECT 'busy', toString(number), 'track', if(number % 2 = 0, 'Asked', 'Answered'),
    fromUnixTimestamp64Milli({start:Int64} + number, 'UTC'), 5000, 'u'
FROM numbers(9001)"""


def test_a_person_of_thousands_of_events_needs_no_memory_for_each_pair_of_them(tables: Tables) -> None:
    """Each question is answered a millisecond later, but for the last."""
    tables.client.command(BUSY, parameters={"start": START_MS})
    scope, limits = Scope(workspace="busy"), Limits(memory_bytes_max=200_000_000, parts_max=1)
    asked = {"did": {"event": "Asked"}, "then_not": {"event": "Answered"}, "within": "1s"}
    unanswered = segment({"absent": asked}, workspace="busy")
    for at_ms, found in ((START_MS + 9_900, []), (START_MS + 10_100, [(5000, [0])])):
        assert list(ask_members(tables.client, [unanswered], at_ms, scope, limits)) == found


def test_a_preview_counts_shows_some_and_says_what_it_cost(tables: Tables) -> None:
    found = preview(tables.client, ODD, AT_MS, ANYBODY, Limits(seconds_max=60))
    assert (found.size, found.low, found.high, found.is_exact, found.parts) == (300, 300, 300, True, 1)
    assert len(found.some) == 10
    assert {int(profile, 16) for profile in found.some} <= members(tables, [ODD]).keys()
    assert found.cost.rows >= PEOPLE
    assert found.cost.bytes > 0
    again = preview(tables.client, ODD, AT_MS, ANYBODY, Limits(seconds_max=60))
    assert again.some == found.some
    assert msgspec.json.decode(msgspec.json.encode(found))["size"] == 300


class TiresOnce:
    """A client whose first query takes too long."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._has_tired = False

    def raw_query(self, *args: Any, **options: Any) -> bytes:
        if not self._has_tired:
            self._has_tired = True
            raise DatabaseError(f"Code: {TIMEOUT_EXCEEDED}. DB::Exception: too long")
        return self._client.raw_query(*args, **options)


def test_a_preview_beyond_its_time_is_an_estimate_from_whole_profiles(tables: Tables) -> None:
    client = cast(Client, TiresOnce(tables.client))
    found = preview(client, ALL, AT_MS, ANYBODY, Limits(seconds_max=60))
    assert not found.is_exact
    assert found.size % 64 == 0
    assert found.low <= PEOPLE <= found.high
    assert found.low <= found.size <= found.high


def test_a_preview_says_how_many_values_were_no_numbers(tables: Tables) -> None:
    """Every event has a number, and the plan `pro`."""
    both = segment(
        {
            "any": [
                {"did": {"event": "Product Viewed", "sum": {"path": "number", "gte": 1}}},
                {"did": {"event": "Product Viewed", "max": {"path": "plan", "gte": 1}}},
            ]
        }
    )
    assert preview(tables.client, both, AT_MS, ANYBODY, Limits()).skipped == {"plan": PEOPLE}
    assert preview(tables.client, ALL, AT_MS, ANYBODY, Limits()).skipped == {}
