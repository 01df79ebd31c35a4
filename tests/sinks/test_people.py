"""Whose an event is, asked of a real engine: what the oracle says, though pointers come in any order and twice.

And people change by inserts alone: no stored row is rewritten for it.
"""

from random import Random

import pytest

from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.migrating.functions import function_name
from sinks.storing.tables import DICTIONARIES
from tests.processors.driver import Pipeline, profile_of_node
from tests.processors.oracle import Oracle, Ruling
from tests.sinks.histories import history
from tests.sinks.stage import Tables

HISTORIES = 60
MUTATIONS = "SELECT mutation_id FROM system.mutations WHERE database = currentDatabase() ORDER BY mutation_id"
BY_FUNCTION = "SELECT message_id, lower(leftPad(hex(FUNCTION(subject, timestamp)), 16, '0')) FROM events"


@pytest.mark.parametrize("seed", [1, 2])
def test_every_event_has_the_profile_that_the_oracle_says_and_nothing_is_ever_rewritten(
    clickhouse: str, database: str, seed: int
) -> None:
    random = Random(seed)  # noqa: S311 - the order of a test
    visits = [visit for number in range(HISTORIES) for visit in history(number * seed)]
    orders = [
        Ruling("unlink", ("a", f"d1{number * seed}"), ("u", f"ann{number * seed}")) for number in (3, 5, 7)
    ]
    oracle = Oracle(visits, orders)
    pipeline = Pipeline(4, seed)
    for start in range(0, len(visits), 50):  # so that people are found, split and joined on the way
        pipeline.visit([*visits[start : start + 50], *(orders if start == 100 else [])])
    tables = Tables(clickhouse, database)
    before = tables.rows(MUTATIONS)  # those of the migrations
    tables.insert("events_in", RESOLVED_EVENT, pipeline.values["events.resolved"], "e")
    pointers = pipeline.values["identity.pointers"] * 2
    random.shuffle(pointers)
    for start in range(0, len(pointers), 400):
        tables.insert("pointers_in", POINTER, pointers[start : start + 400], f"p{start}")
        tables.reload(DICTIONARIES)
    found = dict(tables.rows("SELECT message_id, profile_id FROM events_resolved"))
    assert found == {visit.id: profile_of_node(oracle.profile(visit)) for visit in visits}
    assert dict(tables.rows(BY_FUNCTION.replace("FUNCTION", function_name(database)))) == found
    assert len(set(found.values())) < len(pipeline.pointers)
    assert tables.rows(MUTATIONS) == before
