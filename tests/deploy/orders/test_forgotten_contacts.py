"""Forgetting somebody's addresses on lists, in a real ClickHouse: what stands in clear goes, an opt-out stays as a hash."""

from collections.abc import Iterator

import pytest

from deploy.orders.deletion import delete, would_delete
from deploy.orders.plan import Plan
from deploy.orders.residue import LISTED, search
from deploy.orders.tables import Named, Tables
from schemas.identity.orders import Erase
from schemas.wire.codec import CONTACT
from sinks.confirming.opted_out import opted_out
from tests.sinks.stage import START_MS, contact
from tests.sinks.stage import Tables as Stage

EMAIL, BOB = 102, 104
ADDRESS = "ann@mail.example"
NOW = START_MS + 10_000
PLAN = Plan(
    by=f"forget/{EMAIL:016x}-{NOW}",
    until=NOW,
    nodes=frozenset({EMAIL}),
    erasures=(Erase(EMAIL, 0, NOW),),
    orders=(),
)
VALUES = [Named("e", ADDRESS, EMAIL)]


@pytest.fixture
def tables(clickhouse: str, database: str) -> Iterator[Tables]:
    stage = Stage(clickhouse, database)
    ann = {"contact": EMAIL, "address": ADDRESS}
    opt_out = {"list": "nothing", "kind": "opt_out"}
    contacts = [
        contact(1, **ann),
        contact(2, **ann, **opt_out),
        contact(3, **ann, list="late", changed_at=NOW + 1),
        contact(BOB),
        contact(4, **ann, workspace="second"),
    ]
    stage.insert("contacts_in", CONTACT, contacts, "t1")
    blank = contact(5, **ann | {"address": ""}, **opt_out, version=2)
    stage.insert("contacts_in", CONTACT, [blank], "t2")
    yield Tables(stage.client, "main", delete_timeout_s=60)
    stage.client.close()


def test_addresses_of_the_forgotten_time_go_and_an_opt_out_stays_as_a_hash(tables: Tables) -> None:
    would = would_delete(tables, [PLAN], VALUES)
    assert would["contact_list_members"] == 2
    assert delete(tables, PLAN, VALUES) == would
    contacts = "SELECT workspace, list, address FROM contact_list_members FINAL ORDER BY ALL"
    assert tables.ask(contacts) == [
        ("main", "late", ADDRESS),
        ("main", "news", f"ann{BOB}@shop.example"),
        ("main", "nothing", ""),
        ("second", "news", ADDRESS),
    ]
    assert opted_out(tables.client, "main", [EMAIL]) == {EMAIL: ["nothing"]}
    left = search(tables, VALUES, frozenset({EMAIL}))
    assert {(found.table, found.why) for found in left} == {("contact_list_members", LISTED)}
    assert delete(tables, PLAN, VALUES)["contact_list_members"] == 0
