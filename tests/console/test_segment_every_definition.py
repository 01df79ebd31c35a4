"""Whatever a definition may say can be asked: no tree that is taken makes a query that ClickHouse refuses."""

from collections.abc import Iterator
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from console.segments.segment_query import ask_members
from console.segments.segment_scope import Scope
from runtime.clickhouse import connect
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import inlined, key_of
from schemas.wire.codec import RESOLVED_EVENT
from tests.schemas.segment_definitions import SLUGS, WHERE
from tests.sinks.stage import START_MS, Tables, event

USED = {key_of("main", name): read_segment({"segment": name, "where": {"in_list": name}}) for name in SLUGS}


@pytest.fixture(scope="module")
def client(clickhouse: str, module_database: str) -> Iterator[Client]:
    tables = Tables(clickhouse, module_database)
    tables.insert("events_in", RESOLVED_EVENT, [event(number, event="A") for number in range(5)], "t1")
    tables.client.close()
    client = connect(tables.settings, has_long_values=True)
    yield client
    client.close()


@given(st.lists(WHERE, min_size=3, max_size=3))
@settings(max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_every_definition_that_is_taken_can_be_asked(client: Client, wheres: list[Any]) -> None:
    asked = [
        read_segment({"segment": "asked", "where": where, "people": {"known": "any"}}) for where in wheres
    ]
    found = list(ask_members(client, [inlined(each, USED) for each in asked], START_MS + 10_000, Scope()))
    assert all(set(places) <= {0, 1, 2} for _, places in found)
    assert len(found) <= 5
