"""Templates of actions: what they see and make, and what no value and no template can do."""

import re
from typing import Any

import msgspec
import pytest

from processors.actions.template_engine import NoValue, TemplateFailed
from processors.actions.templates import (
    ListChange,
    NewEvent,
    Traits,
    check_templates,
    compiled_rule,
    request_bytes,
)
from schemas.actions.actions import Action
from schemas.rules.rules import Rule, Trigger
from tests.processors.firings import AT, a_firing, a_rule

WHEN = "2026-03-14T12:00:00.000Z"


def made(action: dict[str, Any], **fields: Any) -> Any:
    """What the action makes of a firing; `fields` of the event."""
    return compiled_rule(a_rule(action)).made(a_firing(a_rule(action), event=fields))


def sent(action: dict[str, Any], **fields: Any) -> Any:
    return msgspec.json.decode(request_bytes(made(action, **fields)))


def test_a_webhook_without_a_body_has_the_form_of_standard_webhooks() -> None:
    body = msgspec.json.decode(sent({"webhook": {"destination": "crm"}}, properties={"value": 5})["body"])
    assert body["type"] == "rule.fired"
    assert body["timestamp"] == WHEN
    assert body["data"]["firing"] == {"id": "fire_1", "at": WHEN}
    assert body["data"]["rule"] == {"name": "welcome", "version": "1", "level": "project", "object": ""}
    assert body["data"]["event"]["properties"] == {"value": 5}
    assert body["data"]["profile"]["email"] == "ann@shop.example"


@pytest.mark.parametrize(
    "value", [5, 5.5, True, None, "5", ["a", 1], {"a": {"b": [None]}}, -(2**63), 2**64 - 1]
)
def test_one_expression_alone_keeps_its_type_within_json(value: Any) -> None:
    action = {"webhook": {"destination": "crm", "body": {"is": ["{{ event.properties.value }}"], "so": 7}}}
    assert msgspec.json.decode(sent(action, properties={"value": value})["body"]) == {"is": [value], "so": 7}


def test_what_is_unknown_is_empty_in_a_text_and_null_in_json() -> None:
    action = {
        "webhook": {
            "destination": "crm",
            "body": {"one": "{{ event.properties.no }}", "text": "<{{ no.no }}>"},
        }
    }
    assert msgspec.json.decode(sent(action)["body"]) == {"one": None, "text": "<>"}


def test_a_value_cannot_leave_its_place_in_json() -> None:
    value = '", "admin": true, "x": "\\'
    action = {"http": {"destination": "gateway", "json": {"name": "Dear {{ event.properties.name }}"}}}
    request = sent(action, properties={"name": value})
    assert msgspec.json.decode(request["body"]) == {"name": f"Dear {value}"}
    assert request["content_type"] == "application/json"


@pytest.mark.parametrize(
    "value", ["a/b", "../x", "?x=1", "#x", "@evil.example", "\r\nHost: evil", "//evil", "%2f"]
)
def test_a_value_stays_within_its_segment_of_a_path(value: str) -> None:
    action = {"http": {"destination": "gateway", "path": "/users/{{ event.properties.id }}/sms"}}
    path = sent(action, properties={"id": value})["path"]
    assert re.fullmatch(r"/users/[A-Za-z0-9_.~%-]+/sms", path)


@pytest.mark.parametrize("path", ["/a/../b", "//evil.example", "/a b", "/a?b", "/a#b", "/%2e%2E/x", "/\\x"])
def test_a_path_that_leads_elsewhere_is_refused_when_it_is_applied(path: str) -> None:
    with pytest.raises(ValueError, match=r"http\.path"):
        check_templates(action_of({"http": {"destination": "gateway", "path": path}}))


@pytest.mark.parametrize("value", [".", "..", "%2e%2e"])
def test_a_value_is_never_a_step_up_in_a_path(value: str) -> None:
    action = {"http": {"destination": "gateway", "path": "/a/{{ event.properties.id }}"}}
    if value == "%2e%2e":
        assert sent(action, properties={"id": value})["path"] == "/a/%252e%252e"
        return
    with pytest.raises(TemplateFailed):
        made(action, properties={"id": value})


@pytest.mark.parametrize(
    "to", ["nobody", "ann@shop.example, nobody", ", ".join(f"p{n}@shop.example" for n in range(11))]
)
def test_a_recipient_that_is_no_address_is_refused_when_it_is_applied(to: str) -> None:
    with pytest.raises(ValueError, match=r"email\.to: no e-mail address"):
        check_templates(action_of({"email": {"destination": "mail", "to": to, "subject": "x", "text": "x"}}))


def test_a_header_is_one_line_and_none_of_the_senders_own() -> None:
    """A rule that names one was applied before that was refused: the rest of it is sent."""
    senders = dict.fromkeys(("Host", "Content-Length", "transfer-encoding", "webhook-id", "User-Agent"), "x")
    headers = {"X-Name": "{{ event.properties.name }}", **senders}
    action: dict[str, Any] = {"http": {"destination": "gateway", "headers": headers}}
    request = sent(action, properties={"name": "Ann\r\nHost: evil.example"})
    assert request["headers"] == {"X-Name": "Ann Host: evil.example"}
    for name in ("a b", "x:y"):
        with pytest.raises(ValueError, match=r"http\.headers"):
            check_templates(action_of({"http": {"destination": "gateway", "headers": {name: "x"}}}))


