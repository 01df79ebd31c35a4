"""Crashes, take-overs and lost ends of changelogs change nobody. With real processes: tests/chaos."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.histories import PATIENT, expected, mixed, rulings, visits
from tests.processors.unsteady import UnsteadyPipeline


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000), st.sampled_from([1, 3]))
def test_workers_that_crash_at_any_moment_give_what_the_oracle_says_and_each_event_once(
    history, orders, seed, partitions
):
    pipeline = UnsteadyPipeline(partitions, seed).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)
    assert Counter(event["message_id"] for event in pipeline.resolved) == Counter(
        visit.id for visit in history
    )


@PATIENT
@given(visits(), rulings(kinds=("unlink",)), st.integers(0, 1000), st.sampled_from([1, 3]))
def test_a_changelog_that_lost_its_end_costs_no_person(history, orders, seed, partitions):
    pipeline = UnsteadyPipeline(partitions, seed, losses=3).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)
