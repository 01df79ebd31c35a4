"""What becomes of a firing: each state, each reason, and what changes nothing."""

import msgspec
import pytest

from processors.actions.firing_state import SEEN_MS
from schemas.actions.action_work import Grant, Person, encode_work
from schemas.identity.orders import Erase
from schemas.stream import InputRecord
from tests.processors.actions.desk import DAY, HOUR, MINUTE, Desk, bytes_of, fired, new_step
from tests.processors.firings import AT, a_firing, a_rule


def test_a_firing_is_sent_and_done() -> None:
    desk = fired(Desk())
    assert desk.states_shown == [("sending", "")]
    (due,) = desk.dues
    assert (due.id, due.attempt, due.destination, due.kind, due.home) == ("fire_1", 1, "crm", "webhook", 0)
    assert due.not_after == AT + DAY
    desk.answer(due)
    assert desk.states_shown == [("sending", ""), ("done", "")]
    assert [each["seq"] for each in desk.firings] == [1, 2]
    assert [(each["attempt"], each["outcome"]) for each in desk.deliveries] == [(1, "delivered")]
    assert desk.firings[-1]["attempts"] == 1


def test_a_firing_that_was_seen_is_dropped_for_eight_days() -> None:
    desk = fired(Desk().wait(5_000))
    desk.answer(desk.dues[0])
    for _ in range(3):
        fired(desk)
    fired(desk.wait(SEEN_MS - MINUTE))
    assert len(desk.firings) == 2
    assert len(desk.dues) == 1
    desk.wait(2 * MINUTE)
    assert not any(key[:1] == b"f" for key in desk.states[0])


def test_what_ended_leaves_few_bytes() -> None:
    desk = Desk().wait(5_000)
    for number in range(500):
        desk.take(a_firing(id=f"fire_{number}", refused="suppressed"))
    assert bytes_of(desk.states[0]) / 500 < 40


@pytest.mark.parametrize("why", ["suppressed", "in_segment", "rule_gone"])
def test_what_was_refused_before_is_only_written_down(why: str) -> None:
    desk = fired(Desk(), refused=why)
    assert desk.states_shown == [("refused", why)]
    assert desk.dues == []


def test_a_test_does_everything_but_send() -> None:
    desk = Desk().take(a_firing(a_rule(mode="test")))
    assert desk.states_shown == [("test", "")]
    assert desk.dues == []


def test_what_happened_too_long_ago_is_refused() -> None:
    desk = fired(Desk(), {"expires_after": "1h"}, at=AT - HOUR)
    assert desk.states_shown == [("refused", "expired")]


def test_an_event_of_too_many_firings_is_refused() -> None:
    assert fired(Desk(), hops=6).last == ("refused", "too_many_hops")
    assert fired(Desk(), hops=5).last == ("sending", "")


def test_a_template_that_fails_and_a_mail_to_nobody_are_refused() -> None:
    failing = {"webhook": {"destination": "crm", "body": ["{{ 1 | divided_by: 0 }}"]}}
    unreadable = {"webhook": {"destination": "crm", "body": ["{% if %}"]}}
    mail = {"email": {"destination": "mail", "subject": "x", "text": "x"}}
    assert Desk().take(a_firing(a_rule(failing))).last == ("refused", "template_failed")
    assert Desk().take(a_firing(a_rule(unreadable))).last == ("refused", "template_failed")
    assert Desk().take(a_firing(a_rule(mail), person=Person())).last == ("refused", "no_recipient")


def test_what_was_wrong_with_a_template_is_told_with_its_place() -> None:
    failing = {"webhook": {"destination": "crm", "body": {"a": ["x", "{{ 1 | divided_by: 0 }}"]}}}
    mail = {"email": {"destination": "mail", "subject": "x", "text": "x"}}
    path = {"http": {"destination": "crm", "path": "/{{ event.properties.no }}"}}
    details = [
        Desk().take(a_firing(a_rule(action), person=Person())).firings[-1]["detail"]
        for action in (failing, mail, path)
    ]
    assert details[0].startswith("webhook.body.a[1]: ")
    assert "divided_by" in details[0]
    assert details[1:] == ["email.to: a value is missing or empty", "http.path: a value is missing or empty"]
    assert {each["detail"] for each in fired(Desk(), {"quota": {"max": 1, "per": "day"}}).firings} == {""}


