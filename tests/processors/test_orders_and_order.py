"""Orders among events: unlink and forget at any moment, before, between and after the events that they speak of."""

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import Pipeline, id_of, ms
from tests.processors.histories import PATIENT, erasures, expected, mixed, rulings, visits
from tests.processors.oracle import Oracle


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


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000))
def test_links_that_lost_stand_in_the_pointer_of_their_node_and_nowhere_else(history, orders, seed):
    pipeline = Pipeline(seed=seed).visit(mixed(history, orders, seed))
    lost = {
        id_of(node): {(id_of(target), "MABC".index(kind), time) for target, (kind, time) in found.items()}
        for node, found in Oracle(history, orders).conflicts.items()
        if found
    }
    told = {
        node: {(one["target"], one["strength"], ms(one["since"])) for one in pointer["conflicts"]}
        for node, pointer in pipeline.pointers.items()
        if pointer["conflicts"]
    }
    assert told == lost
