"""What becomes of candidates: for whom they fire, and why they do not, as ClickHouse knows it; asked of the running stage."""

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from schemas.actions.action_work import Person
from schemas.contacts.contact_lists import ContactList
from schemas.identity.identifiers import partition_of, profile_id, profile_key
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

DAY = 86_400 * SECOND
PREFIX = "confirm-"
DONE = {"after": {"event": "Added"}, "of": {"event": "Bought"}, "within": "1h"}


@pytest.fixture(scope="module")
def stage(kafka: str, clickhouse: str, module_database: str) -> Iterator[Confirming]:
    with confirming_beside(kafka, Tables(clickhouse, module_database), PREFIX) as found:
        yield found


def reasons(stage: Confirming, of: Rule, *subjects: int, said: dict[str, Any] | None = None) -> list[str]:
    """Why the rule does not fire for these after all."""
    stage.apply(of)
    return [firing.refused for firing in stage.after(*(candidate(of, each, said) for each in subjects))]


def test_a_firing_has_the_person_as_clickhouse_has_them_under_all_identifiers(stage: Confirming) -> None:
    phone, ann, address = number(), number(), number()
    stage.is_called(ann, "u", "ann")
    stage.is_called(address, "e", "ann@shop.example")
    stage.is_called(phone, "a", "ann-phone")
    stage.states(phone, {"name": "Ann", "phone": "+49 30 901820", "old": 1})
    stage.states(ann, {"plan": {"name": "pro"}})
    stage.merge(phone, ann)
    stage.merge(address, ann)
    one = candidate(welcome := rule(), phone, {"place": {"timezone": "Europe/Berlin"}})
    stage.apply(welcome)
    [firing] = stage.after(one)
    assert firing.person == Person(
        profile_id=profile_id(ann),
        user_id="ann",
        anonymous_id="ann-phone",
        email="ann@shop.example",
        phone="+4930901820",
        emails=["ann@shop.example"],
        phones=["+4930901820"],
        traits={"name": "Ann", "phone": "+49 30 901820", "old": 1, "plan": {"name": "pro"}},
        timezone="Europe/Berlin",
    )
    assert (firing.profile, firing.subject, firing.refused, firing.source) == (ann, phone, "", "shop")
    assert (firing.event, firing.occurrence, firing.rule) == (one.event, one.occurrence, one.rule)
    partition = next(place for place, each in stage.came if each.id == firing.id)
    assert partition == partition_of(profile_key(ann), stage.topics.settings.partitions)


def test_segments_are_asked_of_the_person_of_now(stage: Confirming) -> None:
    member, device, other = number(), number(), number()
    stage.enters(member, "vip")
    stage.merge(device, member)
    assert reasons(stage, rule(conditions={"in_segments": ["vip"]}), member, device, other) == [
        "",
        "",
        "not_in_segment",
    ]
    assert reasons(stage, rule(conditions={"not_in_segments": ["vip"]}), device, other) == ["in_segment", ""]


def test_conditions_on_traits_are_those_of_segments_asked_of_the_latest_value(stage: Confirming) -> None:
    pro, free, nobody, phone = number(), number(), number(), number()
    stage.states(pro, {"plan": "free", "address": {"country": "DE"}, "seats": 12})
    stage.states(phone, {"last": 1, "workspace": "x"})
    stage.merge(phone, pro)
    stage.happened(phone, type="identify", event="", traits='{"plan":"pro"}')
    stage.states(free, {"plan": "free"})
    tests: list[tuple[list[dict[str, Any]], list[str]]] = [
        ([{"name": "plan", "op": "eq", "value": "pro"}], ["", "trait", "trait"]),
        ([{"name": "plan", "op": "neq", "value": "pro"}], ["trait", "", ""]),
        ([{"name": "address.country", "op": "in", "value": ["DE", "AT"]}], ["", "trait", "trait"]),
        (
            [{"name": "seats", "op": "gte", "value": 10}, {"name": "plan", "op": "exists"}],
            ["", "trait", "trait"],
        ),
        ([{"name": "workspace", "op": "missing"}], ["trait", "", ""]),
        ([{"name": "last", "op": "eq", "value": 1}], ["", "trait", "trait"]),
    ]
    rules = [rule(conditions={"traits": traits}) for traits, _ in tests]
    stage.apply(*rules)
    found = stage.after(*(candidate(of, each) for of in rules for each in (phone, free, nobody)))
    assert [firing.refused for firing in found] == [why for _, whys in tests for why in whys]


