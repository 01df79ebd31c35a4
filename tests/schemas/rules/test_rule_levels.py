"""Levels of rules: what each may say, and which rules fire for which change."""

from itertools import product
from typing import Any

import msgspec
import pytest

from schemas.actions.actions import Action, EventAction
from schemas.contacts.contact_lists import Channel, Mailer
from schemas.rules.rule_levels import (
    CAMPAIGNS,
    CHANNELS,
    LEVELS,
    OPT_OUT_LISTS,
    SETTINGS,
    TRIGGERS,
    Place,
    in_scope,
    is_wider,
    level_problems,
    not_replaced,
    place_of_mailer,
)
from schemas.rules.rules import (
    AbsenceTrigger,
    CartTrigger,
    ContactTrigger,
    Level,
    PixelTrigger,
    Rule,
    ScheduleTrigger,
    SegmentTrigger,
    SourceTrigger,
    TraitTrigger,
    Trigger,
)
from schemas.segments.segments import Selection
from tests.documented import table_of

ADDED = ContactTrigger("added")
OBJECTS = {
    "project": None,
    **dict.fromkeys(CAMPAIGNS, "spring"),
    **dict.fromkeys(OPT_OUT_LISTS, "unsubscribed"),
}
TRIGGER_OF = {
    "event": Trigger(event=Selection("A")),
    "pixel": Trigger(pixel=PixelTrigger("shop", "A")),
    "source": Trigger(source=SourceTrigger(channels=["Email"])),
    "segment": Trigger(segment=SegmentTrigger(entered="vip")),
    "cart_abandoned": Trigger(cart_abandoned=CartTrigger()),
    "trait": Trigger(trait=TraitTrigger("plan")),
    "contact": Trigger(contact=ADDED),
    "absence": Trigger(absence=AbsenceTrigger(Selection("A"), Selection("B"), "1d")),
    "schedule": Trigger(schedule=ScheduleTrigger("0 9 * * *")),
}
# Changes: of a list for contacts or of an opt-out list, by no mailer, one of this campaign, of another, or of none.
PLACES = [
    Place(changed, mailer, campaign)
    for changed, (mailer, campaign) in product(
        ("", "customers", "unsubscribed", "bounced"),
        (("", ""), ("spring-mail", "spring"), ("autumn-mail", "autumn"), ("till", "")),
    )
]


def rule(name: str, level: Level, contact: ContactTrigger = ADDED, **more: Any) -> Rule:
    said: dict[str, Any] = {"object": OBJECTS[level], **more}
    trigger, action = Trigger(contact=contact), Action(event=EventAction("E"))
    return Rule(rule=name, trigger=trigger, action=action, level=level, **said)


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("level", LEVELS)
def test_a_level_says_for_which_changes_a_rule_fires(level: Level, place: Place) -> None:
    of_the_campaign, of_the_list = place.campaign == "spring", place.list == "unsubscribed"
    expected = {
        "project": True,
        **dict.fromkeys(CAMPAIGNS, of_the_campaign),
        **dict.fromkeys(OPT_OUT_LISTS, of_the_list),
    }
    assert in_scope(rule("a", level), place) is expected[level]


@pytest.mark.parametrize("place", PLACES, ids=str)
@pytest.mark.parametrize("lists", [[], ["customers"], ["customers", "bounced"]])
@pytest.mark.parametrize("mailers", [[], ["spring-mail"], ["autumn-mail", "till"]])
def test_the_settings_of_a_project_rule_both_narrow_it(
    place: Place, lists: list[str], mailers: list[str]
) -> None:
    chosen = rule("a", "project", ContactTrigger("added", lists=lists, mailers=mailers))
    is_meant = (not lists or place.list in lists) and (not mailers or place.mailer in mailers)
    assert in_scope(chosen, place) is is_meant


@pytest.mark.parametrize("level", CAMPAIGNS)
def test_a_campaigns_rule_may_choose_among_its_mailers(level: Any) -> None:
    chosen = rule("a", level, ContactTrigger("added", mailers=["spring-mail"]))
    assert in_scope(chosen, Place("customers", "spring-mail", "spring"))
    assert not in_scope(chosen, Place("customers", "spring-second-mail", "spring"))
    assert not in_scope(chosen, Place("customers", "spring-mail", "autumn"))


def test_the_campaign_of_a_mailer_is_looked_up_in_its_workspace() -> None:
    mailers = {
        "mailer/main/m": Mailer(mailer="m", channel="email", campaign="spring"),
        "mailer/main/free": Mailer(mailer="free", channel="email"),
    }
    assert place_of_mailer("main", "m", mailers, changed="l") == Place("l", "m", "spring")
    assert place_of_mailer("main", "free", mailers) == Place("", "free", "")
    assert place_of_mailer("second", "m", mailers) == Place("", "m", "")
    assert place_of_mailer("main", "", mailers) == Place()


