"""What rules name is there and is what it is taken for; what is in use stays."""

from typing import Any

import pytest
import yaml

from schemas.configuration.rule_names import refuse_broken_names
from schemas.configuration.rule_reading import BadRule
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.control import ControlState
from schemas.pixel.pixel_event_records import pixel_event_records
from schemas.segments.segment_records import Records, segment_records

THERE = """
segments:
  - {segment: vip, where: {did: {event: A}}}
  - {segment: staff, where: {did: {event: A}}}
pixel_events: [{event: Menu Opened, source: shop, trigger: {click: {selector: .menu}}}]
destinations:
  - {destination: crm, http: {url: "https://crm.example"}}
  - {destination: mail, smtp: {host: smtp.example, from: a@shop.example}}
"""
LISTED = {
    "contact_list/main/customers": b'{"list":"customers","channel":"email"}',
    "contact_list/main/unsubscribed": b'{"list":"unsubscribed","channel":"email","kind":"opt_out"}',
    "contact_list/main/no-calls": b'{"list":"no-calls","channel":"phone","kind":"opt_out","campaigns":["calls"]}',
    "campaign/main/spring": b'{"campaign":"spring","channel":"email"}',
    "campaign/main/calls": b'{"campaign":"calls","channel":"sms"}',
    "mailer/main/spring-mail": b'{"mailer":"spring-mail","channel":"email","campaign":"spring"}',
    "mailer/main/till": b'{"mailer":"till","channel":"email"}',
}


def records(text: str) -> Records:
    said: dict[str, Any] = yaml.safe_load(text) or {}
    return {
        **segment_records(said.get("segments", [])),
        **pixel_event_records(said.get("pixel_events", [])),
        **destination_records(said.get("destinations", [])),
        **rule_records(said.get("rules", [])),
    }


BEFORE = ControlState().updated((LISTED | records(THERE)).items())


def applied(text: str, before: ControlState = BEFORE, more: Records | None = None) -> ControlState:
    new = records(text) | (more or {})
    after = before.updated(new.items())
    refuse_broken_names(before, after, new)
    return after


def rule(trigger: str = "event: {event: A}", action: str = "event: {name: B}", more: str = "") -> str:
    return f"rules: [{{rule: a, trigger: {{{trigger}}}, action: {{{action}}}{more}}}]"


GOOD = [
    rule("segment: {entered: vip}", more=", conditions: {in_segments: [vip], not_in_segments: [staff]}"),
    rule("schedule: {cron: 0 9 * * *, segment: vip}", "list: {add: customers}"),
    rule("pixel: {source: shop, event: Menu Opened}", "webhook: {destination: crm}"),
    rule("contact: {change: added, lists: [customers], mailers: [till]}", "http: {destination: crm}"),
    rule(
        "contact: {change: added, mailers: [spring-mail]}",
        "email: {destination: mail, subject: a, text: b}",
        ", level: email_campaign, object: spring",
    ),
    rule("contact: {change: deleted}", more=", level: phone_opt_out_list, object: no-calls"),
]


@pytest.mark.parametrize("text", GOOD)
def test_a_rule_may_name_what_is_there(text: str) -> None:
    assert "rule/main/a" in applied(text).rules


def test_what_is_in_the_same_file_is_there() -> None:
    text = THERE + rule("segment: {left: vip}", "webhook: {destination: crm}")
    assert "rule/main/a" in applied(text, ControlState()).rules


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            rule("segment: {entered: vips}"),
            "at trigger.segment.entered: there is no segment vips (did you mean vip?): put it into the same file",
        ),
        (
            rule(more=", conditions: {not_in_segments: [x]}"),
            "at conditions.not_in_segments[0]: there is no segment x; there are staff, vip",
        ),
        (
            rule("pixel: {source: shop, event: Menu}"),
            "at trigger.pixel.event: there is no event without code of source shop Menu",
        ),
        (rule(action="webhook: {destination: crn}"), "there is no destination crn (did you mean crm?)"),
        (
            rule(action="email: {destination: crm, subject: a, text: b}"),
            ("crm is a destination of kind http, and the action email takes one of kind smtp: name another one, or use the "
            "action webhook or http"),
        ),
        (rule(action="list: {remove: customer}"), "there is no contact list customer (did you mean customers?)"),
        (
            rule("contact: {change: added, lists: [nobody]}"),
            "there is no contact list nobody; there are customers, no-calls, unsubscribed",
        ),
        (
            rule("contact: {change: added, channel: phone, lists: [customers]}"),
            "customers is a list of channel email: the trigger asks for phone, and never fires",
        ),
        (
            rule("contact: {change: added}", more=", level: email_campaign, object: summer"),
            "at object: there is no campaign summer; there are calls, spring",
        ),
        (
            rule("contact: {change: added}", more=", level: email_campaign, object: calls"),
            "at object: calls is a campaign by sms: say level: sms_campaign",
        ),
        (
            rule("contact: {change: added}", more=", level: email_opt_out_list, object: no-calls"),
            "at object: no-calls is a list of channel phone: say level: phone_opt_out_list",
        ),
        (
            rule("contact: {change: added}", more=", level: email_opt_out_list, object: customers"),
            "customers is no opt-out list: name one, or make it a project's rule with lists: [customers]",
        ),
        (
            rule("contact: {change: added, mailers: [till]}", more=", level: email_campaign, object: spring"),
            "mailer till is of no campaign: a campaign's rule names its own mailers, of spring",
        ),
        (
            rule(more=", level: email_campaign, object: spring, replaces: [b]"),
            "at replaces[0]: there is no rule b; there are a",
        ),
    ],
)  # fmt: skip
def test_what_is_not_there_or_something_else_is_told(text: str, words: str) -> None:
    with pytest.raises(BadRule) as refused:
        applied(text)
    assert str(refused.value).startswith("rule a: at ")
    assert words in str(refused.value)


