"""One node: its timeline, whom it points to, what it tells others, and its limits."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.events.authority import rank, type_of
from processors.identity.facts import ASSERTED, BOUNDARY, CLAIMED, DERIVED, MERGED, Derivation, Fact
from processors.identity.forest import apply, outcome
from processors.identity.node_state import MERGES_MAX, PROVENANCES_MAX, STAMPS_MAX, TARGETS_MAX, NodeState
from processors.identity.timeline import epochs, owners

ANN, BOB, CONTACT, MAIL = b"main|u:ann", b"main|u:bob", b"main|x:contact_id:7", b"main|e:00ff"
DEVICE = b"main|a:d1"

A, B = ASSERTED, CLAIMED
OUT = BOUNDARY

TIMELINES = [
    ("nobody claims it", [], [(0, DEVICE)]),
    ("the first claim reaches back without a limit", [(50, ANN, A)], [(0, ANN)]),
    ("a second person from the moment of the claim", [(50, ANN, A), (70, BOB, A)], [(0, ANN), (70, BOB)]),
    (
        "the gap after a logout is the next one's",
        [(50, ANN, A), (60, OUT, A), (70, BOB, A)],
        [(0, ANN), (60, BOB)],
    ),
    ("or nobody's", [(50, ANN, A), (60, OUT, A)], [(0, ANN), (60, DEVICE)]),
    (
        "the first of two logouts opens the gap",
        [(50, ANN, A), (60, OUT, A), (65, OUT, A)],
        [(0, ANN), (60, DEVICE)],
    ),
    ("a logout before any claim bounds nothing", [(40, OUT, A), (50, ANN, A)], [(0, ANN)]),
    ("the same person again after a logout", [(50, ANN, A), (60, OUT, A), (70, ANN, A)], [(0, ANN)]),
    (
        "a logout comes after a claim of the same moment",
        [(50, ANN, A), (50, OUT, A)],
        [(0, ANN), (50, DEVICE)],
    ),
    ("there and back", [(1, ANN, A), (2, BOB, A), (3, ANN, A)], [(0, ANN), (2, BOB), (3, ANN)]),
    ("asserted beats claimed, whenever it was said", [(1, MAIL, B), (9, ANN, A)], [(0, ANN)]),
    ("claimed alone owns", [(5, MAIL, B), (9, CONTACT, B)], [(0, MAIL), (9, CONTACT)]),
    ("a logout counts beside claimed ones", [(5, MAIL, B), (9, OUT, A)], [(0, MAIL), (9, DEVICE)]),
    ("of one moment the last in authority goes on", [(5, MAIL, A), (5, ANN, A)], [(0, ANN), (5, MAIL)]),
]


@pytest.mark.parametrize(("sentence", "claims", "expected"), TIMELINES, ids=[line[0] for line in TIMELINES])
def test_owners_of_an_anonymous_id(sentence, claims, expected):
    assert owners(DEVICE, claims) == expected


EPOCHS = [
    ("what is claimed in one run belongs together", [(1, MAIL, A), (2, ANN, A)], [{b"e": (MAIL, 1), b"u": (ANN, 2)}]),
    ("a logout ends a run", [(1, MAIL, A), (2, OUT, A), (3, ANN, A)], [{b"e": (MAIL, 1)}, {b"u": (ANN, 3)}]),
    ("a second user ends a run", [(1, ANN, A), (2, BOB, A), (3, MAIL, A)], [{b"u": (ANN, 1)}, {b"u": (BOB, 2), b"e": (MAIL, 3)}]),
    ("a claim beside an assertion of its type is nothing", [(1, MAIL, A), (2, b"main|e:11", B), (3, ANN, A)],
     [{b"e": (MAIL, 1), b"u": (ANN, 3)}]),
    ("the first time of a run counts", [(1, ANN, A), (2, ANN, A)], [{b"u": (ANN, 1)}]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "claims", "expected"), EPOCHS, ids=[line[0] for line in EPOCHS])
def test_epochs_of_an_anonymous_id(sentence, claims, expected):
    assert [epoch for epoch in epochs(claims) if epoch] == expected


def after(node: bytes, *facts: Fact | Derivation) -> NodeState:
    some = [fact for fact in facts if isinstance(fact, Fact)]
    return apply(node, NodeState(), some, [fact for fact in facts if isinstance(fact, Derivation)])


def link(node: bytes, target: bytes, time: int, strength: int = A, *, stamp: bool = False) -> Fact:
    return Fact(node, target, time, strength, stamp)


def test_an_email_that_two_users_share_stays_with_the_first_by_event_time():
    state = after(MAIL, link(MAIL, BOB, 9), link(MAIL, ANN, 20))
    assert outcome(MAIL, state).owners == [(0, BOB)]
    assert outcome(MAIL, state).told == {}


def test_asserted_beats_claimed_beats_derived_whatever_the_time():
    derived = Derivation(MAIL, DEVICE, 1, {b"main|u:carl": (1, DERIVED)})
    assert outcome(MAIL, after(MAIL, derived)).owners == [(0, b"main|u:carl")]
    assert outcome(MAIL, after(MAIL, derived, link(MAIL, BOB, 5, B))).owners == [(0, BOB)]
    assert outcome(MAIL, after(MAIL, derived, link(MAIL, BOB, 5, B), link(MAIL, ANN, 9))).owners == [(0, ANN)]


def test_a_node_tells_its_weaker_targets_whose_they_are():
    state = after(MAIL, link(MAIL, CONTACT, 5), link(MAIL, ANN, 9))
    assert outcome(MAIL, state).owners == [(0, ANN)]
    assert outcome(MAIL, state).told == {CONTACT: {ANN: (9, DERIVED)}}


def test_every_merge_of_a_user_counts_and_is_passed_on_as_a_merge():
    zoe = b"main|u:zoe"
    state = after(zoe, link(zoe, BOB, 5, MERGED), link(zoe, ANN, 9, MERGED))
    assert outcome(zoe, state).owners == [(0, ANN)]
    assert outcome(zoe, state).told == {BOB: {ANN: (9, MERGED)}}


def test_a_device_tells_per_epoch():
    state = after(DEVICE, link(DEVICE, MAIL, 5, B, stamp=True), link(DEVICE, ANN, 9, stamp=True))
    assert outcome(DEVICE, state).told == {MAIL: {ANN: (9, DERIVED)}}


def test_what_is_taken_back_is_forgotten():
    state = after(MAIL, Derivation(MAIL, DEVICE, 1, {ANN: (1, DERIVED)}))
    state = apply(MAIL, state, [], [Derivation(MAIL, DEVICE, 2, {})])
    assert outcome(MAIL, state).owners == [(0, MAIL)]
    assert state.changes == 2


def test_an_older_word_of_the_same_node_changes_nothing():
    state = after(MAIL, Derivation(MAIL, DEVICE, 3, {ANN: (1, DERIVED)}))
    assert apply(MAIL, state, [], [Derivation(MAIL, DEVICE, 2, {BOB: (1, DERIVED)})]) is state


def test_a_link_to_less_authority_is_refused():
    assert after(ANN, link(ANN, MAIL, 1), Derivation(ANN, DEVICE, 1, {BOB: (1, DERIVED)})) == NodeState()


targets = st.sampled_from(
    [b"main|u:%d" % number for number in range(50)] + [b"main|e:%d" % number for number in range(5)]
)
stated = st.builds(
    Fact, st.just(DEVICE), targets | st.just(OUT), st.integers(1, 200), st.sampled_from([A, B]), st.booleans()
)


@given(st.lists(stated, min_size=1, max_size=150), st.integers(0, 1000), st.integers(1, 150))
def test_the_order_and_number_of_facts_change_nothing_even_beyond_the_limits(facts, seed, cut):
    facts = [fact if fact.target != OUT else Fact(DEVICE, OUT, fact.time, A, True) for fact in facts]
    mixed = Random(seed).choices(facts, k=len(facts)) + Random(seed).sample(facts, len(facts))  # noqa: S311 - an order
    at_once = apply(DEVICE, NodeState(), facts, [])
    in_parts = apply(DEVICE, apply(DEVICE, NodeState(), mixed[:cut], []), mixed[cut:], [])
    assert (at_once.links, at_once.stamps) == (in_parts.links, in_parts.stamps)
    assert outcome(DEVICE, at_once) == outcome(DEVICE, in_parts)


def test_links_are_limited_to_the_strongest_and_earliest():
    claims = [link(DEVICE, b"main|e:%d" % number, number, B) for number in range(100)]
    assertions = [link(DEVICE, b"main|u:%d" % number, 1000 + number) for number in range(20)]
    state = after(DEVICE, *claims, *assertions)
    assert sum(map(len, state.links.values())) == TARGETS_MAX
    assert set(state.links[A]) == {fact.target for fact in assertions}
    assert set(state.links[B].values()) == set(range(TARGETS_MAX - 20))


def test_merges_of_a_user_are_limited_to_the_earliest():
    zoe = b"main|u:zoe"
    state = after(zoe, *(link(zoe, b"main|u:%d" % number, number, MERGED) for number in range(20)))
    assert set(state.links[MERGED].values()) == set(range(MERGES_MAX))


def test_stamps_are_limited_to_the_latest():
    state = after(DEVICE, *(link(DEVICE, ANN, time, stamp=True) for time in range(100)))
    assert [time for time, _, _ in state.stamps] == list(range(100 - STAMPS_MAX, 100))
    assert state.links == {A: {ANN: 0}}


def test_provenances_are_limited_to_the_best():
    said = [Derivation(MAIL, b"main|a:%d" % number, 1, {ANN: (number, DERIVED)}) for number in range(100)]
    state = after(MAIL, *said, Derivation(MAIL, b"main|a:late", 1, {CONTACT: (500, DERIVED)}))
    assert [len(state.derived[target]) for target in (ANN, CONTACT)] == [PROVENANCES_MAX, 1]
    assert outcome(MAIL, state).told == {CONTACT: {ANN: (500, DERIVED)}}


def test_the_order_of_authority_is_total_and_goes_by_type():
    order = [ANN, BOB, CONTACT, b"main|x:a-b:1", b"main|x:a:2", b"main|x:b:1", MAIL, DEVICE, b"main|m:1"]
    assert [type_of(node) for node in sorted(order, key=rank)] == [
        b"u", b"u", b"x:contact_id", b"x:a", b"x:a-b", b"x:b", b"e", b"a", b"m"
    ]  # fmt: skip