def test_an_attempt_that_fails_is_made_again_with_the_same_request_for_a_day() -> None:
    desk = fired(Desk().wait(5_000), {"expires_after": "7d"})
    while desk.last[0] != "failed":
        desk.answer(desk.dues[-1], "retry", status=503, error="busy")
        for _ in range(200):
            if desk.last[0] != "waiting":
                break
            desk.wait(5 * MINUTE)
            if desk.candidates:
                other = Person(email="another@shop.example")
                desk.take(a_firing(a_rule(limits={"expires_after": "7d"}), person=other))
                desk.candidates.clear()
    assert desk.last == ("failed", "given_up")
    assert len({due.request for due in desk.dues}) == 1
    assert [due.attempt for due in desk.dues] == list(range(1, len(desk.dues) + 1))
    assert 8 <= len(desk.dues) <= 11
    assert [each["outcome"] for each in desk.deliveries] == ["retry"] * (len(desk.dues) - 1) + ["given_up"]
    assert [each["seq"] for each in desk.firings] == list(range(1, len(desk.firings) + 1))
    (letter,) = desk.letters
    assert (letter["stage"], letter["reason"], letter["message_id"]) == ("actions", "given_up", "m1")
    assert letter["payload"] == desk.dues[0].request
    assert desk.firings[-1]["attempts"] == len(desk.dues)


@pytest.mark.parametrize(("outcome", "why"), [("failed", "rejected"), ("gone", "gone")])
def test_a_final_answer_ends_it_with_a_dead_letter(outcome: str, why: str) -> None:
    desk = fired(Desk())
    desk.answer(desk.dues[0], outcome, status=410)
    assert desk.last == ("failed", why)
    assert [each["outcome"] for each in desk.deliveries] == ["failed"]
    assert [each["reason"] for each in desk.letters] == [why]


def test_an_attempt_whose_time_was_over_was_not_refused_by_the_destination() -> None:
    desk = fired(Desk(), {"expires_after": "1h"})
    desk.now = desk.dues[0].not_after + 1
    desk.answer(desk.dues[0], "failed", error="not sent: its time was over")
    assert desk.last == ("failed", "given_up")
    assert desk.deliveries[0]["outcome"] == "given_up"


def test_a_destinations_own_wish_is_heeded() -> None:
    desk = fired(Desk().wait(5_000))
    desk.answer(desk.dues[0], "retry", retry_after_ms=4 * MINUTE)
    assert desk.wait(3 * MINUTE).last == ("waiting", "retry")
    assert desk.wait(90_000).last == ("sending", "")
    assert desk.deliveries[0]["next_at"].minute == 4


def test_a_postponed_attempt_costs_none_and_is_not_shown() -> None:
    desk = fired(Desk().wait(5_000))
    for _ in range(3):
        desk.answer(desk.dues[-1], "postponed").wait(2 * MINUTE)
        assert desk.dues[-1].attempt == 1
        desk.candidates.clear()
        fired(desk)
    assert desk.states_shown == [("sending", "")]
    assert desk.deliveries == []
    desk.answer(desk.dues[-1])
    assert desk.last == ("done", "")


def test_results_that_are_late_repeated_or_of_nobody_change_nothing() -> None:
    desk = fired(Desk().wait(5_000))
    first = desk.dues[0]
    desk.answer(first, "retry")
    before = list(desk.firings)
    desk.answer(first, "delivered").answer(first, "retry").answer(first, "gone")
    desk.answer(msgspec.structs.replace(first, attempt=2), "delivered")
    desk.answer(msgspec.structs.replace(first, id="fire_no"), "delivered")
    desk.take(Grant(id="fire_1", granted=True, used=1), Grant(id="fire_no", granted=False, used=1))
    assert desk.firings == before
    desk.wait(MINUTE).answer(desk.dues[-1])
    desk.answer(desk.dues[-1], "retry").answer(desk.dues[-1])
    assert desk.states_shown[-2:] == [("sending", ""), ("done", "")]
    assert len(desk.deliveries) == 2


