"""Deletion in a real ClickHouse: exactly the rows of a plan, accounted for once, and a search that says what is left and why."""

from typing import Any

import msgspec
import pytest

from deploy.orders.deletion import announce, delete, would_delete
from deploy.orders.events import are_stated, facts_after
from deploy.orders.people import Pointer, Segment
from deploy.orders.plan import Company
from deploy.orders.residue import LATER, LETTER, NAMED, OTHERS, OWN_NAME, UNEXPLAINED, search
from deploy.orders.tables import Named, Tables
from processors.identity.facts import ASSERTED, Fact
from schemas.identity.identifiers import hash_email
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from schemas.wire.stamps import Item
from tests.deploy.orders.forgotten import (
    ANN,
    BEFORE,
    BOB,
    EMAIL,
    LATE,
    NAMES,
    NOW,
    PLAN,
    TABLET,
    VALUES,
    happened,
)
from tests.sinks.stage import Tables as Stage
from tests.sinks.stage import pointer


def test_the_next_refresh_of_segments_is_told_who_was_forgotten(tables: Tables) -> None:
    marks = "SELECT DISTINCT profile, toYear(forgotten_at) = 2299 FROM segment_forgotten ORDER BY profile"
    announce(tables, [PLAN])
    assert tables.ask(marks) == [(ANN, 1), (EMAIL, 1), (TABLET, 1)], "it is under way"
    delete(tables, PLAN, VALUES)
    assert tables.ask(marks) == [(ANN, 0), (EMAIL, 0), (TABLET, 0)], "it is done"


STATED = {
    "device": "subject, anonymous_id, count() FROM events WHERE true",
    "trait": "subject, toString(name), 0 FROM traits WHERE true",
    "name": "node, value, 0 FROM identifiers WHERE value != ''",
}


def stored(tables: Tables, table: str = "events") -> list[str]:
    return [row[0] for row in tables.ask(f"SELECT message_id FROM {table} ORDER BY message_id")]  # noqa: S608 - ours


def test_exactly_the_rows_of_a_plan_go_and_are_accounted_for_once(tables: Tables) -> None:
    would = would_delete(tables, [PLAN], VALUES)
    twice = (
        "events",
        "subject_events",
        "traits",
        "dead_letters",
        "firing_states",
        "delivery_attempts",
        "subjects",
        "identifiers",
    )
    assert would == dict.fromkeys(twice, 2) | {
        "subject_details": 6,  # two devices, two traits, two names
        "group_traits": 0,
        "cart_states": 1,
        "contact_list_members": 0,
        "lists": 1,
    }
    assert delete(tables, PLAN, VALUES) == would
    assert stored(tables) == ["m3", "m4", "m5", "m6"], "later ones, other people's, other workspaces' stay"
    assert stored(tables, "subject_events") == stored(tables), (
        "no journey shows what is gone, or lacks what stays"
    )
    assert delete(tables, PLAN, VALUES) == dict.fromkeys(would, 0) | {
        "subjects": 2,
        "subject_details": 4,  # devices of later events, and the names that they name again
        "identifiers": 2,
    }
    for table in ("firing_states", "delivery_attempts"):
        kept = tables.ask(f"SELECT right(firing_id, 1) FROM {table} ORDER BY firing_id")  # noqa: S608 - ours
        assert kept == [("3",), ("4",), ("5",)], (
            "of a later event, of Bob, of a device that was Bob's by then"
        )
    listed = tables.ask("SELECT workspace, list, node FROM lists ORDER BY ALL")
    assert listed == [("main", "b", TABLET), ("main", "vip", BOB), ("second", "vip", ANN)]
    ledger = "SELECT sum(events) FROM ledger WHERE stage = 'forget' AND outcome = 'forgotten'"
    assert tables.ask(ledger) == [(3,)], "two events, and a letter that had been counted as dead"
    named = tables.ask(
        "SELECT kind, value FROM identifiers FINAL WHERE workspace = 'main' ORDER BY kind, value"
    )
    assert [tuple(row) for row in named] == sorted(NAMES.values()), "a later event names the person again"
    seen = "SELECT subject, human_first_seen FROM subjects FINAL WHERE workspace = 'main' ORDER BY subject"
    events = "SELECT subject, min(timestamp) FROM events WHERE workspace = 'main' GROUP BY subject ORDER BY subject"
    assert tables.ask(seen) == tables.ask(events), "when somebody was seen is what the events left say"
    for part, stated in STATED.items():
        told = f"""SELECT subject, name, sum(events) FROM subject_details
            WHERE workspace = 'main' AND part = '{part}' GROUP BY ALL ORDER BY ALL"""  # noqa: S608 - ours
        found = tables.ask(f"SELECT {stated} AND workspace = 'main' GROUP BY ALL ORDER BY ALL")
        assert tables.ask(told) == found, f"what is told of somebody is what is left: {part}"