def test_an_absence_ends_only_with_an_event_that_passes_the_filters(stage: Confirming) -> None:
    bought = {"event": "Bought", "where": [{"path": "properties.last", "op": "gte", "value": 10}]}
    stage.apply(of := rule(trigger={"absence": DONE | {"of": bought}}))
    much, little = number(), number()
    for buyer, paid in ((much, 12), (little, 8)):
        stage.happened(buyer, event="Bought", properties=f'{{"last":{paid}}}')
    times: dict[str, Any] = {"at": NOW, "absent_since": NOW - 3_600 * SECOND}
    found = stage.after(candidate(of, much, **times), candidate(of, little, **times))
    assert [firing.refused for firing in found] == ["absence_ended", ""]


def test_an_absence_ends_under_under_any_identifier_of_the_person_and_within_its_time_alone(
    stage: Confirming,
) -> None:
    of = rule(trigger={"absence": DONE})
    stage.apply(of)
    done = [("late", 1), ("early", -3_601), ("in time", -5), ("as it began", -3_600)]
    waiting = []
    for _, seconds in done:
        phone, laptop = number(), number()
        stage.merge(phone, laptop)
        stage.happened(laptop, event="Bought", timestamp=NOW + seconds * SECOND)
        waiting.append(phone)
    stage.happened(viewer := number(), event="Viewed")
    stage.happened(first := number(), event="Bought", message_id="began", timestamp=NOW - 3_600 * SECOND)
    times: dict[str, Any] = {"at": NOW, "absent_since": NOW - 3_600 * SECOND}
    candidates = [candidate(of, each, **times) for each in (*waiting, viewer)]
    found = stage.after(*candidates, candidate(of, first, **times, message_id="began"))
    ended = "absence_ended"
    assert [firing.refused for firing in found] == ["", "", ended, ended, "", ""]


def test_who_opted_out_is_suppressed_under_each_address_of_the_event_else_of_the_person(
    stage: Confirming,
) -> None:
    stage.apply(lists=(ContactList(list="nothing", channel="email", kind="opt_out"),))
    stage.opts_out("nothing", "email", "bob@shop.example")
    person, address = number(), number()
    stage.is_called(address, "e", "bob@shop.example")
    stage.merge(person, address)
    of = rule()
    assert reasons(stage, of, person) == ["suppressed"]
    assert reasons(stage, of, number(), said={"properties": {"email": "Bob@shop.example"}}) == ["suppressed"]
    assert reasons(stage, of, person, said={"traits": {"email": "new@shop.example"}}) == [""]
    assert reasons(stage, rule(level="email_opt_out_list", object="nothing"), person) == [""]
    assert reasons(stage, rule(level="sms_campaign", object="texts"), person) == [""]


def test_an_opt_out_list_of_campaigns_is_for_these_alone(stage: Confirming) -> None:
    some = ContactList(list="no-spring", channel="phone", kind="opt_out", campaigns=("spring",))
    stage.apply(lists=(some,))
    stage.opts_out("no-spring", "phone", "+4930901821")
    stage.states(person := number(), {"phone": "+4930901821"})
    assert reasons(stage, rule(level="sms_campaign", object="spring"), person) == ["suppressed"]
    assert reasons(stage, rule(level="sms_campaign", object="autumn"), person) == [""]
    assert reasons(stage, rule(), person) == [""]


