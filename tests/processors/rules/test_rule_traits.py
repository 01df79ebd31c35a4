"""A trait that became another one: the newest statement counts, what comes late changes nothing, and each change is told once."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.rule_traits import KEPT_MS, STATED_BYTES_MAX
from schemas.identity.orders import Erase
from schemas.rules.rule_candidates import Candidate
from schemas.rules.rule_facts import STATES, encode_rule_facts
from schemas.rules.rules import Rule, TraitTrigger, Trigger, ValueTest
from tests.processors.rules.made_rules import ANN, BOB, T0, Agent, S, document, match, occurrence, rule


def changes(name: str = "upgraded", **trigger: Any) -> Rule:
    return rule(name, trigger=Trigger(trait=TraitTrigger("plan", **trigger)))


ANY = changes()


def said(value: object, at: int, by: Rule = ANY, message: str = "", person: int = ANN) -> bytes:
    text = msgspec.json.encode(value)
    one = occurrence(f"0-{at}-0", T0 + at * S, match(by, STATES, text), person=person)
    return encode_rule_facts([msgspec.structs.replace(one, message_id=message or one.message_id)])


def moments(candidates: list[Candidate]) -> list[int]:
    return [(each.at - T0) // S for each in candidates]


def test_a_first_statement_and_each_change_are_candidates_and_repetitions_are_none():
    agent = Agent(ANY)
    for at, value in enumerate(["free", "free", "pro", "pro", "free"]):
        agent.chunk(said(value, at))
    assert moments(agent.candidates) == [0, 2, 4]
    assert [each.rule for each in agent.candidates] == [document(ANY)] * 3


def test_the_value_after_is_tested_and_the_one_before_is_not_known_here():
    """What somebody stated under another identifier is asked when the candidate is confirmed."""
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [0, 1, 2, 3]),
        ({"to": ValueTest("eq", "pro")}, [1]),
        ({"from_": ValueTest("exists")}, [0, 1, 2, 3]),
        ({"from_": ValueTest("eq", "pro"), "to": ValueTest("in", ["free", "team"])}, [0, 2]),
    ]
    for trigger, expected in cases:
        asked = changes(**trigger)
        agent = Agent(asked)
        for at, value in enumerate(["free", "pro", "team", "one"]):
            agent.chunk(said(value, at, asked))
        assert moments(agent.candidates) == expected


def test_an_old_statement_that_comes_late_changes_nothing():
    agent = Agent(ANY)
    agent.chunk(said("pro", 5))
    assert not agent.chunk(said("free", 3))
    assert not agent.chunk(said("pro", 6))


def test_of_two_statements_of_one_moment_the_greater_message_id_counts_whichever_comes_first():
    for first, second in (("a", "b"), ("b", "a")):
        agent = Agent(ANY)
        agent.chunk(said(first, 5, message=first), said(second, 5, message=second))
        assert not agent.chunk(said("b", 6)), "what counted was b's"


def test_the_same_value_written_otherwise_is_no_change():
    agent = Agent(ANY)
    agent.chunk(said({"a": 1, "b": [2.0]}, 0))
    assert not agent.chunk(said({"b": [2], "a": 1.0}, 1))
    assert len(agent.chunk(said({"a": 1, "b": [2.5]}, 2))) == 1


def test_true_is_not_one_and_null_is_a_value_that_is_missing():
    agent = Agent(ANY)
    for at, value in enumerate([1, True, None, None, "null"]):
        agent.chunk(said(value, at))
    assert moments(agent.candidates) == [0, 1, 2, 4]


def test_a_value_that_is_too_long_is_known_by_its_hash():
    long = "x" * STATED_BYTES_MAX
    agent = Agent(ANY)
    agent.chunk(said(long + "a", 0), said(long + "a", 1), said(long + "b", 2))
    assert moments(agent.candidates) == [0, 2]
    assert max(map(len, agent.state.values())) < STATED_BYTES_MAX


def test_people_and_rules_are_apart():
    other = changes("other")
    agent = Agent(ANY, other)
    agent.chunk(said("free", 0), said("free", 1, person=BOB), said("free", 2, other))
    assert len(agent.candidates) == 3


def test_an_edit_forgets_nothing_and_another_trait_is_another_memory():
    agent = Agent(ANY)
    agent.chunk(said("free", 0))
    edited = changes(to=ValueTest("eq", "pro"))
    agent.apply(edited)
    assert moments(agent.chunk(said("pro", 1, edited))) == [1]
    renamed = rule("upgraded", trigger=Trigger(trait=TraitTrigger("tier")))
    agent.apply(renamed)
    assert moments(agent.chunk(said("pro", 2, renamed))) == [2]


def test_what_is_erased_is_forgotten():
    agent = Agent(ANY)
    agent.chunk(said("free", 0), said("free", 0, person=BOB))
    agent.order(Erase(ANN, T0, T0))
    assert sum(b"free" in value for value in agent.state.values()) == 1, "his"
    assert moments(agent.chunk(said("free", 1))) == [1]


def test_what_was_not_said_for_a_year_is_forgotten_and_what_is_said_again_is_kept():
    agent = Agent(ANY)
    agent.chunk(said("free", 0), said("free", 0, person=BOB), said("free", 60))
    agent.tick(T0 + KEPT_MS + 30 * S)
    assert len([key for key in agent.state if key[:1] == b"v"]) == 1
    agent.tick(T0 + KEPT_MS + 70 * S)
    assert not [key for key in agent.state if key[:1] in b"vid"]


statements = st.lists(
    st.tuples(st.integers(0, 12), st.sampled_from(["free", "pro", "team"])),
    max_size=10,
    unique_by=lambda each: each[0],
)


@settings(max_examples=150, deadline=None)
@given(statements.flatmap(st.permutations), st.lists(st.integers(1, 4), min_size=1, max_size=10))
def test_in_any_order_and_any_chunks_what_counts_in_the_end_is_the_newest(
    told: list[tuple[int, str]], cuts: list[int]
):
    values = [said(value, at) for at, value in told]
    one, many = Agent(ANY), Agent(ANY)
    for value in values:
        one.chunk(value)
    left = values
    while left:
        size = cuts.pop() if cuts else 1
        many.chunk(*left[:size])
        left = left[size:]
    assert (one.outputs, one.state) == (many.outputs, many.state)
    if told:
        newest = max(told)[1]
        assert not one.chunk(said(newest, 20)), "it is the value of now"


@settings(max_examples=150, deadline=None)
@given(statements)
def test_in_order_each_change_is_one_candidate(told: list[tuple[int, str]]):
    agent = Agent(ANY)
    in_order = sorted(told)
    for at, value in in_order:
        agent.chunk(said(value, at))
    before = [None, *(value for _, value in in_order)]
    assert moments(agent.candidates) == [
        at for (at, value), last in zip(in_order, before, strict=False) if value != last
    ]