def test_an_attempt_of_which_nothing_is_heard_is_made_again() -> None:
    desk = fired(Desk().wait(5_000)).wait(9 * MINUTE)
    assert len(desk.dues) == 1
    desk.wait(2 * MINUTE)
    assert [due.attempt for due in desk.dues] == [1, 1]
    assert desk.states_shown == [("sending", "")]
    desk.wait(2 * DAY)
    assert desk.last == ("failed", "given_up")


def test_who_is_forgotten_is_dropped_and_named_nowhere() -> None:
    desk = fired(Desk().wait(5_000), {"delay": "2h"}, subject=3)
    desk.take(a_firing(id="fire_2", at=AT + 1, seen_at=AT + 1, profile=9, subject=3))
    desk.take(orders=[Erase(3, 0, AT)])
    assert desk.states_shown == [("waiting", "delay"), ("sending", ""), ("refused", "forgotten")]
    told = desk.firings[-1]
    assert (told["subject"], told["profile"], told["profile_id"], told["message_id"]) == (0, 0, "", "")
    desk.take(orders=[Erase(9, 0, AT + 1)])
    assert desk.last == ("refused", "forgotten")
    assert not any(b"shop.example" in value or b"ann" in value for value in desk.states[0].values())
    assert not any(key[:1] == b"i" for key in desk.states[0])
    desk.answer(desk.dues[0]).wait(3 * HOUR)
    assert fired(desk, subject=3, id="fire_3").last == ("refused", "forgotten")
    assert len(desk.dues) == 1


def test_the_end_of_an_absence_is_forgotten_with_its_beginning() -> None:
    desk = fired(Desk().wait(5_000), {"delay": "2h"}, subject=3, at=AT + HOUR)
    desk.take(orders=[Erase(3, 0, AT)])
    assert desk.last == ("refused", "forgotten")
    assert fired(desk, subject=3, at=AT + HOUR, id="fire_2").last == ("refused", "forgotten")


def test_what_cannot_be_read_is_a_dead_letter_and_stops_nothing() -> None:
    desk = Desk()
    records = [
        InputRecord(0, AT, None, b"\xc1"),
        InputRecord(1, AT, None, None),
        InputRecord(2, AT, None, encode_work([a_firing(b'{"rule": 5}', id="fire_0"), a_firing()])),
    ]
    topics = [each.topic for each in desk.step(0, records, {})]
    assert sorted(topics) == ["actions", "actions.due", "events.dead", "events.dead", "events.dead"]


def test_how_chunks_are_cut_changes_nothing() -> None:
    limits = {"caps": [{"max": 1, "within": "1h"}], "quota": {"max": 2}}
    rule = a_rule(limits=limits)
    values = [encode_work(tick=AT)]
    for number in range(4):
        values.append(encode_work([a_firing(rule, id=f"fire_{number}", profile=number % 3 + 1)]))
        values.append(encode_work([Grant(id=f"fire_{number}", granted=number % 2 == 0, used=1)]))
    values += [encode_work(orders=[Erase(1, 0, AT)]), encode_work(tick=AT + HOUR)]
    records = [InputRecord(number, AT + 1_000 - number, None, value) for number, value in enumerate(values)]
    found = []
    for size in (1, 3, len(records)):
        state: dict[bytes, bytes] = {}
        chunks = [records[at : at + size] for at in range(0, len(records), size)]
        outputs = [each for chunk in chunks for each in new_step()(0, chunk, state)]
        found.append((state, [each for each in outputs if each.topic != "actions.work"]))
    assert len(found[0][1]) == 8
    assert found[0] == found[1] == found[2]


def test_what_waits_is_sent_when_its_rule_would_be_refused_by_now() -> None:
    """A rule that was applied before quotas had a bound is read as it was, also from what an older release left."""
    desk = fired(Desk(), {"delay": "1h", "quota": {"max": 5_000_000_000}})
    assert desk.last == ("waiting", "delay")
    desk.wait(HOUR).take(a_firing(a_rule(limits={"delay": "1h", "quota": {"max": 5_000_000_000}})))
    assert desk.last == ("sending", "")
    assert desk.letters == []
