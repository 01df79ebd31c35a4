"""Contacts in ClickHouse: the newest version counts, with the person of now, and opt-outs are found by address."""

from datetime import UTC, datetime

import pytest

from schemas.wire.codec import CONTACT, POINTER
from sinks.confirming.opted_out import opted_out
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, contact, pointer


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


def store(tables: Tables, *contacts: bytes) -> None:
    for value in contacts:
        tables.insert("contacts_in", CONTACT, [value], f"contacts-{hash(value)}")


def test_a_contact_is_its_newest_version_whatever_order_they_came_in(tables: Tables) -> None:
    later = contact(101, state="deleted", version=2, changed_at=START_MS + 1, mailer="weekly", origin="api")
    store(tables, later, contact(101))
    assert tables.rows(
        "SELECT address, state, changed_at, mailer, origin, version FROM contacts WHERE contact = 101"
    ) == [("ann101@shop.example", "deleted", moment(START_MS + 1), "weekly", "api", 2)]


def test_a_contact_has_the_person_of_now(tables: Tables) -> None:
    store(tables, contact(201), contact(202))
    tables.insert("pointers_in", POINTER, [pointer(201, 9), pointer(9, 10)], "pointers-201")
    tables.reload(DICTIONARIES)
    assert tables.rows(
        "SELECT contact, profile, profile_id FROM contacts WHERE contact IN (201, 202) ORDER BY contact"
    ) == [(201, 10, f"{10:016x}"), (202, 202, f"{202:016x}")]


def test_who_opted_out_is_found_by_address_also_when_it_was_forgotten(tables: Tables) -> None:
    opt_out = {"kind": "opt_out", "list": "nothing"}
    store(
        tables,
        contact(301),
        contact(302, **opt_out),
        contact(302, kind="opt_out", list="no-spring"),
        contact(303, **opt_out),
        contact(303, **opt_out, state="deleted", version=2),
        contact(304, **opt_out),
        contact(304, **opt_out, address="", version=2),
        contact(305, **opt_out, workspace="other"),
    )
    asked = [301, 302, 303, 304, 305, 302]
    assert opted_out(tables.client, "main", asked) == {302: ["no-spring", "nothing"], 304: ["nothing"]}
    assert opted_out(tables.client, "main", []) == {}


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)