def test_a_rule_replaces_wider_ones_with_the_same_kind_of_trigger() -> None:
    wide = "{rule: wide, trigger: {contact: {change: added}}, action: {event: {name: B}}}"
    narrow = "level: email_campaign, object: spring, replaces: [wide]}"
    good = f"{{rule: a, trigger: {{contact: {{change: added}}}}, action: {{event: {{name: B}}}}, {narrow}"
    other = f"{{rule: a, trigger: {{event: {{event: A}}}}, action: {{event: {{name: B}}}}, {narrow}"
    applied(f"rules: [{wide}, {good}]")
    with pytest.raises(
        BadRule, match="rule wide fires for contact, this one for event: a rule takes the place"
    ):
        applied(f"rules: [{wide}, {other}]")
    level = wide.replace("}}}", "}}, level: sms_campaign, object: calls}")
    with pytest.raises(BadRule, match=r"is of level sms_campaign, which is no wider than email_campaign"):
        applied(f"rules: [{level}, {good}]")


@pytest.mark.parametrize(
    ("text", "key", "what"),
    [
        (GOOD[0], "segment/main/vip", "segment vip"),
        (GOOD[0], "segment/main/staff", "segment staff"),
        (GOOD[2], "pixel_event/shop/Menu Opened", "event without code of source shop Menu Opened"),
        (GOOD[2], "destination/main/crm", "destination crm"),
        (GOOD[3], "contact_list/main/customers", "contact list customers"),
        (GOOD[3], "mailer/main/till", "mailer till"),
        (GOOD[4], "campaign/main/spring", "campaign spring"),
        (GOOD[5], "contact_list/main/no-calls", "contact list no-calls"),
    ],
)
def test_what_a_rule_uses_cannot_be_deleted_unless_the_rule_is(text: str, key: str, what: str) -> None:
    before = applied(text)
    with pytest.raises(BadRule) as refused:
        applied("", before, {key: None})
    told = f"{what} cannot be deleted, "
    assert str(refused.value).startswith(told)
    users: Records = {"rule/main/a": None, "mailer/main/spring-mail": None}
    assert key not in applied("", before, {key: None, **users}).documents


def test_what_is_in_use_stays_what_it_is_taken_for() -> None:
    before = applied(GOOD[2])
    with pytest.raises(
        BadRule, match=r"^rule a: at action.webhook.destination: crm is a destination of kind kafka"
    ):
        applied("destinations: [{destination: crm, kafka: {topic: x}}]", before)


def test_a_list_that_a_campaign_has_keeps_it() -> None:
    with pytest.raises(
        BadRule, match="campaign calls cannot be deleted, contact list no-calls uses it at campaigns"
    ):
        applied("", more={"campaign/main/calls": None})


def test_what_was_broken_before_keeps_nobody_from_mending_something_else() -> None:
    broken = BEFORE.updated(rule_records(yaml.safe_load(rule("segment: {entered: gone}"))["rules"]).items())
    assert (
        "segment/main/new" in applied("segments: [{segment: new, where: {did: {event: A}}}]", broken).segments
    )


def test_what_stands_there_and_cannot_be_read_is_not_there() -> None:
    broken = BEFORE.updated([("destination/main/crm", b"{")])
    rule = "rules: [{rule: a, trigger: {event: {event: A}}, action: {webhook: {destination: crm}}}]"
    with pytest.raises(
        BadRule, match=r"rule a: at action.webhook.destination: destination crm cannot be read \("
    ):
        applied(rule, broken)
    mended = records(THERE)["destination/main/crm"]
    assert applied(rule, broken, {"destination/main/crm": mended}).rules
