"""Definitions of rules and destinations: what is taken, what is refused, and in which words."""

from typing import Any

import msgspec
import pytest
import yaml

from schemas.actions.destinations import Destination
from schemas.configuration.rule_reading import BadRule, read_destination, read_rule
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.rules.rules import Rule, version_of
from tests.schemas.rule_definitions import DESTINATIONS, rules

A = "rule: a, trigger: {event: {event: A}}, action: {event: {name: B}}"


@pytest.mark.parametrize("written", rules(), ids=lambda each: yaml.safe_dump(each)[:70])
def test_every_form_of_a_rule_is_read_and_stored_as_it_means(written: Any) -> None:
    rule = read_rule(written)
    stored = rule_records([written])[rule.key]
    assert stored is not None
    assert msgspec.json.decode(stored, type=Rule) == rule


@pytest.mark.parametrize("written", DESTINATIONS, ids=lambda each: yaml.safe_dump(each)[:70])
def test_every_form_of_a_destination_is_read_and_stored_as_it_means(written: Any) -> None:
    destination = read_destination(written)
    stored = destination_records([written])[destination.key]
    assert stored is not None
    assert msgspec.json.decode(stored, type=Destination) == destination


def test_off_without_quotes_is_a_mode() -> None:
    assert read_rule(yaml.safe_load(f"{{{A}, mode: off}}")).mode == "off"


def test_a_trigger_with_nothing_behind_it_has_no_filters() -> None:
    rule = read_rule(yaml.safe_load("{rule: a, trigger: {cart_abandoned: }, action: {event: {name: B}}}"))
    assert rule.trigger.kind == "cart_abandoned"


def test_a_version_is_of_what_a_rule_says() -> None:
    of = {
        text: version_of(read_rule(yaml.safe_load(f"{{{A}{text}}}")))
        for text in ("", ", description: a", ", mode: test", ", limits: {once: true}")
    }
    assert of[""] == of[", description: a"] == of[", mode: test"] != of[", limits: {once: true}"]


def told(written: str) -> str:
    with pytest.raises(BadRule) as refused:
        read_rule(yaml.safe_load(f"{{{written}}}"))
    return str(refused.value)


