"""What did not come: each start at most once, never before its time, whatever the order, the chunks and the ticks."""

from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.rule_absences import KEPT_MS_MAX
from processors.rules.rule_memory import KEPT_PER_SUBJECT_MAX
from processors.timers import STRETCH_MS
from schemas.identity.orders import Erase
from schemas.rules.rule_candidates import Candidate
from schemas.rules.rule_facts import ENDS, STARTS, encode_rule_facts
from schemas.rules.rules import AbsenceTrigger, Rule, Trigger
from schemas.segments.segments import Selection
from tests.processors.rules.made_rules import (
    ANN,
    BOB,
    DAY,
    HOUR,
    MIN,
    T0,
    Agent,
    S,
    document,
    match,
    occurrence,
    rule,
)

WITHIN = 601 * S  # no whole number of minutes: what comes at a full minute is on one side of its end


def absence(name: str = "nudge", within: str = "601s", destination: str = "crm") -> Rule:
    after, of = Selection(event="Cart Viewed"), Selection(event="Order Completed")
    return rule(name, destination=destination, trigger=Trigger(absence=AbsenceTrigger(after, of, within)))


NUDGE = absence()


class Told(NamedTuple):
    """So many minutes after T0."""

    role: int
    minute: int

    @property
    def time(self) -> int:
        return T0 + self.minute * MIN

    @property
    def id(self) -> str:
        return f"0-{self.minute}-0"


def message(told: Told, by: Rule = NUDGE, person: int = ANN) -> bytes:
    return encode_rule_facts([occurrence(told.id, told.time, match(by, told.role), person=person)])


def tick(now: int) -> bytes:
    return encode_rule_facts(tick=now)


def starts(candidates: Sequence[Candidate]) -> list[int]:
    return [(each.absent_since - T0) // MIN for each in candidates]


def test_who_did_not_do_it_in_time_is_a_candidate_then_and_once():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)))
    assert not agent.tick(T0 + WITHIN - 1)
    [candidate] = agent.tick(T0 + WITHIN + STRETCH_MS)
    assert (candidate.absent_since, candidate.at) == (T0, T0 + WITHIN)
    assert candidate.seen_at >= candidate.at
    assert (candidate.occurrence, candidate.person, candidate.subject) == ("0-0-0", ANN, ANN)
    assert candidate.rule == document(NUDGE)
    assert candidate.event == b'{"event":"0-0-0"}'
    assert not agent.tick(T0 + 40 * DAY)


def test_who_did_it_in_time_is_none():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)), message(Told(ENDS, 10)))
    assert not agent.tick(T0 + DAY)


def test_what_somebody_else_did_or_what_was_done_before_ends_nothing():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(ENDS, -1)), message(Told(STARTS, 0)), message(Told(ENDS, 0)))
    agent.chunk(message(Told(ENDS, 5), person=BOB))
    assert starts(agent.tick(T0 + DAY)) == [0]


def test_a_later_start_starts_anew():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)), message(Told(STARTS, 8)))
    assert not agent.tick(T0 + 12 * MIN)
    assert starts(agent.tick(T0 + 20 * MIN)) == [8]


def test_one_that_comes_when_the_time_is_over_leaves_the_earlier_one_its_firing():
    agent = Agent(NUDGE)
    assert starts(agent.chunk(message(Told(STARTS, 0)), message(Told(STARTS, 11)))) == [0]
    assert starts(agent.tick(T0 + DAY)) == [11]


def test_an_end_that_is_older_than_the_newest_start_does_not_end_it():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)), message(Told(STARTS, 8)), message(Told(ENDS, 5)))
    assert starts(agent.tick(T0 + DAY)) == [8]


def test_an_end_that_came_too_late_does_not_undo_it():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)), message(Told(ENDS, 11)))
    assert starts(agent.tick(T0 + DAY)) == [0]


def test_an_imported_start_comes_up_at_once_with_its_own_time():
    """So that what happened long ago expires."""
    agent = Agent(NUDGE)
    agent.tick(T0 + DAY)
    agent.chunk(message(Told(STARTS, 0)))
    [candidate] = agent.tick(T0 + DAY + 2 * STRETCH_MS)
    assert candidate.at == T0 + WITHIN


@pytest.mark.parametrize("left", ["deleted", "off", "edited"])
def test_what_waits_for_a_rule_that_is_gone_is_dropped(left: str):
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)))
    off = rule("nudge", trigger=NUDGE.trigger, mode="off")
    agent.apply(*{"deleted": [], "off": [off], "edited": [absence(within="602s")]}[left])
    assert not agent.tick(T0 + DAY)
    assert not [key for key in agent.state if key[:1] in b"wi"]


def test_an_edited_rule_waits_from_later_starts_on():
    edited = absence(destination="other")
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 8)))
    agent.apply(edited)
    agent.chunk(message(Told(STARTS, 5), edited), message(Told(ENDS, 6)), message(Told(STARTS, 9)))
    [candidate] = agent.tick(T0 + DAY)
    assert (candidate.rule, starts([candidate])) == (document(edited), [5])


def test_a_rule_in_test_mode_fires_as_ever():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)))
    tested = rule("nudge", trigger=NUDGE.trigger, mode="test")
    agent.apply(tested)
    [candidate] = agent.tick(T0 + DAY)
    assert candidate.rule == document(tested)


