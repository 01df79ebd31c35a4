"""A client's clock against the collector's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.enrichment.clock import clock_offset_ms
from processors.events.times import TIME_MAX, EventTimes

RECEIVED = 1_700_000_000_000


@pytest.mark.parametrize(
    ("sent", "offset"), [(RECEIVED + 3_600_000, 3_600_000), (RECEIVED - 40, -40), (RECEIVED, 0), (0, 0)]
)
def test_the_offset_is_how_far_the_client_is_ahead(sent: int, offset: int) -> None:
    assert clock_offset_ms(EventTimes(RECEIVED, 0, sent), RECEIVED) == offset


@given(st.integers(0, TIME_MAX - 1), st.integers(0, TIME_MAX - 1))
def test_the_offset_has_a_limit(sent: int, received: int) -> None:
    assert abs(clock_offset_ms(EventTimes(0, 0, sent), received)) < TIME_MAX