def test_a_rule_that_is_gone_or_off_fires_no_more_and_one_in_test_mode_says_so(stage: Confirming) -> None:
    gone, off, tested = rule(), rule(), rule()
    stage.apply(gone, off, tested)
    stage.apply(
        msgspec.structs.replace(off, mode="off"),
        msgspec.structs.replace(tested, mode="test"),
        gone=(gone.rule,),
    )
    subject = number()
    found = stage.after(candidate(gone, subject), candidate(off, subject), candidate(tested, subject))
    assert [firing.refused for firing in found] == ["rule_gone", "rule_gone", ""]
    assert msgspec.json.decode(found[2].rule, type=Rule).mode == "test"


def test_what_happened_too_long_ago_is_refused_but_not_what_waited_since_it_was_confirmed(
    stage: Confirming,
) -> None:
    stage.apply(of := rule(limits={"expires_after": "1h"}))
    subject = number()
    old, waited = [
        candidate(of, subject, at=NOW - DAY, recheck=again, home=place)
        for again, place in (("", -1), ("fire_again", 1))
    ]
    first, second = stage.after(old, waited)
    assert (first.refused, second.refused) == ("expired", "")
    assert [place for place, firing in stage.came if firing.id == "fire_again"] == [1], "where it waits"


def test_a_schedule_fires_for_each_member_of_its_segment_or_once_for_nobody(stage: Confirming) -> None:
    members = [number() for _ in range(3)]
    for each in members:
        stage.enters(each, "weekly")
    weekly = rule(trigger={"schedule": {"cron": "0 9 * * 1", "segment": "weekly"}})
    nightly = rule(trigger={"schedule": {"cron": "0 3 * * *"}})
    stage.apply(weekly, nightly)
    one, other = (candidate(of, 0, event=b"", message_id="") for of in (weekly, nightly))
    stage.send(one, other)
    found = stage.of(*(id_of(one, person=each) for each in members), id_of(other))
    assert [(firing.profile, firing.subject) for firing in found] == [
        *zip(members, members, strict=True),
        (0, 0),
    ]


def test_a_rule_that_is_quiet_by_the_persons_clock_gets_the_zone_of_their_latest_place(
    stage: Confirming,
) -> None:
    quiet = {"start": "22:00", "end": "08:00", "timezone": "person"}
    of, other = rule(limits={"quiet_hours": quiet}), rule()
    stage.apply(of, other)
    place = dict.fromkeys(("address", "country", "region", "city"), "")
    phone, laptop = number(), number()
    for each, zone, ago in ((phone, "Europe/Berlin", 9), (laptop, "Asia/Tokyo", 5), (laptop, "", 1)):
        stage.happened(each, timestamp=NOW - ago * SECOND, place=place | {"timezone": zone})
    stage.merge(phone, laptop)
    found = stage.after(candidate(of, phone), candidate(other, phone))
    assert [firing.person.timezone for firing in found] == ["Asia/Tokyo", ""]


def test_the_list_that_an_action_changes_goes_along(stage: Confirming) -> None:
    stage.apply(lists=(ContactList(list="news", channel="email"),))
    stage.apply(of := rule(action={"list": {"add": "news"}}))
    [firing] = stage.after(candidate(of, number()))
    assert (firing.list_channel, firing.list_kind) == ("email", "contacts")


def test_what_is_no_candidate_is_a_dead_letter_and_holds_up_nobody(stage: Confirming) -> None:
    stage.apply(of := rule())
    no_rule = candidate(of, number(), rule=b"{")
    stage.topics.send("rules.candidates", [b"no candidate", b""])
    stage.send(no_rule)
    assert [firing.refused for firing in stage.after(candidate(of, number()))] == [""]
    stage.wait(lambda: len(stage.dead()) == 3)
    assert {(letter["stage"], letter["reason"]) for letter in stage.letters} == {("rules", "unreadable_pack")}
    assert b"no candidate" in [letter["payload"] for letter in stage.letters]