def test_two_rules_and_two_people_do_not_know_each_other():
    other = absence("other", within="20m")
    agent = Agent(NUDGE, other)
    both = occurrence("0-0-0", T0, match(NUDGE, STARTS), match(other, STARTS))
    agent.chunk(encode_rule_facts([both]), message(Told(STARTS, 0), person=BOB), message(Told(ENDS, 3)))
    came = agent.tick(T0 + DAY)
    assert sorted((each.person, each.rule) for each in came) == [
        (ANN, document(other)),
        (BOB, document(NUDGE)),
    ]


def test_what_is_erased_is_waited_for_no_more_and_nothing_of_it_stays():
    agent = Agent(NUDGE)
    agent.chunk(message(Told(STARTS, 0)), message(Told(STARTS, 2), person=BOB))
    agent.order(Erase(ANN, 0, T0), Erase(BOB, 0, T0))
    assert [each.person for each in agent.tick(T0 + DAY)] == [BOB], "hers was later than what is erased"
    assert not [value for value in agent.state.values() if b"0-0-0" in value]
    agent.chunk(message(Told(STARTS, 0)))
    assert not agent.tick(T0 + 2 * DAY)


def test_of_one_subject_the_latest_are_remembered():
    rules = [absence(f"r{number}") for number in range(KEPT_PER_SUBJECT_MAX + 1)]
    agent = Agent(*rules)
    agent.tell(occurrence("a", T0, *(match(each, STARTS) for each in rules)))
    came = agent.tick(T0 + DAY)
    assert {each.rule for each in came} == {document(each) for each in rules[1:]}


def test_nothing_stays_when_all_is_over():
    agent = Agent(NUDGE)
    agent.tick(T0)
    agent.chunk(message(Told(STARTS, 0)), message(Told(STARTS, 1), person=BOB), message(Told(ENDS, 2)))
    agent.tick(T0 + HOUR)
    assert [key for key in agent.state if key[:1] == b"w"], "for a while, for what comes late"
    for day in range(1, 4):
        agent.tick(T0 + KEPT_MS_MAX + day * DAY)
    assert list(agent.state) == [b"t"]


told = st.builds(Told, st.sampled_from([STARTS, ENDS]), st.integers(0, 40))
histories = st.lists(told, max_size=12, unique_by=lambda each: each.minute)


def expected(history: Sequence[Told]) -> list[int]:
    """Starts that are followed in time by neither another start nor an end."""
    found = []
    for each in sorted(history, key=lambda one: one.minute):
        if each.role == STARTS:
            after = [one for one in history if each.time < one.time <= each.time + WITHIN]
            found += [] if after else [each.minute]
    return found


@settings(max_examples=150, deadline=None)
@given(histories, st.sets(st.integers(0, 40)))
def test_in_order_each_start_that_nothing_followed_is_one_wherever_ticks_stand(
    history: list[Told], ticks: set[int]
):
    agent = Agent(NUDGE)
    messages = [(each.time, message(each)) for each in history]
    messages += [(T0 + minute * MIN, tick(T0 + minute * MIN)) for minute in sorted(ticks)]
    for _, value in sorted(messages):
        agent.chunk(value)
    agent.tick(T0 + DAY)
    assert starts(agent.candidates) == expected(history)


@settings(max_examples=150, deadline=None)
@given(histories.flatmap(st.permutations), st.lists(st.integers(0, 60), max_size=6))
def test_in_any_order_each_start_is_one_at_most_once_and_never_before_its_time(
    history: list[Told], ticks: list[int]
):
    agent = Agent(NUDGE)
    latest = 0
    for place, each in enumerate(history):
        latest = max(latest, each.time)
        assert all(found.at <= latest for found in agent.chunk(message(each)))
        if place < len(ticks):
            latest = max(latest, T0 + ticks[place] * MIN)
            assert all(found.at <= latest for found in agent.tick(T0 + ticks[place] * MIN))
    agent.tick(T0 + DAY)
    came = starts(agent.candidates)
    assert len(came) == len(set(came))
    assert set(came) <= {each.minute for each in history if each.role == STARTS}


early = st.lists(
    st.builds(Told, st.sampled_from([STARTS, ENDS]), st.integers(0, 9)),
    max_size=8,
    unique_by=lambda each: each.minute,
)


@settings(max_examples=150, deadline=None)
@given(early.flatmap(st.permutations))
def test_the_order_before_its_time_changes_nothing_of_what_is_confirmed(history: list[Told]):
    """All is told before the first time is over. Whoever confirms sees every end, also one that came before its start was told;
    of the others this agent has seen all."""
    agent = Agent(NUDGE)
    for each in history:
        agent.chunk(message(each))
    agent.tick(T0 + DAY)
    ends = {each.minute for each in history if each.role == ENDS}
    came = starts(agent.candidates)
    assert [minute for minute in came if not any(end > minute for end in ends)] == expected(history)
    if history and history[0].role == STARTS:
        assert came == expected(history)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(told | st.integers(0, 60), max_size=14),
    st.lists(st.integers(1, 5), min_size=1, max_size=14),
)
def test_how_chunks_are_cut_changes_nothing(history: list[Told | int], cuts: list[int]):
    values = [tick(T0 + each * MIN) if isinstance(each, int) else message(each) for each in history]
    whole, parts = Agent(NUDGE), Agent(NUDGE)
    whole.chunk(*values)
    while values:
        size = cuts.pop() if cuts else 1
        parts.chunk(*values[:size])
        values = values[size:]
    assert whole.outputs == parts.outputs
    assert whole.state == parts.state