def test_a_row_that_a_newer_one_has_replaced_goes_too(tables: Tables) -> None:
    tables.client.insert(
        "cart_states",
        [["main", 77, "anns-phone", ANN, 1]],
        column_names=["workspace", "cart", "cart_id", "subject", "version"],
    )
    tables.client.insert(
        "cart_states",
        [["main", 77, 2]],
        column_names=["workspace", "cart", "version"],
        settings={"async_insert": 0},
    )
    delete(tables, PLAN, VALUES)
    assert tables.ask("SELECT count() FROM cart_states WHERE cart_id = 'anns-phone'") == [(0,)]


def test_a_run_that_was_cut_off_before_its_deletions_is_accounted_for_once(tables: Tables) -> None:
    class CutOff(Exception):
        pass

    class Refusing(Tables):
        def delete(self, table: str, condition: str) -> None:
            raise CutOff

    with pytest.raises(CutOff):
        delete(Refusing(tables.client, "main", delete_timeout_s=60), PLAN, VALUES)
    delete(tables, PLAN, VALUES)
    assert tables.ask("SELECT sum(events) FROM ledger WHERE stage = 'forget'") == [(3,)]


def test_what_is_left_is_told_with_its_place_and_why(tables: Tables) -> None:
    delete(tables, PLAN, VALUES)
    left = {
        (found.table, found.column, found.node, found.why) for found in search(tables, VALUES, PLAN.nodes)
    }
    address, user = f"{EMAIL:016x}", f"{ANN:016x}"
    assert ("events", "envelope", address, OTHERS) in left
    assert ("events", "envelope", user, LATER) in left
    assert ("identifiers", "value", user, NAMED) in left
    assert ("dead_letters", "payload", user, LETTER) in left
    assert {why for *_, why in left} == {OTHERS, LATER, NAMED, LETTER}


def test_one_of_a_thousand_identifiers_that_is_left_is_found(tables: Tables) -> None:
    """Patterns are asked for those alone whose words are there: two passes look for words, and none but theirs for values."""
    asked: list[str] = []

    class Noting(Tables):
        def ask(self, sql: str, **parameters: object) -> list[Any]:
            asked.append(sql)
            return super().ask(sql, **parameters)

    delete(tables, PLAN, VALUES)
    many = [Named("a", f"device{number:04d}x", number) for number in range(400)]
    noting = Noting(tables.client, "main", delete_timeout_s=60)
    found = search(noting, [*many, *VALUES], PLAN.nodes)
    assert found == search(tables, VALUES, PLAN.nodes) != []
    with_patterns = {sql.rpartition(" FROM ")[2].split()[0] for sql in asked if "match(" in sql}
    assert (
        {each.table for each in found}
        <= with_patterns
        < {sql.rpartition(" FROM ")[2].split()[0] for sql in asked}
    )
    assert not any("{v20:" in sql for sql in asked)


def test_what_a_person_said_of_groups_goes_with_them(tables: Tables, clickhouse: str, database: str) -> None:
    calls = [
        happened(
            number,
            node,
            time=time,
            type="group",
            event="",
            group_id="g",
            traits=f'{{"by":"{NAMES[node][1]}"}}',
        )
        for number, (node, time) in enumerate([(ANN, BEFORE), (BOB, BEFORE), (ANN, LATE)], 20)
    ]
    Stage(clickhouse, database).insert("events_in", RESOLVED_EVENT, calls, "groups")
    assert delete(tables, PLAN, VALUES)["group_traits"] == 2, "the call and its one trait"
    assert tables.ask("SELECT DISTINCT message_id FROM group_traits ORDER BY message_id") == [
        ("m21",),
        ("m22",),
    ]
    left = {
        (found.column, found.why)
        for found in search(tables, VALUES, PLAN.nodes)
        if found.table == "group_traits"
    }
    assert left == {("value", LATER)}


