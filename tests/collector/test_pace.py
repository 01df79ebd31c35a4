"""When gathered events leave: at once, or after the gap while more keep coming."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from collector.pace import QUIET_S, SKIPS_MAX, Pace

GAP_S = 0.01


def after_sending(pace: Pace, now: float, arrivals: list[int]) -> float:
    """How long the events wait if so many are there at each look, and the last number stays."""
    pace.sent(now)
    waited = 0.0
    for waiting in itertools.chain(arrivals, itertools.repeat(arrivals[-1])):
        more = pace.wait_s(now + waited, waiting)
        if not more:
            return waited
        waited += more
    raise AssertionError("endless arrivals")


def test_the_first_events_leave_at_once_and_so_do_those_after_a_pause() -> None:
    pace = Pace(GAP_S)
    assert pace.wait_s(5.0, 1) == 0
    pace.sent(5.0)
    assert pace.wait_s(5.0 + GAP_S, 1) == 0


def test_while_events_keep_coming_they_gather_for_the_gap_and_no_longer() -> None:
    pace = Pace(GAP_S)
    for start in range(5):
        assert abs(after_sending(pace, start, list(range(1, 100))) - GAP_S) < 1e-9


def test_a_silence_ends_the_gathering() -> None:
    assert after_sending(Pace(GAP_S), 1.0, [3, 3]) == QUIET_S


def test_what_ends_in_silence_is_tried_less_and_less_often_and_soon_again_once_it_pays() -> None:
    pace = Pace(GAP_S)
    looks = 4 * SKIPS_MAX
    silent = [after_sending(pace, second, [3, 3]) > 0 for second in range(looks)]
    assert sum(silent) <= SKIPS_MAX.bit_length() + looks // SKIPS_MAX
    assert any(silent[-SKIPS_MAX - 1 :])
    for second in range(looks, looks + SKIPS_MAX + 1):
        after_sending(pace, second, list(range(1, 100)))
    assert all(after_sending(pace, second, list(range(1, 100))) > 0 for second in range(9_000, 9_010))


def test_without_a_gap_nothing_gathers() -> None:
    pace = Pace(0.0)
    pace.sent(1.0)
    assert pace.wait_s(1.0, 10) == 0


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.floats(0, 0.05))
def test_nothing_waits_longer_than_the_gap(steps: list[int], gap_s: float) -> None:
    assert after_sending(Pace(gap_s), 7.0, list(itertools.accumulate(steps))) <= gap_s + 1e-9
