"""Orders among events: unlink and forget at any moment, before, between and after the events that they speak of."""

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import Pipeline
from tests.processors.histories import PATIENT, erasures, expected, mixed, rulings, visits


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000), st.sampled_from([1, 3, 8]), st.booleans())
def test_events_and_orders_in_any_order_give_what_the_oracle_says(history, orders, seed, partitions, repeat):
    pipeline = Pipeline(partitions, seed, repeat=repeat).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)


@PATIENT
@given(visits(), st.data(), st.integers(0, 1000), st.sampled_from([1, 3, 8]))
def test_erased_events_are_nowhere_and_link_nobody_whenever_the_order_comes(history, data, seed, partitions):
    orders = data.draw(erasures(history))
    pipeline = Pipeline(partitions, seed).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)