def test_the_search_looks_into_what_was_stamped(tables: Tables, clickhouse: str, database: str) -> None:
    page = '{"page":{"url":"https://shop.example/?to=ann@mail.example"}}'
    item = msgspec.structs.asdict(Item()) | {"name": "for ann@mail.example"}
    block = [happened(30, BOB, context=page, items=[item])]
    Stage(clickhouse, database).insert("events_in", RESOLVED_EVENT, block, "stamped")
    left = {(found.column, found.why) for found in search(tables, VALUES, PLAN.nodes)}
    assert {("page", OTHERS), ("items", OTHERS)} <= left


def test_a_mutation_names_nobody(tables: Tables) -> None:
    delete(tables, PLAN, VALUES)
    commands = tables.ask("SELECT command FROM system.mutations WHERE database = currentDatabase()")
    told = " ".join(command for (command,) in commands)
    assert "DELETE" in told
    assert [value for _, value in NAMES.values() if value in told] == []


def test_rows_of_pointers_and_company_are_read_whole(tables: Tables, clickhouse: str, database: str) -> None:
    stage = Stage(clickhouse, database)
    segments = [
        {"valid_from": 0, "valid_to": 100, "owner": ANN},
        {"valid_from": 100, "valid_to": 200, "owner": BOB},
    ]
    conflicts = [{"target": BOB, "strength": 1, "since": 5}]
    rows = [
        pointer(TABLET, TABLET, segments=segments, conflicts=[]),
        pointer(EMAIL, ANN, conflicts=conflicts),
    ]
    stage.insert("pointers_in", POINTER, rows, "p1")
    device = Pointer(node=TABLET, owner=TABLET, segments=(Segment(0, 100, ANN), Segment(100, 200, BOB)))
    address = Pointer(node=EMAIL, owner=ANN, conflicts=(BOB,))
    assert tables.pointers_of([TABLET, EMAIL]) == [address, device]
    assert tables.pointers_to([BOB]) == [address, device]
    assert tables.pointers_to([TABLET]) == []
    assert tables.company_of([ANN]) == [Company({ANN: "u", EMAIL: "e"})]
    stage.client.close()


def test_whom_an_alias_speaks_of_is_company_of_both(tables: Tables, clickhouse: str, database: str) -> None:
    stage = Stage(clickhouse, database)
    rows = [
        happened(7, BOB, type="alias", previous_id="tablet-1"),
        happened(8, BOB, type="alias", previous_id="ann-1"),
    ]
    stage.insert("events_in", RESOLVED_EVENT, rows, "a1")
    on_tablet, of_ann = Company({BOB: "u", TABLET: "a"}), Company({BOB: "u", ANN: "u"})
    assert on_tablet in tables.company_of([BOB])
    assert tables.company_of([TABLET]) == [on_tablet]
    assert of_ann in tables.company_of([ANN])
    stage.client.close()


def test_an_identifier_that_is_called_like_a_workspace_is_no_find_without_a_reason(tables: Tables) -> None:
    delete(tables, PLAN, VALUES)
    left = search(tables, [Named("u", "main", ANN)], PLAN.nodes)
    assert OWN_NAME in {found.why for found in left if found.table == "ledger"}
    assert UNEXPLAINED not in {found.why for found in left}


def test_links_of_later_events_are_told_again(tables: Tables) -> None:
    user, address = b"main|u:ann-1", f"main|e:{hash_email('ann@mail.example')}".encode()
    assert facts_after(tables, [ANN, EMAIL], NOW) == [Fact(address, user, LATE, ASSERTED, False)]
    assert are_stated(tables, ANN, EMAIL)
    assert not are_stated(tables, ANN, TABLET)
