"""What becomes of a firing: each state, each reason, and what changes nothing."""

from typing import Any

import msgspec
import pytest

from processors.firing_state import SEEN_MS
from schemas.action_work import Grant, Person, encode_work
from schemas.contact_facts import decode_contact_facts
from schemas.orders import Erase
from schemas.pack import decode_pack
from schemas.stream import InputRecord
from tests.processors.actions import DAY, HASH_KEY, HOUR, MINUTE, Desk, bytes_of, named, result
from tests.processors.firings import AT, NODE, a_firing, a_rule

WEBHOOK = {"webhook": {"destination": "crm"}}


def fired(desk: Desk, limits: dict[str, Any] | None = None, **fields: Any) -> Desk:
    return desk.take(a_firing(a_rule(limits=limits or {}), **fields))


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


def test_an_attempt_that_fails_is_made_again_with_the_same_request_for_a_day() -> None:
    desk = fired(Desk().wait(5_000), {"expires_after": "7d"})
    while desk.last[0] != "failed":
        desk.answer(desk.dues[-1], "retry", status=503, error="busy")
        for _ in range(200):
            if desk.last[0] != "waiting":
                break
            desk.wait(5 * MINUTE)
            if desk.candidates:
                desk.take(a_firing(a_rule(limits={"expires_after": "7d"})))
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


def test_a_destinations_own_wish_is_heeded() -> None:
    desk = fired(Desk().wait(5_000))
    desk.answer(desk.dues[0], "retry", retry_after_ms=4 * MINUTE)
    assert desk.wait(3 * MINUTE).last == ("waiting", "retry")
    assert desk.wait(90_000).last == ("sending", "")
    assert desk.deliveries[0]["next_at"] >= AT + 4 * MINUTE


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


def test_a_delay_waits_and_is_asked_about_again_where_it_waits() -> None:
    desk = fired(Desk(3).wait(5_000), {"delay": "2h", "expires_after": "1h"})
    assert desk.states_shown == [("waiting", "delay")]
    desk.wait(HOUR)
    assert desk.candidates == []
    desk.wait(HOUR)
    (candidate,) = desk.candidates
    assert (candidate.recheck, candidate.home, candidate.person) == ("fire_1", 0, NODE)
    rule = a_rule(limits={"delay": "2h", "expires_after": "1h"})
    later = a_firing(rule, profile=7, person=Person(email="new@shop.example"))
    desk.take(later)
    assert desk.last == ("sending", "")
    assert b"new@shop.example" in desk.dues[0].request
    desk.take(later)
    assert len(desk.dues) == 1


def test_what_waited_may_be_refused_and_may_expire() -> None:
    limits = {"delay": "2h", "expires_after": "1h"}
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


def test_nobody_is_not_asked_about() -> None:
    desk = fired(Desk().wait(5_000), {"delay": "1h"}, profile=0, subject=0).wait(HOUR)
    assert desk.candidates == []
    assert desk.last == ("sending", "")


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


def test_who_is_forgotten_is_dropped_and_named_nowhere() -> None:
    desk = fired(Desk().wait(5_000), {"delay": "2h"}, subject=3)
    desk.take(a_firing(id="fire_2", at=AT + 1, profile=9, subject=3))
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


def test_an_event_and_a_trait_are_sent_in_the_events_name_with_the_firings_id() -> None:
    action = {"event": {"name": "Welcomed", "properties": {"value": "{{ event.properties.value }}"}}}
    desk = Desk().take(
        a_firing(a_rule(action), event={"anonymous_id": "a1", "properties": {"value": 5}}, hops=2)
    )
    assert desk.states_shown == [("done", "")]
    assert desk.firings[0]["attempts"] == 1
    (event,) = decode_pack(desk.others[0].value).events
    assert (event.message_id, event.type, event.routing, event.source) == (
        "fire_1",
        "track",
        b"main|a:a1",
        "shop",
    )
    call = msgspec.json.decode(event.payload)
    assert call["context"]["stitchline"] == {"rule": "welcome", "firing": "fire_1", "hops": 3}
    assert (call["anonymousId"], call["userId"], call["event"]) == ("a1", "ann", "Welcomed")
    assert call["properties"] == {"value": 5}


@pytest.mark.parametrize(
    ("person", "routing"),
    [
        (Person(user_id="u1", anonymous_id="a1"), b"main|u:u1"),
        (Person(anonymous_id="a1", email="ann@shop.example"), b"main|a:a1"),
        (Person(email="Ann@shop.example"), b"main|e:"),
    ],
)
def test_without_an_event_the_person_is_named_by_one_id(person: Person, routing: bytes) -> None:
    firing = named(a_firing(a_rule({"trait": {"set": {"vip": True}}}), person=person), event=b"")
    desk = Desk().take(firing)
    (event,) = decode_pack(desk.others[0].value).events
    assert event.routing.startswith(routing)
    call = msgspec.json.decode(event.payload)
    assert (call["type"], call["traits"]) == ("identify", {"vip": True})
    assert len({"userId", "anonymousId"} & call.keys()) + ("traits" in call["context"]) == 1


def test_an_event_in_nobodys_name_is_refused() -> None:
    firing = named(a_firing(a_rule({"trait": {"set": {"vip": True}}}), person=Person()), event=b"")
    assert Desk().take(firing).last == ("refused", "no_recipient")


@pytest.mark.parametrize(
    ("action", "fields", "told"),
    [
        (
            {"add": "vip"},
            {"list_channel": "email"},
            ("vip", "added", "email", "ann@shop.example", "contacts"),
        ),
        ({"add": "vip"}, {"list_channel": "phone"}, ("vip", "added", "phone", "+4915112345678", "contacts")),
        (
            {"remove": "no", "address": "Bob@Shop.example"},
            {"list_channel": "email", "list_kind": "opt_out"},
            ("no", "deleted", "email", "bob@shop.example", "opt_out"),
        ),
    ],
)
def test_a_list_is_changed_by_a_fact(
    action: dict[str, Any], fields: dict[str, str], told: tuple[str, ...]
) -> None:
    desk = Desk().take(a_firing(a_rule({"list": action}), **fields))
    assert desk.last == ("done", "")
    (fact,) = decode_contact_facts(desk.others[0].value).facts
    assert (fact.list, fact.change, fact.channel, fact.address, fact.list_kind) == told
    assert (fact.origin, fact.hops, fact.source) == ("rule", 1, "shop")
    wrong = a_firing(a_rule({"list": {"add": "vip", "address": "nobody"}}), id="fire_2", **fields)
    assert desk.take(wrong).last == ("refused", "no_recipient")


def test_what_cannot_be_read_is_a_dead_letter_and_stops_nothing() -> None:
    desk = Desk()
    records = [
        InputRecord(0, AT, None, b"\xc1"),
        InputRecord(1, AT, None, None),
        InputRecord(2, AT, None, encode_work([a_firing(b'{"rule": 5}', id="fire_0"), a_firing()])),
    ]
    topics = [each.topic for each in desk.step(0, records, {})]
    assert sorted(topics) == ["actions", "actions.due", "events.dead", "events.dead", "events.dead"]


def test_the_hash_key_names_a_contact_as_the_contacts_are_named() -> None:
    desk = Desk().take(a_firing(a_rule({"list": {"add": "vip"}}), list_channel="email"))
    (fact,) = decode_contact_facts(desk.others[0].value).facts
    assert fact.contact > 0
    assert desk.step.outside.here.hash_key == HASH_KEY
    assert result(Desk().take(a_firing()).dues[0], "delivered", AT).attempt == 1
