"""Rules that destinations imply: their table, what they send, and how they are overridden."""

from typing import Any

import msgspec
import pytest
import yaml

from processors.actions.templates import check_templates, compiled_rule, request_bytes
from schemas.actions.requests import KafkaRequest, WebhookRequest
from schemas.configuration.rule_reading import BadRule, read_destination
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.control import ControlState
from schemas.events.catalogue import event_spec
from schemas.rules.default_actions import defaults, implied_rules
from schemas.rules.rules import Rule, version_of
from tests.documented import table_of
from tests.processors.firings import a_firing

CRM = {"destination": "crm", "http": {"url": "https://crm.example"}, "default_actions": True}
BUS = {"destination": "bus", "kafka": {"topic": "marketing"}, "default_actions": True}


def implied(**more: Any) -> dict[str, Rule]:
    return {rule.rule: rule for rule in implied_rules(read_destination(CRM | more))}


def sent(rule: Rule, **event: Any) -> Any:
    document = msgspec.json.encode(rule)
    made = compiled_rule(document).made(a_firing(document, event=event))
    assert isinstance(made, WebhookRequest | KafkaRequest)
    return msgspec.json.decode(request_bytes(made))


def test_the_page_has_the_table_of_default_actions() -> None:
    written = table_of("rules.md", "Default actions")
    assert written == [
        [f"`{name}`", f"`{default.type}`", ", ".join(f"`{key}`" for key in default.data)]
        for name, default in defaults().actions.items()
    ]


def test_names_of_the_catalogue_are_spelled_as_it_does() -> None:
    ours = {"Cart Abandoned", "Signed Up", "Signed In", "Contact Added", "Contact Deleted"}
    named = [name for name in defaults().actions if name not in ours]
    assert [name for name in named if (event_spec(name) is None)] == []


@pytest.mark.parametrize("said", [CRM, BUS], ids=["http", "kafka"])
def test_a_destination_has_a_rule_for_each_name_and_its_templates_are_sound(said: Any) -> None:
    rules = implied_rules(read_destination(said))
    assert [rule.trigger.event.event for rule in rules if rule.trigger.event] == list(defaults().actions)
    for rule in rules:
        check_templates(rule.action)
        assert msgspec.convert(msgspec.to_builtins(rule), Rule) == rule
        assert (rule.level, rule.action.destination) == ("project", said["destination"])


def test_without_being_asked_a_destination_does_nothing() -> None:
    assert implied(default_actions=False) == {}


def test_an_order_becomes_a_purchase_with_its_value_and_products() -> None:
    event = {
        "event": "Order Completed",
        "commerce": {"order_id": "o1", "value": 12.5, "currency": "EUR"},
        "items": [{"sku": "s1", "quantity": 2}],
    }
    for said in (CRM, BUS):
        rules = implied_rules(read_destination(said))
        rule = next(each for each in rules if each.rule.endswith("--order-completed"))
        request = sent(rule, **event)
        body = request["value"] if "value" in request else msgspec.json.decode(request["body"])
        assert (body["type"], body["event"], body["id"]) == ("purchase", "Order Completed", "fire_1")
        assert body["person"]["email"] == "ann@shop.example"
        data = body["data"]
        assert (data["order_id"], data["value"], data["currency"]) == ("o1", 12.5, "EUR")
        assert (data["products"], data["coupon"]) == ([{"sku": "s1", "quantity": 2}], None)


def test_own_actions_take_the_place_of_default_ones() -> None:
    own = {
        "Signed Up": None,
        "Order Completed": {"http": {"path": "/orders", "json": {"id": "{{ event.commerce.order_id }}"}}},
        "Quote Asked For": {"list": {"add": "asked"}},
    }
    rules = implied(actions=own)
    assert "crm--signed-up" not in rules
    assert rules["crm--order-completed"].action.http
    assert rules["crm--order-completed"].action.destination == "crm"
    assert rules["crm--quote-asked-for"].action.list
    assert len(rules) == len(defaults().actions)


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (
            {"Signed Up": {"webhook": {"destination": "other"}}},
            "at actions.Signed Up.webhook.destination: an action of crm goes to it: take this out",
        ),
        (
            {"Signed Up": {"webhok": {}}},
            'at actions.Signed Up: there is no key "webhok" (did you mean webhook?)',
        ),
        (
            {"Signed Up": {"trait": {"set": {}}}},
            "at actions.Signed Up.trait.set: no trait: name one at least, such as {plan: pro}",
        ),
        (
            {"Signed-Up": None},
            "at actions.Signed-Up: its rule would be called crm--signed-up, as the one of Signed Up: write a rule",
        ),
    ],
)
def test_own_actions_are_checked_as_those_of_rules(own: Any, words: str) -> None:
    with pytest.raises(BadRule) as refused:
        read_destination(CRM | {"actions": own})
    assert words in str(refused.value)


def test_a_name_leaves_room_for_those_of_its_rules() -> None:
    with pytest.raises(
        BadRule, match=r"at destination: its rule d+--products-searched would have 66 characters"
    ):
        read_destination(CRM | {"destination": "d" * 47})


def test_processes_know_implied_rules_as_written_ones() -> None:
    written = yaml.safe_load("{rule: a, trigger: {event: {event: A}}, action: {event: {name: B}}}")
    state = ControlState().updated((destination_records([CRM]) | rule_records([written])).items())
    assert list(state.written_rules) == ["rule/main/a"]
    assert len(state.rules) == 1 + len(defaults().actions)
    kept = state.rules["rule/main/crm--signed-up"]
    later = state.updated(rule_records([{**written, "rule": "b"}]).items())
    assert later.rules["rule/main/crm--signed-up"] is kept
    edited = later.updated(destination_records([CRM | {"actions": {"Signed In": None}}]).items())
    assert "rule/main/crm--signed-in" not in edited.rules
    assert version_of(edited.rules[kept.key]) == version_of(kept)
    gone = edited.updated([("destination/main/crm", None)])
    assert gone.rules == gone.written_rules


def test_a_destination_of_which_no_rules_can_be_made_is_passed_over() -> None:
    document = msgspec.json.encode(CRM | {"actions": {"A": {"unheard": 1}}})
    state = ControlState().updated([("destination/main/crm", document)])
    assert state.destinations == {}
    assert "destination/main/crm" in state.unreadable