ALL = "event, pixel, source, segment, cart_abandoned, trait, contact, absence, schedule"
KEYS = "rule, trigger, action, conditions, limits, workspace, level, object, replaces, mode, description"
NAME = "a name: a-z, 0-9, _ and -, beginning with a letter or a digit, at most 63 characters"
NO_ZONE = "names are those of the time zone database, such as Europe/Berlin, America/New_York, UTC"
B = "action: {event: {name: B}}"
W = "action: {webhook: {destination: b}}"
FOR_NOBODY = (
    "a schedule without a segment fires for nobody: name the segment of those meant in trigger.schedule"
)


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            f"rule: welcome, trigger: {{event: {{event: A}}, segment: {{entered: vip}}}}, {B}",
            (f"rule welcome: at trigger: exactly one of {ALL} is given; here are two: event and segment: make a rule of its own "
            "of each"),
        ),
        (f"rule: a, trigger: {{}}, {B}", f"rule a: at trigger: exactly one of {ALL} is given; here is none"),
        (
            f"rule: a, trigger: {{evnt: {{event: A}}}}, {B}",
            f'rule a: at trigger: there is no key "evnt" (did you mean event?); there are {ALL}',
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {list: {add: x}, trait: {set: {a: 1}}}",
            ("rule a: at action: exactly one of webhook, http, email, kafka, list, trait, event is given; here are two: list and "
            "trait: make a rule of its own of each"),
        ),
        (
            f"{A}, limits: {{quota: {{max: 1{'0' * 400}}}}}",
            f"rule a: at limits.quota.max: expected a whole number, at least 1, at most 1000000000, found 1{'0' * 59}..",
        ),
        (f"{A}, limits: {{quota: {{max: 5.0}}}}", "rule a: Expected `int`, got `float` - at `$.limits.quota.max`"),
        (
            "rule: a, trigger: {event: {event: A}}, action: {http: {destination: crm, headers: {Host: b}}}",
            "rule a: at action.http.headers.Host: the sender says this one itself: take it out",
        ),
        (f"{A}, expires_after: 1d", f'rule a: at its top: there is no key "expires_after"; there are {KEYS}'),
        (
            f"rule: Welcome, trigger: {{event: {{event: A}}}}, {B}",
            f'rule Welcome: at rule: expected {NAME}, found "Welcome"',
        ),
        (
            f"rule: crm--a, trigger: {{event: {{event: A}}}}, {B}",
            "rule crm--a: at rule: names with -- are those of default actions: take another one",
        ),
        (
            f"rule: a, trigger: {{event: {{event: A, where: [{{path: touch.chanel, op: eq, value: b}}]}}}}, {B}",
            ("rule a: at trigger.event.where[0].path: there is no column touch.chanel (did you mean touch.channel?); a property "
            "of that name is properties.touch.chanel"),
        ),
        (
            f"{A}, conditions: {{where: [{{path: a, op: matches, value: '('}}]}}",
            "rule a: at conditions.where[0].value: not a pattern that ClickHouse can run: missing ): (",
        ),
        (
            f"{A}, conditions: {{traits: [{{name: a, op: gt, value: b}}]}}",
            ("rule a: at conditions.traits[0].value: expected a number between -2^53 and 2^53; a longer one is an identifier: "
            'write it as text, in quotes, found "b"'),
        ),
        (
            f"rule: a, trigger: {{trait: {{name: plan, to: {{op: eq}}}}}}, {B}",
            "rule a: at trigger.trait.to: value is missing: expected the value that this operator takes",
        ),
        (
            f"rule: a, trigger: {{trait: {{name: plan, to: {{op: between, value: [5, 1]}}}}}}, {B}",
            "rule a: at trigger.trait.to.value: the smaller number comes first: as it is, nothing is between them",
        ),
        (
            f"rule: a, trigger: {{segment: {{entered: a, left: b}}}}, {B}",
            "rule a: at trigger.segment: exactly one of entered and left is given; here are both: make a rule of its own of each",
        ),
        (
            f"rule: a, trigger: {{segment: {{left: b, initial: true}}}}, {B}",
            "rule a: at trigger.segment.initial: nobody has left a new segment: take it out",
        ),
        (
            f"rule: a, trigger: {{source: {{channels: []}}}}, {B}",
            "rule a: at trigger.source: nothing to look for: give channels, sources, mediums or campaigns",
        ),
        (
            f"rule: a, trigger: {{absence: {{after: {{event: A}}, of: {{event: B}}, within: 99999w}}}}, {B}",
            "rule a: at trigger.absence.within: 99999w is more than 36500 days, a hundred years",
        ),
        (
            f"rule: a, trigger: {{schedule: {{cron: '0 9 * *'}}}}, {W}",
            ("rule a: at trigger.schedule.cron: 4 fields, and cron has five: minute, hour, day of the month, month, day of the "
            'week, such as "0 9 * * mon" for Mondays at nine'),
        ),
        (
            f"rule: a, trigger: {{schedule: {{cron: '0 25 * * *'}}}}, {W}",
            'rule a: at trigger.schedule.cron: Bad hour, and "0 9 * * mon" is every Monday at nine',
        ),
        (
            f"rule: a, trigger: {{schedule: {{cron: '0 9 * * *', timezone: Mars}}}}, {W}",
            f"rule a: at trigger.schedule.timezone: no time zone 'Mars': {NO_ZONE}",
        ),
        (
            f"rule: a, trigger: {{schedule: {{cron: '0 9 * * *'}}}}, {W}, conditions: {{in_segments: [vip]}}",
            f"rule a: at conditions.in_segments: {FOR_NOBODY}",
        ),
        *(
            (
                f"rule: a, trigger: {{schedule: {{cron: '0 9 * * *'}}}}, action: {{{action}}}",
                f"rule a: at action.{action.partition(':')[0]}: {FOR_NOBODY}",
            )
            for action in (
                "event: {name: B}",
                "trait: {set: {a: 1}}",
                "list: {add: b}",
                "email: {destination: b, subject: c, text: d}",
            )
        ),
        (
            f"rule: a, trigger: {{schedule: {{cron: '0 9 * * *', segment: b}}}}, {B}, conditions: {{consent: [marketing]}}",
            "rule a: at conditions.consent: a schedule has no event to be asked: take it out",
        ),
        (
            f"{A}, limits: {{caps: [{{max: 0, within: 1d}}]}}",
            "rule a: at limits.caps[0].max: expected a whole number, at least 1, at most 1000, found 0",
        ),
        (
            f"{A}, limits: {{caps: [{{max: 1, within: 1 day}}]}}",
            ('rule a: at limits.caps[0].within: expected a duration such as 90d or 36h: digits, then s, m, h, d or w, '
            'found "1 day"'),
        ),
        (
            f"{A}, limits: {{quota: {{max: 5, per: week}}}}",
            'rule a: at limits.quota.per: expected one of day, month, total, found "week"',
        ),
        (
            f"{A}, limits: {{quiet_hours: {{start: 22:00, end: '08:00'}}}}",
            'rule a: at limits.quiet_hours.start: expected a time of day in quotes, such as "21:30", found 1320',
        ),
        (
            f"{A}, limits: {{quiet_hours: {{start: '22:00', end: '22:00', timezone: Mars}}}}",
            (f"rule a:\n  at limits.quiet_hours.timezone: no time zone 'Mars': {NO_ZONE}\n"
            "  at limits.quiet_hours.end: the same as start: the whole day would be quiet, or none of it"),
        ),
        (
            f"{A}, limits: {{delay: 2d}}",
            ("rule a: at limits.delay: 2d is not less than expires_after, 1d: nothing would ever be sent; "
            "make expires_after longer"),
        ),
        (
            f"{A}, level: email_campaign",
            "rule a: at level: which one? Say in `object` the name of the campaign that the rule is of",
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {http: {destination: b, method: GET, json: 1, text: c}}",
            ("rule a:\n  at action.http: one body at most; here are json and text: leave one of them\n"
            "  at action.http.json: a GET has no body: put it into query, or take another method"),
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {http: {destination: b, headers: {A B: c}}}",
            "rule a: at action.http.headers: expected the name of a header: letters, digits and -, found a mapping of A B",
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {email: {destination: b, subject: c}}",
            "rule a: at action.email: a mail without a word: give text, html, or both",
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {list: {add: b, remove: c}}",
            "rule a: at action.list: exactly one of add and remove is given; here are both: make a rule of its own of each",
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {trait: {set: {}}}",
            "rule a: at action.trait.set: no trait: name one at least, such as {plan: pro}",
        ),
        (
            "rule: a, trigger: {event: {event: A}}, action: {event: {name: ' '}}",
            "rule a: at action.event.name: an event needs a name",
        ),
        (f"{A}, level: sms_campaign, object: b, replaces: [a]", "rule a: at replaces: the rule itself: take it out"),
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_told_with_its_place_and_the_way_out(written: str, words: str) -> None:
    assert told(written) == words