def test_an_e_mail_goes_to_the_person_and_its_html_is_escaped() -> None:
    action = {
        "email": {
            "destination": "mail",
            "subject": "Hello {{ profile.traits.name }}",
            "html": "<p>{{ profile.traits.name }}</p>",
            "text": "{{ profile.traits.name }}",
        }
    }
    request = sent(action)
    assert request["to"] == ["ann@shop.example"]
    assert request["subject"] == "Hello Ann <3"
    assert request["html"] == "<p>Ann &lt;3</p>"
    assert request["text"] == "Ann <3"


@pytest.mark.parametrize(
    "value",
    [
        "",
        None,
        "bob@shop.example, eve@shop.example",
        "bob@shop.example\r\nBcc: eve@shop.example",
        "bob",
        "<b@c.example>",
    ],
)
def test_a_value_is_one_address_or_the_mail_is_not_sent(value: Any) -> None:
    action = {
        "email": {"destination": "mail", "subject": "x", "text": "x", "to": "{{ event.properties.to }}"}
    }
    with pytest.raises(NoValue):
        made(action, properties={"to": value})


@pytest.mark.parametrize(
    "source",
    [
        "{{ event.name",
        "{% if event %}",
        "{% include 'a' %}",
        "{% render 'a' %}",
        "{{ event.name | nothing }}",
        "{{ event.name | safe }}",
        "{% cycle event.name, event.type %}",
        "{% for a in b %}{% endfor %}" * 21,
        "{% if a %}" * 11 + "{% endif %}" * 11,
        "x" * 100_001 + "{{ a }}",
    ],
)
def test_a_template_that_is_none_is_refused_with_its_place(source: str) -> None:
    with pytest.raises(ValueError, match=r"^webhook\.body\.a\[1\]: "):
        check_templates(action_of({"webhook": {"destination": "crm", "body": {"a": ["", source]}}}))


def test_now_is_the_firings_moment() -> None:
    action = {
        "webhook": {"destination": "crm", "body": ["{{ now }}", "{{ today }}", "{{ 'now' | date: '%H:%M' }}"]}
    }
    assert msgspec.json.decode(sent(action)["body"]) == [WHEN, "2026-03-14", "12:00"]


def test_a_key_of_kafka_is_the_profile_unless_another_one_is_given() -> None:
    request = sent(
        {"kafka": {"destination": "out", "value": {"n": "{{ event.properties.n }}"}}}, properties={"n": 1}
    )
    assert request == {"key": "00000000000000ff", "value": {"n": 1}}
    assert (
        sent({"kafka": {"destination": "out", "key": "{{ event.type }}", "value": 1}}, type="track")["key"]
        == "track"
    )


def test_forms_and_texts_are_written_as_they_are_sent() -> None:
    form = {
        "http": {"destination": "sms", "form": {"to": "{{ profile.phone }}", "text": "a&b={{ event.event }}"}}
    }
    assert sent(form, event="ü")["body"] == "to=%2B4915112345678&text=a%26b%3D%C3%BC"
    text = {
        "http": {"destination": "sms", "text": "{{ event.event }}", "headers": {"Content-Type": "text/xml"}}
    }
    assert sent(text, event="<x>") == {"method": "POST", "body": "<x>", "content_type": "text/xml"}


def test_what_is_done_right_here_is_filled_in_too() -> None:
    assert made({"list": {"add": "vip", "address": "{{ profile.email }}"}}) == ListChange(
        "added", "vip", "ann@shop.example"
    )
    assert made({"trait": {"set": {"seen": "{{ event.properties.n }}"}}}, properties={"n": 3}) == Traits(
        {"seen": 3}
    )
    event = {"event": {"name": "{{ event.event }} again", "properties": {"n": "{{ event.properties.n }}"}}}
    assert made(event, event="Seen", properties={"n": 1}) == NewEvent("Seen again", {"n": 1})


def test_a_request_that_is_too_large_for_kafka_is_refused() -> None:
    action = {"webhook": {"destination": "crm", "body": ["{{ event.properties.long }}"] * 5}}
    with pytest.raises(TemplateFailed):
        request_bytes(made(action, properties={"long": "x" * 90_000}))


def action_of(action: dict[str, Any]) -> Action:
    return msgspec.convert(action, Action)


def test_a_rule_is_compiled_once_for_all_its_firings() -> None:
    document = a_rule({"webhook": {"destination": "crm"}})
    assert compiled_rule(document) is compiled_rule(bytes(document))
    assert isinstance(compiled_rule(document).rule, Rule)
    assert isinstance(compiled_rule(document).rule.trigger, Trigger)
    assert AT > 0
