"""The definition's own answers, person by person: every edge case of segments, before any query is asked."""

import pytest

from schemas.segments.segment_reading import read_segment
from tests.console.segment_edge_people import EDGES
from tests.console.segment_oracle import Oracle


@pytest.mark.parametrize("name", EDGES)
def test_the_definition_answers_an_edge_case(name: str) -> None:
    edge = EDGES[name]
    segments = {"edge": read_segment(edge.document)}
    assert Oracle(edge.world, edge.asked, segments).members("edge") == set(edge.members)
