"""Agent `triggers`: which rules an event is for, in which role, and what is said of it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from processors.rules.rule_index import indexed
from processors.rules.triggers import Triggers
from schemas.events.rule_event import decode_rule_event
from schemas.rules.rule_facts import ENDS, FIRES, STARTS, STATES
from schemas.rules.rules import decode_rule, version_of
from schemas.topics import EVENTS_DEAD
from schemas.wire.codec import decode
from tests.processors.driver import HASH_KEY
from tests.processors.rule_records import (
    PARTITIONS,
    control,
    fired,
    index,
    inputs,
    occurrences,
    resolved,
    rule,
    triggers,
)
from tests.sinks.stage import START_MS, pointer

BOUGHT = rule(
    trigger={"event": {"event": "Order Completed", "where": [{"path": "revenue", "op": "gte", "value": 100}]}}
)
SIGNED_UP = {"event": {"event": "Signed Up"}}


def test_an_event_with_the_name_and_what_the_filters_ask_fires() -> None:
    step = triggers(BOUGHT)
    big, small = (
        {"event": "Order Completed", "commerce": {"revenue": Decimal(amount)}} for amount in (100, 99)
    )
    assert fired(step, resolved(**big)) == [("hello", FIRES)]
    assert fired(step, resolved(**small)) == []
    assert fired(step, resolved(event="Cart Viewed", commerce={"revenue": Decimal(100)})) == []


def test_what_is_told_of_an_event_is_what_was_stored_of_it() -> None:
    value = resolved(
        7,
        event="Signed Up",
        source="shop",
        subject=42,
        profile_id=f"{77:016x}",
        properties={"plan": "pro"},
        context={"page": {"path": "/"}, "stitchline": {"hops": 2}},
        touch={"channel": "email"},
        commerce={"revenue": Decimal(0)},
    )
    (found,) = occurrences(triggers(rule(trigger=SIGNED_UP))(0, inputs([value]), {}))
    assert (found.id, found.workspace, found.person, found.subject) == ("0-7-0", "main", 77, 42)
    assert (found.time, found.seen_at, found.message_id, found.hops) == (START_MS + 7000, START_MS, "m7", 2)
    told = decode_rule_event(found.event)
    assert (told.event, told.source, told.properties, told.touch) == (
        "Signed Up",
        "shop",
        {"plan": "pro"},
        {"channel": "email"},
    )
    assert (told.commerce, told.place, told.timestamp) == ({"revenue": 0}, {}, "2023-11-14T22:13:27.000Z")


def test_a_rule_goes_by_the_version_of_what_it_says() -> None:
    document = rule(trigger=SIGNED_UP)
    (found,) = occurrences(triggers(document)(0, inputs([resolved(event="Signed Up")]), {}))
    assert found.matches[0].rule_version == version_of(decode_rule(json.dumps(document).encode()))


def test_a_star_is_every_track_page_and_screen_and_nothing_else() -> None:
    step = triggers(
        rule(trigger={"event": {"event": "*"}}),
        rule("pages", trigger={"event": {"event": "*", "type": "page"}}),
    )
    page, identify = {"type": "page", "event": "", "name": "Home"}, {"type": "identify", "event": ""}
    assert fired(step, resolved(event="Anything")) == [("hello", FIRES)]
    assert fired(step, resolved(**page)) == [("hello", FIRES), ("pages", FIRES)]
    assert fired(step, resolved(**identify)) == []


def test_a_page_goes_by_its_name_and_no_track_is_taken_for_it() -> None:
    step = triggers(rule(trigger={"event": {"event": ["Home", "Pricing"], "type": "page"}}))
    assert fired(step, resolved(type="page", event="", name="Pricing")) == [("hello", FIRES)]
    assert fired(step, resolved(event="Pricing")) == []


def test_a_pixel_event_is_its_own_sources_alone() -> None:
    step = triggers(rule(trigger={"pixel": {"source": "shop", "event": "Scrolled"}}))
    assert fired(step, resolved(event="Scrolled", source="shop")) == [("hello", FIRES)]
    assert fired(step, resolved(event="Scrolled", source="blog")) == []


def test_an_absence_is_started_and_ended_whatever_its_conditions_say_of_the_end() -> None:
    absence = {
        "after": {"event": "Cart Viewed"},
        "of": {"event": ["Order Completed", "Cart Viewed"]},
        "within": "1h",
    }
    step = triggers(
        rule(
            trigger={"absence": absence}, conditions={"where": [{"path": "plan", "op": "eq", "value": "pro"}]}
        )
    )
    assert fired(step, resolved(event="Order Completed", properties={})) == [("hello", ENDS)]
    assert fired(step, resolved(event="Cart Viewed")) == [("hello", ENDS), ("hello", STARTS)]
    (end,) = occurrences(step(0, inputs([resolved(event="Order Completed")]), {}))
    assert end.event == b""


@pytest.mark.parametrize(
    ("traits", "stated"),
    [
        ({"plan": "pro"}, None),
        ({"address": {"city": "Ulm"}}, b'"Ulm"'),
        ({"address": {"street": "A"}}, b"null"),
        ({"address": None}, b"null"),
        ({"address": [{"city": "Ulm"}, {"city": "Bonn"}]}, b'["Ulm","Bonn"]'),
    ],
)
def test_a_trait_is_stated_by_identify_calls_that_have_it(
    traits: dict[str, Any], stated: bytes | None
) -> None:
    step = triggers(rule(trigger={"trait": {"name": "address.city"}}))
    found = occurrences(step(0, inputs([resolved(type="identify", event="", traits=traits)]), {}))
    assert [match.stated for each in found for match in each.matches] == ([] if stated is None else [stated])
    assert all(match.role == STATES for each in found for match in each.matches)
    assert fired(step, resolved(type="group", event="", traits=traits)) == []


def test_a_visit_that_begins_fires_once_by_what_brought_it() -> None:
    step = triggers(rule(trigger={"source": {"channels": ["email"], "campaigns": ["spring"]}}))
    session = f"00000000000000ff-{START_MS:x}"
    visit = {
        "session_id": session,
        "timestamp": START_MS,
        "visit": {"touch": {"channel": "email", "campaign": "spring"}},
    }
    full = {"touch": {"channel": "email", "campaign": "a campaign of more than 24 bytes"}}
    found = occurrences(step(0, inputs([resolved(1, **visit), resolved(2, **visit)]), {}))
    assert [each.id for each in found] == [session, session]
    assert fired(step, resolved(3, **(visit | {"timestamp": START_MS + 1}))) == []
    assert fired(step, resolved(4, **(visit | full))) == []
    assert fired(step, resolved(5, **(visit | {"session_id": ""}))) == []


def test_bots_fire_nothing_unless_a_rule_takes_them() -> None:
    step = triggers(
        rule(trigger=SIGNED_UP), rule("robots", trigger=SIGNED_UP, conditions={"bots": "include"})
    )
    assert fired(step, resolved(event="Signed Up", device={"is_bot": True})) == [("robots", FIRES)]


def test_consent_is_asked_of_the_event() -> None:
    step = triggers(rule(trigger=SIGNED_UP, conditions={"consent": ["ads", "mail"]}))
    both, one = (
        {"event": "Signed Up", "consent": {"categories": some}} for some in (("ads", "mail", "x"), ("ads",))
    )
    assert fired(step, resolved(**both)) == [("hello", FIRES)]
    assert fired(step, resolved(**one)) == []


@pytest.mark.parametrize(
    ("integrations", "is_on"),
    [
        ({}, True),
        ({"All": False}, False),
        ({"All": False, "crm": True}, True),
        ({"All": False, "crm": {"list": 7}}, True),
        ({"crm": False}, False),
        ({"shop": False}, True),
        ({"All": True, "crm": False}, False),
        ({"crm": None}, True),
        ({"All": None}, True),
        ({"All": False, "crm": None}, True),
    ],
)
def test_an_event_switches_destinations_off_and_on_by_their_names(
    integrations: dict[str, Any], is_on: bool
) -> None:
    destination = {"destination": "shop", "integration": "crm", "http": {"url": "https://shop.example/"}}
    step = triggers(rule(trigger=SIGNED_UP), destination)
    assert bool(fired(step, resolved(event="Signed Up", integrations=integrations))) is is_on


@pytest.mark.parametrize(
    ("action", "switch"),
    [
        ({"list": {"add": "news"}}, "Lists"),
        ({"trait": {"set": {"a": 1}}}, "Traits"),
        ({"event": {"name": "A"}}, "Events"),
    ],
)
def test_actions_within_go_by_fixed_names(action: dict[str, Any], switch: str) -> None:
    step = triggers({"rule": "hello", "trigger": SIGNED_UP, "action": action})
    assert fired(step, resolved(event="Signed Up", integrations={switch: False})) == []
    assert fired(step, resolved(event="Signed Up", integrations={"All": False, switch: True})) == [
        ("hello", FIRES)
    ]


def test_a_campaigns_rule_fires_for_its_mailers_alone_and_replaces_a_projects_there() -> None:
    campaign = {"level": "email_campaign", "object": "spring", "replaces": ["hello"], "trigger": SIGNED_UP}
    mailer = {"mailer": "weekly", "channel": "email", "campaign": "spring"}
    step = triggers(rule(trigger=SIGNED_UP), rule("ours", **campaign), mailer)
    assert fired(step, resolved(event="Signed Up", properties={"mailer": "weekly"})) == [("ours", FIRES)]
    assert fired(step, resolved(event="Signed Up", properties={"mailer": "other"})) == [("hello", FIRES)]
    assert fired(step, resolved(event="Signed Up", properties={"mailer": ["weekly"]})) == [("hello", FIRES)]


def test_a_rule_that_is_off_or_of_another_workspace_fires_nothing() -> None:
    step = triggers(rule(trigger=SIGNED_UP, mode="off"), rule("theirs", trigger=SIGNED_UP, workspace="other"))
    assert fired(step, resolved(event="Signed Up")) == []
    assert fired(step, resolved(event="Signed Up", workspace="other")) == [("theirs", FIRES)]


def test_what_cannot_be_read_is_a_dead_letter_and_stops_nothing() -> None:
    step = triggers(rule(trigger=SIGNED_UP))
    whole = resolved(event="Signed Up")
    broken = [b"", b"x", whole[:40], whole[:-3], pointer(1, 2), b"\0\0\0\x01\0" + whole[5:]]
    outputs = step(0, inputs([*broken, whole]), {})
    letters = [decode(each.value) for each in outputs if each.topic == EVENTS_DEAD.name]
    assert [letter["stage"] for letter in letters] == ["rules"] * len(broken)
    assert len(outputs) == len(broken) + 1


def test_a_chunk_is_judged_by_the_rules_as_they_were_at_its_beginning() -> None:
    asked = []

    def rules() -> Any:
        asked.append(1)
        return index(rule(trigger=SIGNED_UP))

    step = Triggers(rules, hash_key=HASH_KEY, partitions=PARTITIONS)
    assert len(fired(step, *(resolved(number, event="Signed Up") for number in range(5)))) == 5
    assert asked == [1]


def test_a_rule_that_did_not_change_is_not_compiled_again() -> None:
    before, _ = indexed(control(rule(trigger=SIGNED_UP), rule("other", trigger=SIGNED_UP)))
    state = control(rule(trigger=SIGNED_UP), rule("other", trigger=SIGNED_UP))
    kept = state.updated(
        [("rule/main/other", json.dumps(rule("other", trigger=SIGNED_UP, mode="test")).encode())]
    )
    first, _ = indexed(state, before)
    second, _ = indexed(kept, first)
    assert second.compiled["rule/main/hello"] is first.compiled["rule/main/hello"]
    assert second.compiled["rule/main/other"] is not first.compiled["rule/main/other"]


def test_a_destination_that_is_switched_by_another_name_counts_at_once() -> None:
    shop = {"destination": "shop", "http": {"url": "https://shop.example/"}}
    before, _ = indexed(control(rule(trigger=SIGNED_UP), shop))
    after, _ = indexed(control(rule(trigger=SIGNED_UP), shop | {"integration": "crm"}), before)
    assert after.compiled["rule/main/hello"].switch == "crm"