@pytest.mark.parametrize(("wide", "narrow"), list(product(LEVELS, LEVELS)))
def test_a_narrower_level_may_replace_a_wider_one(wide: Level, narrow: Level) -> None:
    order = ["project", "campaign", "opt_out_list"]
    places = [next(i for i, kind in enumerate(order) if level.endswith(kind)) for level in (wide, narrow)]
    assert is_wider(rule("w", wide), rule("n", narrow)) is (places[0] < places[1])


def test_all_rules_in_whose_scope_a_change_lies_fire() -> None:
    rules = [rule(level, level) for level in LEVELS]
    assert not_replaced(rules) == rules


def test_a_rule_takes_the_place_of_those_that_it_replaces_and_of_theirs() -> None:
    wide = rule("wide", "project")
    middle = rule("middle", "email_campaign", replaces=["wide"])
    narrow = rule("narrow", "email_opt_out_list", replaces=["middle"])
    assert not_replaced([wide, middle]) == [middle]
    assert not_replaced([wide, narrow]) == [wide, narrow]
    assert not_replaced([wide, middle, narrow]) == [narrow]


@pytest.mark.parametrize("mode", ["test", "off"])
def test_only_a_live_rule_replaces(mode: str) -> None:
    wide, narrow = (
        rule("wide", "project"),
        rule("narrow", "sms_campaign", replaces=["wide"], mode=mode),
    )
    assert not_replaced([wide, narrow]) == [wide, narrow]


def told(of: Rule) -> list[str]:
    return [f"{problem.place}: {problem.what}" for problem in level_problems(of)]


@pytest.mark.parametrize(("level", "kind"), list(product(LEVELS, TRIGGER_OF)))
def test_each_level_has_its_triggers(level: Level, kind: str) -> None:
    of = Rule(
        rule="a",
        trigger=TRIGGER_OF[kind],
        action=Action(event=EventAction("E")),
        level=level,
        object=OBJECTS[level],
    )
    assert [line.partition(":")[0] for line in told(of)] == (
        [] if kind in TRIGGERS[level] else [f"trigger.{kind}"]
    )


@pytest.mark.parametrize(("level", "setting"), list(product(LEVELS, ["lists", "mailers"])))
def test_each_level_has_its_settings(level: Level, setting: str) -> None:
    of = rule("a", level, msgspec.structs.replace(ADDED, **{setting: ["x"]}))
    assert [line.partition(":")[0] for line in told(of)] == (
        [] if setting in SETTINGS[level] else [f"trigger.contact.{setting}"]
    )


@pytest.mark.parametrize(("level", "channel"), list(product(CHANNELS, ["email", "phone"])))
def test_a_level_has_one_channel(level: Level, channel: Channel) -> None:
    of = rule("a", level, ContactTrigger("added", channel=channel))
    assert bool(told(of)) is (CHANNELS[level] != channel)


@pytest.mark.parametrize(
    ("of", "words"),
    [
        (
            rule("a", "project", object="spring"),
            "object: a project's rule belongs to no campaign and no list",
        ),
        (
            rule("a", "email_campaign", object=None),
            "level: which one? Say in `object` the name of the campaign",
        ),
        (rule("a", "phone_opt_out_list", object=None), "the name of the opt-out list that the rule is of"),
        (
            rule("a", "project", replaces=["b"]),
            "replaces: a project's rule is the widest there is and replaces none",
        ),
        (
            rule("a", "sms_campaign", ContactTrigger("added", lists=["x"])),
            "a campaign's rule can choose among its mailers, not lists: take it out, or make it a rule of the project's level",
        ),
        (
            rule("a", "email_opt_out_list", ContactTrigger("added", mailers=["x"])),
            "it fires for every change of unsubscribed: take it out",
        ),
        (
            rule("a", "email_campaign", ContactTrigger("added", channel="phone")),
            "contacts of level email_campaign are of channel email: take `channel` out",
        ),
    ],
)
def test_what_a_level_does_not_allow_is_told_with_the_way_out(of: Rule, words: str) -> None:
    assert len(told(of)) == 1
    assert words in told(of)[0]


def test_the_page_has_the_table_of_levels() -> None:
    written = table_of("rules.md", "Levels")
    assert written == [
        [
            f"`{level}`",
            ", ".join(f"`{name}`" for name in SETTINGS[level]) or "none",
            "all" if level == "project" else ", ".join(f"`{kind}`" for kind in TRIGGERS[level]),
        ]
        for level in LEVELS
    ]
