"""What stage `confirm` asks of the past of a person who was several: what a trait was before, and how often a rule fired.

Profiles merge before a candidate is sent, between the candidate and its confirmation, and after that.
"""

from collections.abc import Iterator
from itertools import permutations
from typing import Any

import pytest

from schemas.actions.action_work import Firing
from schemas.rules.rule_candidates import Candidate
from schemas.rules.rules import Rule
from tests.sinks.confirming.confirming import (
    NOW,
    SECOND,
    Confirming,
    candidate,
    confirming_beside,
    id_of,
    number,
    rule,
)
from tests.sinks.stage import Tables

PREFIX = "history-"
MOMENTS = ("before", "between", "after")
ONCE, CAPPED = {"once": True}, {"caps": [{"max": 2, "within": "1h"}]}


@pytest.fixture(scope="module")
def stage(kafka: str, clickhouse: str, module_database: str) -> Iterator[Confirming]:
    with confirming_beside(kafka, Tables(clickhouse, module_database), PREFIX) as found:
        yield found


def of_trait(name: str = "plan", **trigger: Any) -> Rule:
    return rule(trigger={"trait": {"name": name} | trigger})


def stated(of: Rule, subject: int, traits: dict[str, Any], **fields: Any) -> Candidate:
    return candidate(of, subject, {"type": "identify", "traits": traits}, **fields)


def confirmed_at_each_moment(
    stage: Confirming, candidates: dict[str, list[Candidate]], pairs: dict[str, tuple[int, int]]
) -> dict[str, list[Firing]]:
    """By when the pair merged, the first into the second."""
    stage.merge(*pairs["before"])
    with stage.held():
        stage.send(*(each for some in candidates.values() for each in some))
        stage.merge(*pairs["between"])
    found = {moment: stage.of(*map(id_of, some)) for moment, some in candidates.items()}
    stage.merge(*pairs["after"])
    return found


def test_a_trait_that_another_profile_of_the_person_had_already_did_not_change(stage: Confirming) -> None:
    stage.apply(of := of_trait())
    pairs = {moment: (number(), number()) for moment in MOMENTS}
    asked = {moment: [stated(of, phone, {"plan": "pro"})] for moment, (phone, _) in pairs.items()}
    for moment, (phone, ann) in pairs.items():
        stage.states(phone, {"plan": "free"}, ago=20)
        stage.states(ann, {"plan": "pro"}, ago=10)
        stage.states(phone, {"plan": "pro"}, ago=1, message_id=asked[moment][0].message_id)
    found = confirmed_at_each_moment(stage, asked, pairs)
    assert {moment: [each.refused for each in some] for moment, some in found.items()} == {
        "before": ["unchanged"],
        "between": ["unchanged"],
        "after": [""],
    }


def test_the_order_in_which_statements_and_merges_become_known_is_no_matter(stage: Confirming) -> None:
    stage.apply(same := of_trait(), other := of_trait("tier", **{"from": {"op": "eq", "value": 2}}))
    candidates = []
    for order in permutations(range(3)):
        phone, ann = number(), number()
        known = (
            lambda phone=phone: stage.states(phone, {"plan": "free", "tier": 1}, ago=20),
            lambda ann=ann: stage.states(ann, {"plan": "pro", "tier": 2}, ago=10),
            lambda phone=phone, ann=ann: stage.merge(phone, ann),
        )
        for each in order:
            known[each]()
        traits = {"plan": "pro", "tier": 3}
        candidates += [stated(same, phone, traits), stated(other, ann, traits)]
    assert [each.refused for each in stage.after(*candidates)] == ["unchanged", ""] * 6


def test_what_a_trait_was_is_its_newest_statement_before_by_time_and_message_id(stage: Confirming) -> None:
    moment = NOW - SECOND
    histories: list[tuple[list[tuple[Any, int, str]], dict[str, Any], str]] = [
        ([], {}, ""),
        ([("pro", 9, "a")], {}, "unchanged"),
        ([("pro", 9, "a"), ("free", 5, "b")], {}, ""),
        ([("free", 9, "a"), ("pro", 5, "b")], {}, "unchanged"),
        ([("free", 9, "a"), ("pro", 1, "z")], {}, ""),
        ([("free", 9, "a"), ("pro", 1, "a")], {}, "unchanged"),
        ([("free", 9, "a"), ("pro", 0, "b")], {}, ""),
        ([("free", 9, "a")], {"from": {"op": "eq", "value": "free"}}, ""),
        ([("team", 9, "a")], {"from": {"op": "eq", "value": "free"}}, "unchanged"),
        ([("team", 9, "a")], {"from": {"op": "neq", "value": "free"}}, ""),
        ([], {"from": {"op": "exists"}}, "unchanged"),
        ([], {"from": {"op": "missing"}}, ""),
        ([(None, 9, "a")], {"from": {"op": "missing"}}, ""),
    ]
    rules = [of_trait(**trigger) for _, trigger, _ in histories]
    stage.apply(*rules)
    candidates = []
    for of, (statements, _, _) in zip(rules, histories, strict=True):
        ann = number()
        for value, ago, message in statements:
            stage.states(ann, {"plan": value, "other": 1}, ago=ago, message_id=message)
        candidates.append(stated(of, ann, {"plan": "pro"}, at=moment, message_id="m"))
    assert [each.refused for each in stage.after(*candidates)] == [why for _, _, why in histories]


