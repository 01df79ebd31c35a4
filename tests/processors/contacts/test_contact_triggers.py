"""Agent `triggers` and lists of contacts: genuine changes fire rules, made-up ones do not, and events change lists."""

import json
from typing import Any

from schemas.contacts.contact_mark import ContactChange, message_id_of
from schemas.rules.rule_facts import FIRES
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY
from tests.processors.rule_records import contact_facts, fired, inputs, occurrences, resolved, rule, triggers
from tests.sinks.stage import START_MS


def _contact(change: str = "added", forged: dict[str, Any] | None = None, **said: Any) -> bytes:
    """The event as agent `contacts` sends it, or with something else said than its message id was made of."""
    known: dict[str, Any] = {"workspace": "main", "list": "news", "list_kind": "contacts", "channel": "email"}
    known |= {
        "address": "ann@shop.example",
        "change": change,
        "time": START_MS + 1000,
        "mailer": "",
        "origin": "event",
    }
    genuine = ContactChange(**(known | said))
    properties = genuine.properties | (forged or {})
    name = "Contact Added" if change == "added" else "Contact Deleted"
    return resolved(
        1,
        event=name,
        message_id=message_id_of(genuine, HASH_KEY),
        anonymous_id="",
        properties=properties,
        context={"traits": {"email": genuine.address}},
    )


CONTACT = {"contact": {"change": "added"}}


def test_a_contact_that_was_added_fires_by_channel_list_and_mailer() -> None:
    step = triggers(
        rule(trigger=CONTACT),
        rule("phones", trigger={"contact": {"change": "added", "channel": "phone"}}),
        rule("mails", trigger={"contact": {"change": "added", "channel": "email", "lists": ["news"]}}),
        rule("others", trigger={"contact": {"change": "added", "lists": ["others"]}}),
        rule("mailer", trigger={"contact": {"change": "added", "mailers": ["weekly"]}}),
        rule("gone", trigger={"contact": {"change": "deleted"}}),
    )
    assert fired(step, _contact()) == [("hello", FIRES), ("mails", FIRES)]
    assert fired(step, _contact(mailer="weekly")) == [("hello", FIRES), ("mailer", FIRES), ("mails", FIRES)]
    assert fired(step, _contact("deleted")) == [("gone", FIRES)]


def test_an_opt_out_lists_rule_fires_for_changes_of_that_list_alone() -> None:
    level = {"level": "email_opt_out_list", "object": "stop", "trigger": CONTACT}
    step = triggers(rule(**level))
    assert fired(step, _contact(list="stop", list_kind="opt_out")) == [("hello", FIRES)]
    assert fired(step, _contact()) == []


def test_a_change_of_a_list_has_one_name_however_often_it_comes() -> None:
    found = occurrences(triggers(rule(trigger=CONTACT))(0, inputs([_contact(), _contact()]), {}))
    assert [each.id for each in found] == [decode(_contact())["message_id"]] * 2


def test_a_contact_event_that_a_client_made_up_is_an_event_like_any_other() -> None:
    news = {"list": "copy", "channel": "email", "added_by": [{"event": "Contact Added"}]}
    step = triggers(rule(trigger=CONTACT), rule("plain", trigger={"event": {"event": "Contact Added"}}), news)
    forged = _contact(forged={"list": "others"})
    assert fired(step, forged) == [("plain", FIRES)]
    assert contact_facts(step(0, inputs([forged]), {})) == []
    bare = resolved(
        event="Contact Added", properties={"list": "news", "list_kind": "contacts", "channel": "email"}
    )
    assert fired(step, bare) == [("plain", FIRES)]
    assert [fact.list for fact in contact_facts(step(0, inputs([_contact()]), {}))] == ["copy"]


NEWS = {
    "list": "news",
    "channel": "email",
    "added_by": [{"event": "Signed Up", "where": [{"path": "newsletter", "op": "is_true"}]}],
    "deleted_by": [{"event": "Unsubscribed", "address": "properties.who", "mailer": "properties.sent_by"}],
}


def test_events_put_addresses_on_lists_and_take_them_off() -> None:
    step = triggers(NEWS)
    joined = resolved(
        1,
        event="Signed Up",
        properties={"newsletter": True},
        context={"traits": {"email": " Ann@Shop.example "}},
    )
    left = resolved(2, event="Unsubscribed", properties={"who": "bob@shop.example", "sent_by": "weekly"})
    added, deleted = sorted(contact_facts(step(0, inputs([joined, left]), {})), key=lambda fact: fact.change)
    assert (added.list, added.list_kind, added.channel, added.address) == (
        "news",
        "contacts",
        "email",
        "ann@shop.example",
    )
    assert (added.change, added.time, added.origin, added.source) == ("added", START_MS, "event", "dev")
    assert (deleted.change, deleted.address, deleted.mailer) == ("deleted", "bob@shop.example", "weekly")


def test_an_event_without_an_address_or_of_a_bot_changes_no_list() -> None:
    step = triggers(NEWS)
    said = {"event": "Signed Up", "properties": {"newsletter": True}}
    mail = {"context": {"traits": {"email": "ann@shop.example"}}}
    assert contact_facts(step(0, inputs([resolved(1, **said)]), {})) == []
    assert contact_facts(step(0, inputs([resolved(2, **said, **mail, device={"is_bot": True})]), {})) == []


def test_lists_that_change_each_other_come_to_an_end() -> None:
    copy = {"list": "copy", "channel": "email", "added_by": [{"event": "Contact Added"}]}
    step = triggers(copy)
    hops = []
    for count in (0, 4, 5):
        value = _contact()
        record = decode(value)
        context = json.loads(record["context"]) | {"stitchline": {"hops": count}}
        sent = resolved(
            1,
            event="Contact Added",
            message_id=record["message_id"],
            anonymous_id="",
            properties=json.loads(record["properties"]),
            context=context,
        )
        hops.append([fact.hops for fact in contact_facts(step(0, inputs([sent]), {}))])
    assert hops == [[1], [5], []]
