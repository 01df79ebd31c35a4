"""Actions that are done right here: events, traits and changes of lists."""

from typing import Any

import msgspec
import pytest

from schemas.actions.action_work import Person
from schemas.contacts.contact_facts import decode_contact_facts
from schemas.events.pack import decode_pack
from tests.processors.actions.desk import HASH_KEY, Desk, named
from tests.processors.firings import a_firing, a_rule


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
    action: dict[str, Any], fields: dict[str, Any], told: tuple[str, ...]
) -> None:
    desk = Desk().take(a_firing(a_rule({"list": action}), **fields))
    assert desk.last == ("done", "")
    (fact,) = decode_contact_facts(desk.others[0].value).facts
    assert (fact.list, fact.change, fact.channel, fact.address, fact.list_kind) == told
    assert (fact.origin, fact.hops, fact.source) == ("rule", 1, "shop")
    wrong = a_firing(a_rule({"list": {"add": "vip", "address": "nobody"}}), id="fire_2", **fields)
    assert desk.take(wrong).last == ("refused", "no_recipient")


def test_the_hash_key_names_a_contact_as_the_contacts_are_named() -> None:
    desk = Desk().take(a_firing(a_rule({"list": {"add": "vip"}}), list_channel="email"))
    (fact,) = decode_contact_facts(desk.others[0].value).facts
    assert fact.contact > 0
    assert desk.step.outside.here.hash_key == HASH_KEY