def test_values_are_the_same_however_they_are_written_and_a_name_may_reach_into_them(
    stage: Confirming,
) -> None:
    whole, part = of_trait("size"), of_trait("size.width", **{"from": {"op": "gte", "value": 2}})
    stage.apply(whole, part)
    ann = number()
    stage.states(ann, {"size": {"width": 2.0, "units": ["mm", 1]}}, ago=10)
    values = [{"units": ["mm", 1.0], "width": 2}, {"width": 3, "units": True}, {"width": 3, "units": 1}, None]
    candidates = [stated(of, ann, {"size": value}) for value in values for of in (whole, part)]
    unchanged = "unchanged"
    assert [each.refused for each in stage.after(*candidates)] == [unchanged, unchanged, *[""] * 6]
    nobody = number()
    assert [each.refused for each in stage.after(stated(whole, nobody, {"size": None}))] == [unchanged]


def test_a_firing_brings_along_when_its_rule_fired_for_what_its_person_was_before(stage: Confirming) -> None:
    once, capped, tried = rule(limits=ONCE), rule(limits=CAPPED), rule(limits=ONCE, mode="test")
    stage.apply(once, capped, tried)
    pairs = {moment: (number(), number()) for moment in MOMENTS}
    times: dict[str, list[list[int]]] = {}
    for moment, (phone, ann) in pairs.items():
        stage.fired(capped, phone, phone, ago=4_000)
        recent = [stage.fired(capped, phone, phone, ago=ago) for ago in (600, 500)]
        old = stage.fired(once, phone, phone, "done", ago=86_400 * 400)
        test = stage.fired(tried, phone, phone, "test")
        for of in (once, capped, tried):
            stage.fired(
                of, ann, ann, "test" if of is tried else "sending"
            )  # its own, which its partition knows
            for state in ("waiting", "refused"):
                stage.fired(of, phone, phone, state)
        times[moment] = [[old], recent, [test]] if moment != "after" else [[], [], []]
    asked = {
        moment: [candidate(of, ann) for of in (once, capped, tried)] for moment, (_, ann) in pairs.items()
    }
    found = confirmed_at_each_moment(stage, asked, pairs)
    assert {moment: [each.elsewhere for each in some] for moment, some in found.items()} == times
    assert stage.after(candidate(once, number()))[0].elsewhere == []


def test_whoever_merges_while_a_candidate_waits_is_asked_about_as_one_person(stage: Confirming) -> None:
    done = {"after": {"event": "Added"}, "of": {"event": "Bought"}, "within": "1h"}
    absent, member = rule(trigger={"absence": done}), rule(conditions={"in_segments": ["vip"]})
    staff = rule(conditions={"not_in_segments": ["vip"]})
    trait = rule(conditions={"traits": [{"name": "plan", "op": "eq", "value": "pro"}]})
    rules = (absent, member, staff, trait)
    stage.apply(*rules)
    pairs = {moment: (number(), number()) for moment in MOMENTS}
    for _, ann in pairs.values():
        stage.happened(ann, event="Bought", timestamp=NOW - 5 * SECOND)
        stage.enters(ann, "vip")
        stage.states(ann, {"plan": "pro"})
    since: dict[str, Any] = {"at": NOW, "absent_since": NOW - 3_600 * SECOND}
    asked = {
        moment: [candidate(of, phone, **(since if of is absent else {})) for of in rules]
        for moment, (phone, _) in pairs.items()
    }
    found = confirmed_at_each_moment(stage, asked, pairs)
    one = ["absence_ended", "", "in_segment", ""]
    whys = {moment: [each.refused for each in some] for moment, some in found.items()}
    assert whys == {"before": one, "between": one, "after": ["", "not_in_segment", "", "trait"]}
    persons = {moment: {each.profile for each in some} for moment, some in found.items()}
    assert persons == {
        moment: {phone if moment == "after" else ann} for moment, (phone, ann) in pairs.items()
    }
