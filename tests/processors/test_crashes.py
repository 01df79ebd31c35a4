"""Crashes, take-overs and lost ends of changelogs change nobody. With real processes: tests/chaos."""

from collections import Counter

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from processors.identity.facts import ASSERTED, Fact, encode_facts, encode_orders
from processors.identity.identity import Identity
from processors.identity.node_state import NodeState
from schemas.identity.identifiers import node_id
from schemas.identity.orders import Forget, Order, Unlink
from schemas.stream import InputRecord
from tests.processors.driver import HASH_KEY, RECEIVED, key_of
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
@given(visits(), rulings(), st.integers(0, 1000), st.sampled_from([1, 3]))
def test_a_changelog_that_lost_its_end_costs_no_person(history, orders, seed, partitions):
    pipeline = UnsteadyPipeline(partitions, seed, losses=3).visit(mixed(history, orders, seed))
    assert pipeline.profiles() == expected(history, orders)


def test_a_state_with_orders_does_not_tell_how_its_records_were_cut_into_chunks():
    """Its count of changes included, which versions are made of: what is read once more must come to the same ones."""
    device, ann, bob = (key_of(node) for node in (("a", "d1"), ("u", "ann"), ("u", "bob")))
    facts = [
        Fact(device, user, time, ASSERTED, stamp=True)
        for user, time in ((ann, 1), (bob, 2), (ann, 3), (bob, 9))
    ]
    orders: list[Order] = [
        Forget(node_id(device, HASH_KEY), 5),
        Unlink(node_id(device, HASH_KEY), node_id(bob, HASH_KEY)),
    ]
    values = [value for fact in facts[:3] for value in encode_facts([fact], [])]
    values += [encode_orders([order]) for order in orders]
    values += encode_facts(facts[3:], [])
    records = [InputRecord(offset, RECEIVED, None, value) for offset, value in enumerate(values)]
    step = Identity(hash_key=HASH_KEY, partitions=1)
    states = []
    for size in range(1, len(records) + 1):
        state: dict[bytes, bytes] = {}
        for start in range(0, len(records), size):
            step(0, records[start : start + size], state)
        states.append({key: msgspec.msgpack.decode(value, type=NodeState) for key, value in state.items()})
    assert all(state == states[0] for state in states)
    assert [state.changes for state in states[0].values()] == [6]
