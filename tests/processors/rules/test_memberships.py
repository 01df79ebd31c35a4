"""Agent `memberships`: which changes of who is in a segment are for a rule."""

from typing import Any

import pytest

from processors.rules.memberships import Memberships
from schemas.events.rule_event import decode_rule_event
from schemas.rules.rule_facts import FIRES, Occurrence
from schemas.topics import EVENTS_DEAD
from schemas.wire.codec import decode, encode_membership
from tests.processors.rule_records import PARTITIONS, index, inputs, occurrences, resolved, rule

NOW = 1_700_000_000_000
ENTERED = {"segment": {"entered": "vips"}}


def _change(**said: Any) -> bytes:
    known = {
        "message_id": "m1",
        "workspace": "main",
        "segment": "vips",
        "version": "v1",
        "profile": 77,
        "profile_id": f"{77:016x}",
        "seq": 1,
        "change": "enter",
        "reason": "data",
        "observed_at": NOW,
        "effective_at": NOW - 5_000,
        "run": 3,
    }
    return encode_membership(known | said)


def _step(*documents: dict[str, Any]) -> Memberships:
    made = index(*documents)
    return Memberships(lambda: made, partitions=PARTITIONS)


def _told(step: Memberships, **said: Any) -> list[Occurrence]:
    return occurrences(step(0, inputs([_change(**said)]), {}))


def test_who_enters_or_leaves_fires_the_rules_that_name_the_segment() -> None:
    step = _step(
        rule("in", trigger=ENTERED),
        rule("out", trigger={"segment": {"left": "vips"}}),
        rule("others", trigger={"segment": {"entered": "others"}}),
        rule("theirs", trigger=ENTERED, workspace="other"),
    )
    (entered,), (left,) = _told(step), _told(step, change="leave")
    assert [(match.rule, match.role) for match in entered.matches] == [("in", FIRES)]
    assert [match.rule for match in left.matches] == ["out"]


def test_a_change_is_told_as_it_was() -> None:
    (found,) = _told(_step(rule(trigger=ENTERED)))
    assert (found.id, found.person, found.subject, found.message_id) == ("m1", 77, 77, "")
    assert (found.time, found.seen_at, found.hops) == (NOW - 5_000, NOW, 0)
    told = decode_rule_event(found.event)
    assert (told.type, told.profile_id) == ("membership", f"{77:016x}")
    assert told.change == {
        "segment": "vips",
        "change": "enter",
        "reason": "data",
        "effective_at": "2023-11-14T22:13:15.000Z",
    }


@pytest.mark.parametrize(
    ("reason", "plain", "initial"),
    [
        ("data", 1, 1),
        ("time", 1, 1),
        ("identity", 1, 1),
        ("initial", 0, 1),
        ("definition", 0, 1),
        ("merge", 0, 0),
        ("forgotten", 0, 0),
    ],
)
def test_reasons_decide_whether_somebody_came(reason: str, plain: int, initial: int) -> None:
    assert len(_told(_step(rule(trigger=ENTERED)), reason=reason)) == plain
    started = _step(rule(trigger={"segment": {"entered": "vips", "initial": True}}))
    assert len(_told(started, reason=reason)) == initial


def test_conditions_of_an_event_are_asked_of_none() -> None:
    has, lacks = ({"where": [{"path": "plan", "op": op}]} for op in ("exists", "missing"))
    assert _told(_step(rule(trigger=ENTERED, conditions=has))) == []
    assert len(_told(_step(rule(trigger=ENTERED, conditions=lacks)))) == 1
    assert _told(_step(rule(trigger=ENTERED, conditions={"consent": ["ads"]}))) == []


def test_what_is_no_change_of_membership_is_a_dead_letter() -> None:
    outputs = _step(rule(trigger=ENTERED))(0, inputs([b"", resolved(), _change()[:20], _change()]), {})
    assert [each.topic for each in outputs[1:]] == [EVENTS_DEAD.name] * 3
    assert {decode(each.value)["reason"] for each in outputs[1:]} == {"unreadable_record"}
