"""Orders among events: unlink and forget at any moment, before, between and after the events that they speak of."""

from collections import defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import Pipeline, id_of, ms
from tests.processors.histories import (
    NODES,
    PATIENT,
    erasures,
    expected,
    in_parts,
    mixed,
    rulings,
    shuffled,
    visits,
)
from tests.processors.oracle import Oracle, Ruling, components, subject_of, without


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000), st.sampled_from([1, 3, 8]), st.booleans())
def test_events_and_orders_in_any_order_give_what_the_oracle_says(history, orders, seed, partitions, repeat):
    pipeline = in_parts(Pipeline(partitions, seed, repeat=repeat), mixed(history, orders, seed), seed)
    assert pipeline.profiles() == expected(history, orders)


@PATIENT
@given(visits(), st.data(), st.integers(0, 1000), st.sampled_from([1, 3, 8]))
def test_erased_events_are_nowhere_and_link_nobody_whenever_the_order_comes(history, data, seed, partitions):
    orders = data.draw(erasures(history))
    pipeline = in_parts(Pipeline(partitions, seed), mixed(history, orders, seed), seed)
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


@PATIENT
@given(visits(), st.sampled_from(NODES), st.integers(0, 1000))
def test_an_id_that_was_suppressed_before_any_event_came_is_none(history, node, seed):
    orders = [Ruling("suppress", node)]
    pipeline = Pipeline(seed=seed).visit(orders).visit(shuffled(history, seed))
    assert pipeline.profiles() == expected(history, orders)


@PATIENT
@given(visits(), st.sampled_from(NODES), st.integers(0, 1000))
def test_an_id_that_is_suppressed_at_any_moment_joins_nobody_any_more(history, node, seed):
    """Events that were stored under it stay its own; all others are joined by other ids alone."""
    known = Oracle(history)
    unlinks = [
        Ruling("unlink", low, node)
        for low, links in known.links.items()
        if node in {link[1] for link in links}
    ]
    orders = [Ruling("suppress", node), *unlinks]
    part = components([without(visit, {node}) for visit in history])
    pipeline = in_parts(Pipeline(seed=seed), mixed(history, orders, seed), seed)
    found: dict[str, set[int]] = defaultdict(set)
    for visit in history:
        if subject_of(visit) != node:
            found[pipeline.profiles()[visit.id]].add(part[subject_of(without(visit, {node}))])
    assert all(len(parts) == 1 for parts in found.values())
