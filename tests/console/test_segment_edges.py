"""Each edge case of segments as the compiled query answers it; test_segment_oracle.py has the same for the definition."""

from collections.abc import Mapping
from random import Random

import pytest

from schemas.segments.segment_reading import read_segment
from tests.console.segment_edge_people import EDGES
from tests.console.segment_world import Stored, put, tables_for_worlds


@pytest.fixture(scope="module")
def worlds(clickhouse: str, module_database: str) -> Mapping[str, Stored]:
    tables = tables_for_worlds(clickhouse, module_database)
    stored = put(tables, [edge.world for edge in EDGES.values()], Random(8))  # noqa: S311 - an order, no secret
    return dict(zip(EDGES, stored, strict=True))


@pytest.mark.parametrize("name", EDGES)
def test_the_compiled_query_answers_an_edge_case(worlds: Mapping[str, Stored], name: str) -> None:
    edge = EDGES[name]
    segment = read_segment(edge.document)
    assert worlds[name].members({"edge": segment}, ["edge"], edge.asked) == [set(edge.members)]
