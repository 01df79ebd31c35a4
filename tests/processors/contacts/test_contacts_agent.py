"""Agent `contacts`: who is on which list is a function of the set of facts, and each change fires once."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.contacts.contact_addresses import contact_node
from schemas.contacts.contact_facts import ContactFact
from schemas.events.reasons import Reason
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress, Unlink
from tests.processors.contact_driver import ANN, KEY, Driver, fact, rule_event, told

NODE = contact_node("main", "email", ANN, KEY)
OPT_OUT = {"list": "nothing", "list_kind": "opt_out"}

FACTS = st.builds(
    fact,
    change=st.sampled_from(["added", "deleted"]),
    time=st.integers(1, 6),
    list=st.sampled_from(["news", "vip"]),
    mailer=st.sampled_from(["", "weekly", "daily"]),
    address=st.sampled_from([ANN, "bob@shop.example"]),
)


def standing(driver: Driver) -> dict[Any, Any]:
    """All that others see, without how often it changed."""
    return {
        place: {name: value for name, value in record.items() if name != "version"}
        for place, record in driver.contacts.items()
    }


def expected(facts: list[ContactFact]) -> dict[tuple[str, str], tuple[str, int]]:
    """By list and address of those that were ever put on it: the latest change, and of one moment the taking off."""
    found: dict[tuple[str, str], tuple[int, bool]] = {}
    added = {(each.list, each.address) for each in facts if each.change == "added"}
    for each in facts:
        place = each.list, each.address
        found[place] = max(found.get(place, (0, False)), (each.time, each.change == "deleted"))
    return {
        place: ("deleted" if is_deleted else "added", time)
        for place, (time, is_deleted) in found.items()
        if place in added
    }


def test_an_address_that_is_put_on_a_list_is_a_contact_and_fires_once() -> None:
    driver = Driver()
    driver.take(fact("added", 5, mailer="weekly", origin="api", source="shop", hops=2))
    (record,) = driver.records
    assert record["contact"] == NODE
    assert (record["address"], record["state"], record["mailer"]) == (ANN, "added", "weekly")
    assert (record["origin"], record["version"]) == ("api", 1)
    (event,) = driver.events
    assert event.call.event == "Contact Added"
    assert event.times.happened == 5
    assert event.packed.source == "shop"
    assert event.context == {"traits": {"email": ANN}, "stitchline": {"hops": 2}}
    assert event.properties == {
        "list": "news", "list_kind": "contacts", "channel": "email", "mailer": "weekly", "origin": "api",
    }  # fmt: skip
    assert told(driver.fired) == [("news", "added", 5)]


def test_a_phone_number_is_named_as_an_external_id() -> None:
    driver = Driver()
    driver.take(fact("added", 5, channel="phone", address="+4930901820"))
    (event,) = driver.events
    assert event.context == {"externalIds": [{"type": "phone", "id": "+4930901820"}]}
    assert event.packed.routing == b"main|x:phone:+4930901820"
    assert event.packed.source == "stitchline.contacts"
    assert [each.address for each in driver.fired] == ["+4930901820"]


def test_facts_that_change_nothing_fire_nothing() -> None:
    driver = Driver()
    driver.take(fact("added", 5), fact("added", 5), fact("added", 9), fact("deleted", 3), fact("added", 4))
    assert told(driver.fired) == [("news", "added", 5)]
    assert driver.contacts["news", NODE]["changed_at"] == 9


def test_who_is_taken_off_first_fires_nothing_and_it_is_remembered() -> None:
    driver = Driver()
    driver.take(fact("deleted", 7))
    assert driver.outputs == []
    driver.take(fact("added", 6))
    assert driver.fired == []
    assert driver.contacts["news", NODE]["state"] == "deleted"
    driver.take(fact("added", 8))
    assert told(driver.fired) == [("news", "added", 8)]


def test_of_two_changes_at_one_moment_the_taking_off_counts() -> None:
    there, back = Driver(), Driver()
    there.take(fact("added", 5), fact("deleted", 5))
    back.take(fact("deleted", 5), fact("added", 5))
    assert there.contacts["news", NODE]["state"] == back.contacts["news", NODE]["state"] == "deleted"
    assert (told(there.fired), told(back.fired)) == ([("news", "added", 5), ("news", "deleted", 5)], [])


@settings(max_examples=200, deadline=None)
@given(st.data(), st.lists(FACTS, min_size=1, max_size=12))
def test_any_order_and_repetition_of_facts_leaves_the_same(
    data: st.DataObject, facts: list[ContactFact]
) -> None:
    one, other = Driver(), Driver()
    one.take(facts)
    shuffled = data.draw(st.permutations([*facts, *data.draw(st.lists(st.sampled_from(facts), max_size=6))]))
    for each in shuffled:
        other.take(each)
    assert standing(one) == standing(other)
    shown = {
        (name, record["address"]): (record["state"], record["changed_at"])
        for (name, _), record in one.contacts.items()
    }
    assert shown == expected(facts)


@settings(max_examples=200, deadline=None)
@given(st.lists(FACTS, max_size=12), st.lists(st.integers(0, 12), max_size=4))
def test_cuts_of_chunks_change_no_state_no_version_and_no_event(
    facts: list[ContactFact], cuts: list[int]
) -> None:
    whole, cut = Driver(), Driver()
    whole.take(facts)
    edges = [0, *sorted(cuts), len(facts)]
    for start, end in pairwise(edges):
        cut.take(facts[start:end])
    assert whole.state == cut.state
    assert whole.contacts == cut.contacts
    assert sorted(each.packed.message_id for each in whole.events) == sorted(
        each.packed.message_id for each in cut.events
    )


@settings(max_examples=200, deadline=None)
@given(st.lists(FACTS, max_size=12))
def test_events_of_a_list_and_address_go_to_and_fro_each_once(facts: list[ContactFact]) -> None:
    driver = Driver()
    driver.take(facts)
    assert len(driver.fired) == len(driver.events) == len({each.packed.message_id for each in driver.events})
    for place in {(each.list, each.address) for each in facts}:
        fired = [each.change for each in driver.fired if (each.list, each.address) == place]
        assert fired == ["added", "deleted"] * (len(fired) // 2) + ["added"] * (len(fired) % 2)
        stands = expected(facts).get(place)
        assert (len(fired) % 2 == 1) == (stands is not None and stands[0] == "added")


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS, max_size=12))
def test_the_same_facts_again_fire_nothing_and_write_nothing(facts: list[ContactFact]) -> None:
    driver = Driver()
    driver.take(facts)
    before = dict(driver.state)
    assert driver.take(facts) == []
    assert driver.state == before


@settings(max_examples=100, deadline=None)
@given(st.lists(FACTS, max_size=8))
def test_a_new_generation_sends_the_same_message_ids(facts: list[ContactFact]) -> None:
    one, other = Driver(), Driver()
    assert one.take(facts) == other.take(facts)


def test_a_genuine_event_keeps_its_mark_on_its_way_through_the_resolver() -> None:
    driver = Driver()
    driver.take([fact("added", n + 1, address=f"a{n}@shop.example") for n in range(1_200)])
    assert len(driver.fired) == 1_200
    packs = [each for each in driver.outputs if each.topic == "events.derived"]
    assert len(packs) <= 8
    assert rule_event(driver.events[0]).properties["list"] == "news"


@pytest.mark.parametrize(
    "order", [Forget(NODE, 10), Erase(NODE, 0, 10), Suppress(NODE)], ids=["forget", "erase", "suppress"]
)
def test_who_is_forgotten_leaves_contact_lists_silently_and_stays_opted_out_as_a_hash(order: Order) -> None:
    driver = Driver()
    driver.take(fact("added", 5), fact("added", 6, **OPT_OUT))
    fired = len(driver.fired)
    driver.take(order)
    news, nothing = driver.contacts["news", NODE], driver.contacts["nothing", NODE]
    assert (news["state"], news["address"]) == ("deleted", "")
    assert (nothing["state"], nothing["address"]) == ("added", "")
    assert len(driver.fired) == fired
    assert ANN.encode() not in b"".join(driver.state.values())


def test_facts_of_the_forgotten_time_come_to_nothing_but_opting_out() -> None:
    driver = Driver()
    driver.take(
        Forget(NODE, 10), fact("added", 5), fact("added", 6, **OPT_OUT), fact("added", 11, list="vip")
    )
    assert {place[0]: record["address"] for place, record in driver.contacts.items()} == {
        "nothing": "",
        "vip": ANN,
    }
    assert told(driver.fired) == [("vip", "added", 11)]


def test_who_comes_back_after_being_forgotten_is_a_contact_again() -> None:
    driver = Driver()
    driver.take(fact("added", 5), Forget(NODE, 10), Forget(NODE, 3), fact("added", 9), fact("added", 11))
    assert told(driver.fired) == [("news", "added", 5), ("news", "added", 11)]
    assert driver.contacts["news", NODE]["address"] == ANN


def test_a_suppressed_address_is_put_on_no_contact_list_any_more() -> None:
    driver = Driver()
    driver.take(Suppress(NODE), fact("added", 5_000))
    assert driver.outputs == []


def test_orders_that_forget_nobody_change_nothing() -> None:
    driver = Driver()
    driver.take(fact("added", 5))
    before = dict(driver.state)
    driver.take(Unlink(NODE, 7), Forget(NODE, 10, 7))
    assert driver.state == before
    assert Forget(NODE, 10).target == EVERY_TARGET


def test_what_cannot_be_read_is_a_dead_letter_and_holds_nothing_up() -> None:
    driver = Driver()
    later = msgspec.msgpack.encode([9, [], []])
    driver.take(b"nonsense", later, fact("added", 5))
    assert [(each["stage"], each["reason"]) for each in driver.letters] == [
        ("rules", Reason.UNREADABLE_PACK)
    ] * 2
    assert told(driver.fired) == [("news", "added", 5)]
