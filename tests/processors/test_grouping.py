"""What the grouping of events into people must be, whatever the order: the cores against the oracle, over generated histories."""

from collections import Counter, defaultdict

from hypothesis import given
from hypothesis import strategies as st

from tests.processors.driver import Pipeline, profile_of_node
from tests.processors.histories import PATIENT, shuffled, visits
from tests.processors.oracle import Oracle, Visit, components, subject_of


@PATIENT
@given(visits(), st.integers(0, 1000), st.sampled_from([1, 3, 8]), st.booleans())
def test_any_order_any_partitioning_and_repeated_delivery_give_what_the_oracle_says(
    history, seed, partitions, repeat
):
    oracle = Oracle(history)
    pipeline = Pipeline(partitions, seed, repeat=repeat).visit(shuffled(history, seed))
    assert pipeline.profiles() == {visit.id: profile_of_node(oracle.profile(visit)) for visit in history}


@PATIENT
@given(visits(), st.integers(0, 1000))
def test_events_that_arrive_in_two_parts_after_rest_give_the_same_people(history, seed):
    order = shuffled(history, seed)
    at_once, in_parts = Pipeline(seed=seed).visit(order), Pipeline(seed=seed)
    for visit in order:
        in_parts.visit([visit])
    assert in_parts.profiles() == at_once.profiles()


@PATIENT
@given(visits(), st.integers(0, 1000))
def test_sending_events_twice_changes_nothing_and_counts_once(history, seed):
    twice = shuffled([*history, *history], seed)
    pipeline = Pipeline(seed=seed).visit(twice)
    assert pipeline.profiles() == Pipeline().visit(history).profiles()
    assert len(pipeline.resolved) == len(history)
    assert (
        pipeline.ledger()
        == Counter(accepted=2 * len(history), resolved=len(history), duplicate=len(history)) - Counter()
    )


@PATIENT
@given(visits(), st.integers(0, 1000))
def test_no_person_spans_two_components(history, seed):
    part = components(history)
    found: dict[str, set[int]] = defaultdict(set)
    profiles = Pipeline(seed=seed).visit(history).profiles()
    for visit in history:
        found[profiles[visit.id]].add(part[subject_of(visit)])
    assert all(len(parts) == 1 for parts in found.values())


@PATIENT
@given(visits(kinds=("identify", "track", "page", "logout")), st.integers(0, 1000))
def test_without_alias_two_users_are_never_one_person_and_each_event_is_its_users(history, seed):
    profiles = Pipeline(seed=seed).visit(history).profiles()
    for visit in history:
        if visit.user:
            assert profiles[visit.id] == profile_of_node(("u", visit.user))


@PATIENT
@given(visits(kinds=("identify", "track", "page")), st.integers(0, 1000))
def test_a_component_without_conflict_is_one_person(history, seed):
    part, profiles = components(history), Pipeline(seed=seed).visit(history).profiles()
    types = Counter((number, node[0]) for node, number in part.items() if node[0] != "a")
    conflicts = {number for (number, _), count in types.items() if count > 1}
    found: dict[int, set[str]] = defaultdict(set)
    for visit in history:
        found[part[subject_of(visit)]].add(profiles[visit.id])
    assert all(len(people) == 1 for number, people in found.items() if number not in conflicts)


@PATIENT
@given(
    visits(),
    st.integers(0, 1000),
    st.sampled_from(["null", "0", "undefined", "00000000-0000-0000-0000-000000000000"]),
)
def test_a_blocked_user_id_changes_nothing(history, seed, junk):
    with_junk = [
        visit if visit.user or visit.kind == "alias" else Visit(**{**vars(visit), "user": junk})
        for visit in history
    ]
    assert Pipeline(seed=seed).visit(with_junk).profiles() == Pipeline().visit(history).profiles()


@PATIENT
@given(visits(), st.integers(0, 1000))
def test_every_outcome_is_stable_under_a_full_replay_with_new_message_ids(history, seed):
    pipeline = Pipeline(seed=seed).visit(history)
    before, pointers = pipeline.profiles(), pipeline.sent["identity.pointers"]
    pipeline.visit(Visit(**{**vars(visit), "id": visit.id + "-again"}) for visit in history)
    assert {name: profile for name, profile in pipeline.profiles().items() if name in before} == before
    assert pipeline.sent["identity.pointers"] == pointers
