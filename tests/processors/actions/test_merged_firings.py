"""Firings of a person who was several: what fired for the others counts, and what waits goes to where theirs are."""

from typing import Any

import pytest

from processors.actions.firing_state import Seen, decode_state, encode_state
from schemas.actions.action_work import Firing
from schemas.identity.identifiers import partition_of, profile_key
from schemas.identity.orders import Erase
from tests.processors.actions.desk import DAY, HOUR, Desk, fired, named
from tests.processors.firings import AT, a_firing, a_rule

PARTITIONS = 2
QUIET = {"start": "11:00", "end": "13:30"}
MORNING = AT + 90 * 60_000


def home_of(profile: int) -> int:
    return partition_of(profile_key(profile), PARTITIONS)


PHONE = next(each for each in range(1, 99) if home_of(each) == 0)
ANN = next(each for each in range(1, 99) if home_of(each) == 1)


def of(profile: int, limits: dict[str, Any], number: int) -> Firing:
    rule = a_rule(limits={"expires_after": "30d"} | limits)
    return a_firing(rule, id=f"fire_{number}", profile=profile, subject=PHONE)


@pytest.mark.parametrize(
    ("limits", "elsewhere", "last"),
    [
        ({"once": True}, [AT - 300 * DAY], ("refused", "once")),
        ({"once": True}, [], ("sending", "")),
        ({"caps": [{"max": 1, "within": "1h"}]}, [AT - HOUR + 2_000], ("refused", "capped")),
        ({"caps": [{"max": 1, "within": "1h"}]}, [AT - HOUR], ("sending", "")),
        ({"caps": [{"max": 2, "within": "1h"}, {"max": 3, "within": "1d"}]}, [AT], ("sending", "")),
        ({"caps": [{"max": 2, "within": "1h"}]}, [AT - 5, AT], ("refused", "capped")),
        ({}, [AT], ("sending", "")),
    ],
)
def test_what_fired_for_the_person_as_another_profile_counts(
    limits: dict[str, Any], elsewhere: list[int], last: tuple[str, str]
) -> None:
    assert fired(Desk(), limits, elsewhere=elsewhere).last == last


def test_what_fired_here_and_what_fired_elsewhere_are_added_up() -> None:
    desk = fired(Desk(), limits := {"caps": [{"max": 2, "within": "1h"}]})
    assert fired(desk, limits, id="fire_2", elsewhere=[AT]).last == ("refused", "capped")


def test_firings_that_waited_for_one_morning_are_one_once_their_profiles_have_merged() -> None:
    limits = {"quiet_hours": QUIET, "once": True}
    desk = Desk(PARTITIONS).wait(5_000)
    one, other = of(PHONE, limits, 1), of(ANN, limits, 2)
    desk.take(one, home=0).take(other, home=1).until(MORNING)
    assert {each.home for each in desk.candidates} == {0, 1}
    desk.take(named(one, profile=ANN), home=0).take(other, home=1)
    assert [each["firing_id"] for each in desk.firings if each["state"] == "sending"] == ["fire_1"]
    assert desk.firings[-1]["reason"] == "once"
    assert [(due.home, due.id) for due in desk.dues] == [(1, "fire_1")], "it went to where the person's are"
    shown = [each for each in desk.firings if each["firing_id"] == "fire_1"]
    assert [(each["seq"], each["profile"]) for each in shown] == [(1, PHONE), (2, ANN)]
    desk.answer(desk.dues[0])
    assert desk.last == ("done", "")


def test_a_firing_that_moved_is_taken_once_and_answers_that_come_late_find_it_gone() -> None:
    limits = {"quiet_hours": QUIET}
    desk = Desk(PARTITIONS).wait(5_000).take(one := of(PHONE, limits, 1), home=0).until(MORNING)
    desk.take(named(one, profile=ANN), home=0).take(named(one, profile=ANN), home=0).take(one, home=0)
    desk.take(named(one, profile=ANN, moved_seq=1), home=1)
    assert desk.states_shown == [("waiting", "quiet_hours"), ("sending", "")]


def test_a_firing_comes_back_where_its_profiles_are_parted_again() -> None:
    night = {"quiet_hours": QUIET | {"timezone": "person"}}
    desk = Desk(PARTITIONS).wait(5_000).take(one := of(PHONE, night, 1), home=0).until(MORNING)
    far = named(one.person, timezone="Atlantic/Azores")
    desk.take(named(one, profile=ANN, person=far), home=0)
    assert desk.last == ("waiting", "quiet_hours"), "it is noon there"
    desk.wait(HOUR)
    assert desk.candidates[-1].home == 1
    desk.take(named(one, profile=PHONE), home=1)
    assert [(each["state"], each["seq"], each["profile"]) for each in desk.firings[1:]] == [
        ("waiting", 2, ANN),
        ("sending", 3, PHONE),
    ]


def test_what_was_sent_or_is_refused_stays_where_it_is() -> None:
    desk = Desk(PARTITIONS).wait(5_000).take(one := of(PHONE, {}, 1), home=0)
    desk.answer(desk.dues[0], "retry", retry_after_ms=HOUR).wait(HOUR + 1_000)
    assert desk.candidates[-1].home == 0
    desk.take(named(one, profile=ANN), home=0)
    assert (desk.dues[-1].home, desk.firings[-1]["profile"]) == (0, PHONE)
    waiting = Desk(PARTITIONS).wait(5_000).take(late := of(PHONE, {"delay": "1h"}, 2), home=0).wait(HOUR)
    waiting.take(named(late, profile=0, refused="rule_gone"), home=0)
    assert waiting.last == ("refused", "rule_gone")
    assert not waiting.dues


def test_who_was_forgotten_while_their_firing_moved_gets_nothing() -> None:
    desk = Desk(PARTITIONS).wait(5_000).take(one := of(PHONE, {"delay": "1h"}, 1), home=0).wait(HOUR)
    desk.take(orders=[Erase(PHONE, 0, AT)], home=1).take(named(one, profile=ANN), home=0)
    assert desk.last == ("refused", "forgotten")
    assert desk.firings[-1]["subject"] == 0


@pytest.mark.parametrize("seen", [Seen(AT), Seen(AT, 7), Seen(AT, 2**31)])
def test_what_is_left_of_a_firing_reads_as_it_was_written(seen: Seen) -> None:
    assert decode_state(encode_state(seen)) == seen