@pytest.mark.parametrize(
    ("written", "words"),
    [
        (
            "destination: b",
            "destination b: at its top: exactly one of http, smtp, kafka is given; here is none",
        ),
        (
            "destination: b, kafka: {topic: a}, smtp: {host: b, from: c}",
            (
                "destination b: at its top: exactly one of http, smtp, kafka is given; here are smtp and kafka: make a "
                "destination of its own of each"
            ),
        ),
        (
            "destination: b, kafka: {topic: events.raw}",
            "destination b: at kafka.topic: events.raw is a topic of Stitchline's own: take another one",
        ),
        (
            "destination: b, kafka: {topic: g1-rules-changelog}",
            "destination b: at kafka.topic: g1-rules-changelog is a topic of Stitchline's own: take another one",
        ),
        (
            "destination: b, http: {url: 'ftp://b.example'}",
            'destination b: at http.url: expected an address that begins with http:// or https://, found "ftp://b.example"',
        ),
        (
            "destination: b, http: {url: 'https://b.example', signing_secrets: [whsec_abc]}",
            (
                "destination b: at http.signing_secrets[0]: expected where a secret is, never the secret itself: env:NAME or "
                'file:/PATH, found "whsec_abc"'
            ),
        ),
        (
            "destination: b, http: {url: 'https://b.example'}, actions: {A: null}",
            "destination b: at actions: they take the place of default actions: say `default_actions: true` too",
        ),
        (
            "destination: b, smtp: {host: b, from: c}, default_actions: true",
            "destination b: at default_actions: there are none for mail: write rules with the action email",
        ),
        (
            "destination: b--c, http: {url: 'https://b.example'}",
            "destination b--c: at destination: names with -- are those of default actions: take another one",
        ),
    ],
)
def test_a_destination_that_cannot_be_is_told_with_its_place_and_the_way_out(
    written: str, words: str
) -> None:
    with pytest.raises(BadRule) as refused:
        read_destination(yaml.safe_load(f"{{{written}}}"))
    assert str(refused.value) == words
