"""Limits of rules, as the agent keeps them: delay, quiet hours, caps, once, quotas, expiry."""

import pytest

from schemas.actions.action_work import Person
from tests.processors.actions.desk import DAY, HOUR, MINUTE, Desk, fired
from tests.processors.firings import AT, NODE, a_firing, a_rule


def test_a_delay_waits_and_is_asked_about_again_where_it_waits() -> None:
    desk = fired(Desk(3).wait(5_000), {"delay": "2h", "expires_after": "3h"})
    assert desk.states_shown == [("waiting", "delay")]
    desk.wait(HOUR)
    assert desk.candidates == []
    desk.wait(HOUR)
    (candidate,) = desk.candidates
    assert (candidate.recheck, candidate.home, candidate.person) == ("fire_1", 0, NODE)
    rule = a_rule(limits={"delay": "2h", "expires_after": "3h"})
    later = a_firing(rule, person=Person(email="new@shop.example"))
    desk.take(later)
    assert desk.last == ("sending", "")
    assert b"new@shop.example" in desk.dues[0].request
    desk.take(later)
    assert len(desk.dues) == 1


def test_what_waited_may_be_refused_and_may_expire() -> None:
    limits = {"delay": "2h", "expires_after": "3h"}
    desk = fired(Desk().wait(5_000), limits).wait(2 * HOUR)
    desk.take(a_firing(a_rule(limits=limits), refused="suppressed"))
    assert desk.last == ("refused", "suppressed")
    lost = fired(Desk().wait(5_000), limits).wait(2 * HOUR)
    for _ in range(8):
        lost.wait(11 * MINUTE)
    assert len(lost.candidates) > 2
    assert lost.last == ("refused", "expired")


def test_quiet_hours_wait_for_their_end_or_drop() -> None:
    quiet = {"start": "11:00", "end": "13:30"}
    desk = fired(Desk().wait(5_000), {"quiet_hours": quiet})
    assert desk.last == ("waiting", "quiet_hours")
    desk.wait(89 * MINUTE)
    assert desk.candidates == []
    desk.wait(MINUTE)
    assert len(desk.candidates) == 1
    assert fired(Desk(), {"quiet_hours": quiet | {"then": "drop"}}).last == ("refused", "quiet_hours")
    person = {"quiet_hours": quiet | {"timezone": "person"}}
    assert fired(Desk(), person, person=Person(timezone="Asia/Tokyo")).last == ("sending", "")
    assert fired(Desk(), person, person=Person(timezone="Nowhere/At all")).last == ("waiting", "quiet_hours")


def test_a_firing_for_nobody_that_waited_is_asked_about_since_its_rule_may_be_gone() -> None:
    limits = {"delay": "1h"}
    for mode, why, last in (
        ("live", "", ("sending", "")),
        ("test", "", ("test", "")),
        ("live", "rule_gone", ("refused", "rule_gone")),
    ):
        desk = fired(Desk().wait(5_000), limits, profile=0, subject=0).wait(HOUR)
        (candidate,) = desk.candidates
        assert (candidate.recheck, candidate.person, candidate.subject) == ("fire_1", 0, 0)
        desk.take(a_firing(a_rule(limits=limits, mode=mode), profile=0, subject=0, refused=why))
        assert desk.last == last


def test_caps_count_what_was_sent_within_any_stretch() -> None:
    limits = {"caps": [{"max": 2, "within": "1h"}]}
    desk = Desk().wait(5_000)
    for number in range(3):
        desk.take(a_firing(a_rule(limits=limits), id=f"fire_{number}"))
    desk.take(a_firing(a_rule(limits=limits), id="fire_of_another", profile=1))
    assert desk.states_shown == [("sending", ""), ("sending", ""), ("refused", "capped"), ("sending", "")]
    desk.wait(HOUR).take(a_firing(a_rule(limits=limits), id="fire_later"))
    assert desk.last == ("sending", "")


def test_once_is_once_whatever_the_version() -> None:
    desk = fired(Desk(), {"once": True})
    desk.wait(300 * DAY)
    desk.take(a_firing(a_rule(limits={"once": True}), id="fire_2", rule_version="2", at=desk.now))
    assert desk.last == ("refused", "once")


def test_a_place_among_the_caps_is_given_back_by_what_is_not_sent() -> None:
    limits = {"once": True, "quota": {"max": 1}}
    desk = Desk()
    desk.take(a_firing(a_rule(limits={"quota": {"max": 1}}), id="fire_0"))
    desk.take(a_firing(a_rule(limits=limits), id="fire_1"))
    assert desk.last == ("refused", "over_quota")
    desk.take(a_firing(a_rule(limits={"once": True}), id="fire_2"))
    assert desk.last == ("sending", "")


@pytest.mark.parametrize(("per", "next_at"), [("day", AT + 12 * HOUR), ("month", AT + 18 * DAY - 12 * HOUR)])
def test_a_quota_is_counted_exactly_over_all_partitions(per: str, next_at: int) -> None:
    rule = a_rule(limits={"quota": {"max": 5, "per": per}, "expires_after": "60d"})
    desk = Desk(3).wait(5_000)
    for number in range(12):
        desk.take(a_firing(rule, id=f"fire_{number}", profile=number), home=number % 3)
    assert desk.states_shown.count(("sending", "")) == 5
    assert desk.states_shown.count(("refused", "over_quota")) == 7
    desk.until(next_at - 10_000).take(a_firing(rule, id="fire_12"))
    assert desk.last == ("refused", "over_quota")
    desk.until(next_at).take(a_firing(rule, id="fire_13"))
    assert desk.last == ("sending", "")


def test_a_quota_for_ever_stays_used() -> None:
    rule = a_rule(limits={"quota": {"max": 1, "per": "total"}, "expires_after": "900d"})
    desk = Desk().take(a_firing(rule, id="fire_1")).wait(800 * DAY).take(a_firing(rule, id="fire_2"))
    assert desk.last == ("refused", "over_quota")


def test_tests_use_up_nothing() -> None:
    limits = {"once": True, "quota": {"max": 1}}
    desk = Desk().take(a_firing(a_rule(limits=limits, mode="test"), id="fire_1"))
    desk.take(a_firing(a_rule(limits=limits), id="fire_2"))
    assert desk.states_shown == [("test", ""), ("sending", "")]
