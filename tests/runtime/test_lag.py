"""How far behind, what may expire, and which transactions hang, worked out from offsets and times."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.lag import Ends, Hanging, Lag, OpenTransactions, Waits, retention_left_s

KEY = ("resolve", 0)
NOW_MS = 1_000_000


def test_a_chunk_in_hand_says_how_old_the_lag_is() -> None:
    assert Waits().lag(KEY, 5, Ends(9, 9), NOW_MS - 2_500, NOW_MS) == Lag(4, 2.5)


def test_a_clock_that_is_behind_makes_no_negative_age() -> None:
    assert Waits().lag(KEY, 5, Ends(9, 9), NOW_MS + 9_000, NOW_MS) == Lag(4, 0.0)


def test_what_is_not_committed_is_no_lag() -> None:
    assert Waits().lag(KEY, 5, Ends(end=9, stable=5), None, NOW_MS) == Lag(0, 0.0)


def test_a_place_is_looked_at_once_when_a_reader_stays_there() -> None:
    waits = Waits()
    assert not waits.due(KEY, 5, Ends(9, 9))
    assert waits.lag(KEY, 5, Ends(9, 9), None, NOW_MS) == Lag(4, None)
    assert waits.due(KEY, 5, Ends(9, 9))
    waits.found(KEY, 5, Ends(9, 9), NOW_MS - 1_000)
    assert not waits.due(KEY, 5, Ends(20, 20))
    assert waits.lag(KEY, 5, Ends(20, 20), None, NOW_MS) == Lag(15, 1.0)
    assert waits.waiting() == {KEY: 5}


def test_a_late_reader_is_looked_after_wherever_it_is_until_it_is_late_no_more() -> None:
    waits = Waits()
    ends = Ends(20, 20)
    assert waits.lag(KEY, 5, ends, NOW_MS - 60_000, NOW_MS) == Lag(15, 60.0)
    assert waits.due(KEY, 9, ends)
    waits.found(KEY, 9, ends, NOW_MS - 30_000)
    assert waits.lag(KEY, 9, ends, None, NOW_MS) == Lag(11, 30.0)
    assert waits.due(KEY, 19, ends)
    waits.found(KEY, 19, ends, None)
    assert waits.lag(KEY, 19, ends, None, NOW_MS) == Lag(0, 0.0)
    assert not waits.due(KEY, 20, Ends(22, 22))


def test_markers_alone_are_no_lag_until_something_follows_them() -> None:
    waits = Waits()
    ends = Ends(9, 9)
    waits.due(KEY, 8, ends)
    assert waits.due(KEY, 8, ends)
    waits.found(KEY, 8, ends, None)
    assert not waits.due(KEY, 8, ends)
    assert waits.lag(KEY, 8, ends, None, NOW_MS) == Lag(0, 0.0)
    assert waits.waiting() == {}
    assert waits.due(KEY, 8, Ends(10, 10))
    assert waits.lag(KEY, 8, Ends(10, 10), None, NOW_MS) == Lag(2, None)


def test_a_partition_that_is_gone_is_forgotten() -> None:
    waits = Waits()
    waits.due(KEY, 5, Ends(9, 9))
    waits.found(KEY, 5, Ends(9, 9), NOW_MS)
    waits.keep(set())
    assert waits.waiting() == {}
    assert not waits.due(KEY, 5, Ends(9, 9))


@pytest.mark.parametrize(
    ("lag", "retention_ms", "left_s"),
    [
        (Lag(4, 2.5), 10_000, 7.5),
        (Lag(4, 12.5), 10_000, -2.5),
        (Lag(0, 0.0), 10_000, 10.0),
        (Lag(4, None), 10_000, None),
        (Lag(4, 2.5), -1, None),
    ],
)
def test_the_oldest_record_may_expire_when_its_retention_is_over(
    lag: Lag, retention_ms: int, left_s: float | None
) -> None:
    assert retention_left_s(lag, retention_ms) == left_s


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=30))
def test_a_lag_is_never_negative_and_nothing_waits_at_the_end(steps: list[tuple[int, int]]) -> None:
    waits = Waits()
    position, stable = 0, 0
    for read, written in steps:
        stable += written
        position = min(position + read, stable)
        ends = Ends(stable, stable)
        if waits.due(KEY, position, ends):
            waits.found(KEY, position, ends, NOW_MS)
        lag = waits.lag(KEY, position, ends, None, NOW_MS)
        assert lag.records == stable - position
        assert waits.waiting().get(KEY) != position or position < stable


def test_a_transaction_that_holds_readers_back_for_too_long_hangs() -> None:
    watched = OpenTransactions(limit_s=100)
    open_since = {("facts", 1): Ends(end=20, stable=12), ("facts", 2): Ends(end=20, stable=20)}
    assert watched.observe(0, open_since) == []
    assert watched.observe(100, open_since) == []
    [hanging] = watched.observe(150, {**open_since, ("facts", 1): Ends(end=90, stable=12)})
    assert hanging == Hanging("facts", 1, start=12, end=90, seconds=150)


def test_transactions_that_follow_each_other_do_not_hang() -> None:
    watched = OpenTransactions(limit_s=100)
    for second in range(0, 1_000, 10):
        assert watched.observe(second, {("facts", 1): Ends(end=second + 5, stable=second)}) == []


def test_a_transaction_that_ended_is_forgotten() -> None:
    watched = OpenTransactions(limit_s=100)
    watched.observe(0, {("facts", 1): Ends(20, 12)})
    watched.observe(90, {("facts", 1): Ends(20, 20)})
    assert watched.observe(180, {("facts", 1): Ends(30, 12)}) == []


def test_it_is_spoken_of_at_once_and_then_at_growing_intervals() -> None:
    watched = OpenTransactions(limit_s=100)
    told = []
    for second in range(0, 1_001, 10):
        hanging = watched.observe(second, {("facts", 1): Ends(20, 12)})
        told += [second for found in hanging if watched.is_due(second, found)]
    assert told == [110, 220, 440, 880]
