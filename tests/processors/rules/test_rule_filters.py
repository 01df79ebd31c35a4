"""Filters in Python and in ClickHouse: of the same events the same ones pass, whatever the filter."""

import json
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.resolved_reader import record_of
from processors.rules.rule_filters import filters_check
from processors.rules.rule_view import EventView
from schemas.segments.segment_filters import Rows
from schemas.segments.segment_paths import place_of
from schemas.segments.segment_sql import Parameters
from schemas.segments.segment_words import used
from schemas.segments.segments import Filter
from schemas.wire.codec import RESOLVED_EVENT
from schemas.wire.stamps import Item
from tests.console.segment_trees import OF_ORDERS, OF_PAGES, OF_TRACKS
from tests.console.segment_world import PARTS
from tests.processors.rule_documents import DOCUMENTS, ORDERS, TYPED
from tests.processors.rule_questions import FEW, KINDS, ORDER_PATHS, PROPERTY_PATHS, TESTS, TYPED_PATHS
from tests.sinks.shop import plain
from tests.sinks.stage import Tables, event

AT_MS = 1_718_452_800_123  # 2024-06-15
ZONES = ("UTC", "Europe/Berlin")
AT_ONCE = 24


class Judge:
    """The same events in a table and in memory."""

    def __init__(self, tables: Tables, values: Sequence[bytes]) -> None:
        self.tables = tables
        self.views = [EventView(record_of(value)) for value in values]
        tables.insert("events_in", RESOLVED_EVENT, values, "rules")

    def differences(
        self, filters: Sequence[Mapping[str, Any]], events: str | list[str], zone: str = "UTC"
    ) -> list[tuple[Any, ...]]:
        """Filters with the events that pass in one place alone."""
        read = [msgspec.convert(each, Filter) for each in filters]
        stored, here = self._stored(read, events, zone), self._here(read, events, zone)
        return [
            (json.dumps(filters[number]), message, "stored" if number in stored[message] else "here")
            for message, numbers in here.items()
            for number in numbers ^ stored[message]
        ]

    def _stored(self, filters: Sequence[Filter], events: str | list[str], zone: str) -> dict[str, set[int]]:
        parameters = Parameters()
        rows = Rows(AT_MS, zone, parameters)
        conditions = [rows.filter(each, place_of(events)) for each in filters]
        passing = ", ".join(f"toUInt8({condition})" for condition in conditions)
        sql = f"SELECT message_id, [{passing}] FROM events"  # noqa: S608 - compiled, its values are parameters
        words = ", ".join(used(sql, f"{self.tables.settings.database}."))
        found = self.tables.client.query(
            f"WITH {words} {sql}" if words else sql, parameters=parameters.values
        )
        return {
            name: {number for number, passes in enumerate(each) if passes} for name, each in found.result_rows
        }

    def _here(self, filters: Sequence[Filter], events: str | list[str], zone: str) -> dict[str, set[int]]:
        checks = [filters_check([each], events, zone) for each in filters]
        return {
            view.record["message_id"]: {number for number, check in enumerate(checks) if check(view, AT_MS)}
            for view in self.views
        }


@pytest.fixture(scope="module")
def judge(clickhouse: str, module_database: str) -> Judge:
    tables = Tables(clickhouse, module_database)
    said = [*({"properties": json.dumps(each)} for each in DOCUMENTS), *ORDERS, *TYPED]
    return Judge(tables, [_event(number, **each) for number, each in enumerate(said)])


def _event(number: int, **said: Any) -> bytes:
    parts = {name: plain(part(**said.pop(name, {}))) for name, part in PARTS.items()}
    items = [plain(Item(**item)) for item in said.pop("items", [])]
    return event(number, **parts, items=items, **said)


@pytest.mark.parametrize("path", PROPERTY_PATHS)
@pytest.mark.parametrize("zone", ZONES)
def test_properties_pass_the_tests_that_they_pass_in_clickhouse(judge: Judge, path: str, zone: str) -> None:
    assert judge.differences([{"path": path, **test} for test in TESTS], "Viewed", zone) == []


def test_typed_columns_pass_the_tests_that_they_pass_in_clickhouse(judge: Judge) -> None:
    for path in TYPED_PATHS:
        assert judge.differences([{"path": path, **test} for test in TESTS], "*") == []


def test_short_names_mean_what_they_mean_in_clickhouse_in_a_selection_of_ecommerce(judge: Judge) -> None:
    for path in ORDER_PATHS:
        assert (
            judge.differences(
                [{"path": path, **test} for test in TESTS], ["Order Completed", "product_viewed"]
            )
            == []
        )


def test_elements_of_lists_pass_the_tests_that_they_pass_in_clickhouse(judge: Judge) -> None:
    arrays = ("list", "v", "items", "products", "consent.categories", "list.w")
    for array, events in product(arrays, ("Viewed", "Order Completed")):
        filters = [
            {kind: {"path": array, "where": [{"path": field, **test}]}}
            for kind, field, test in product(KINDS, ("w", "w.x", "sku", "price", "position"), FEW)
        ]
        assert judge.differences(filters, events) == []


def test_elements_within_elements_are_those_that_they_are_in_clickhouse(judge: Judge) -> None:
    filters = [
        {outer: {"path": "list", "where": [{inner: {"path": path, "where": [{"path": field, **test}]}}]}}
        for outer, inner in product(KINDS, repeat=2)
        for path, field in (("w", "x"), ("items", "sku"), ("w", "sku"))
        for test in FEW
    ]
    assert judge.differences(filters, "Viewed") == []


@pytest.mark.timeout(400)
@given(
    filters=st.lists(st.one_of(OF_TRACKS, OF_ORDERS, OF_PAGES), min_size=AT_ONCE // 2, max_size=AT_ONCE),
    zone=st.sampled_from(ZONES),
)
@settings(max_examples=8, deadline=None, derandomize=True)
def test_any_filters_pass_the_events_that_they_pass_in_clickhouse(
    judge: Judge, filters: list[list[dict[str, Any]]], zone: str
) -> None:
    several = [each for some in filters for each in some]
    assert judge.differences(several, "Order Completed", zone) == []
    assert judge.differences(several, "Viewed", zone) == []
