"""Levels of rules: what each may ask for, which changes lie in its scope, and which rules make room for a narrower one.

The tables are those of docs/rules.md (tests/schemas/rules/test_rule_levels.py compares them). A rule's *scope* is where it may
fire at all: everything in a workspace at project level, what a campaign's own mailers do at a campaign's, the changes of one list
at an opt-out list's. A narrower rule replaces none unless it says so.

Deliberately absent: whether what a rule names is there (rule_names.py), and filters.
"""

from collections.abc import Iterable, Iterator, Mapping

import msgspec

from schemas.contacts.contact_lists import MAILER, Channel, Mailer
from schemas.definitions.problems import Problem
from schemas.rules.rules import Level, Rule

PROJECT: Level = "project"
CAMPAIGNS: Mapping[Level, Channel] = {"email_campaign": "email", "sms_campaign": "phone"}
OPT_OUT_LISTS: Mapping[Level, Channel] = {"email_opt_out_list": "email", "phone_opt_out_list": "phone"}
CHANNELS: Mapping[Level, Channel] = {**CAMPAIGNS, **OPT_OUT_LISTS}
LEVELS: tuple[Level, ...] = (PROJECT, *CAMPAIGNS, *OPT_OUT_LISTS)

# What there is to say of a contact trigger, beside the change and the channel.
SETTINGS = {
    PROJECT: ("lists", "mailers"),
    **dict.fromkeys(CAMPAIGNS, ("mailers",)),
    **dict.fromkeys(OPT_OUT_LISTS, ()),
}
# At a campaign's level an event has to say by which mailer it came, and these have none to say it.
_ALL = ("event", "pixel", "source", "segment", "cart_abandoned", "trait", "contact", "absence", "schedule")
_NAMELESS = ("segment", "cart_abandoned", "trait", "schedule")
TRIGGERS = {
    PROJECT: _ALL,
    **dict.fromkeys(CAMPAIGNS, tuple(kind for kind in _ALL if kind not in _NAMELESS)),
    **dict.fromkeys(OPT_OUT_LISTS, ("contact",)),
}
_WIDTH = {PROJECT: 2, **dict.fromkeys(CAMPAIGNS, 1), **dict.fromkeys(OPT_OUT_LISTS, 0)}
_OBJECTS = {
    **dict.fromkeys(CAMPAIGNS, "the campaign"),
    **dict.fromkeys(OPT_OUT_LISTS, "the opt-out list"),
}


class Place(msgspec.Struct, frozen=True, gc=False):
    """Where something happened, as far as levels ask: which list was changed ("" when it is no change of a list), by which
    mailer ("" when none is named), and whose that mailer is ("" when it is no campaign's)."""

    list: str = ""
    mailer: str = ""
    campaign: str = ""


def place_of_mailer(
    workspace: str, mailer: str, mailers: Mapping[str, Mailer], *, changed: str = ""
) -> Place:
    """`mailers`: by key, as ControlState has them. `changed`: the list."""
    known = mailers.get(f"{MAILER}{workspace}/{mailer}") if mailer else None
    return Place(changed, mailer, (known.campaign or "") if known else "")


def in_scope(rule: Rule, place: Place) -> bool:
    """Of something that happened in the rule's workspace: may the rule fire for it?"""
    if rule.level in OPT_OUT_LISTS:
        return bool(place.list) and place.list == rule.object
    if rule.level in CAMPAIGNS and (not place.campaign or place.campaign != rule.object):
        return False
    contact = rule.trigger.contact
    if contact is None:
        return True
    return (not contact.lists or place.list in contact.lists) and (
        not contact.mailers or place.mailer in contact.mailers
    )


def not_replaced(matched: Iterable[Rule]) -> list[Rule]:
    """Of the rules of one workspace whose trigger matched, each in its scope: those that no narrower one of them replaces, in
    their order. Whether the conditions of the narrower one hold is no matter; only live rules replace."""
    rules = list(matched)
    gone = {name for rule in rules if rule.mode == "live" for name in rule.replaces}
    return [rule for rule in rules if rule.rule not in gone]


def is_wider(wide: Rule, narrow: Rule) -> bool:
    """May `narrow` replace `wide`?"""
    return wide.workspace == narrow.workspace and _WIDTH[wide.level] > _WIDTH[narrow.level]


def level_problems(rule: Rule) -> Iterator[Problem]:
    """What the rule's level does not allow it to say."""
    yield from _object_problems(rule)
    kind = rule.trigger.kind
    if kind not in TRIGGERS[rule.level]:
        yield Problem(f"trigger.{kind}", f"{_why_no_trigger(rule)}; or make it a rule of the project's level")
    elif rule.trigger.contact is not None:
        yield from _contact_problems(rule)
    if rule.replaces and rule.level == PROJECT:
        yield Problem("replaces", "a project's rule is the widest there is and replaces none: take it out")


def _object_problems(rule: Rule) -> Iterator[Problem]:
    if rule.level == PROJECT and rule.object is not None:
        yield Problem(
            "object",
            f"a project's rule belongs to no campaign and no list: take `object` out, or say at `level` which kind "
            f"{rule.object} is: {', '.join(_OBJECTS)}",
        )
    elif rule.level != PROJECT and rule.object is None:
        yield Problem(
            "level", f"which one? Say in `object` the name of {_OBJECTS[rule.level]} that the rule is of"
        )


def _why_no_trigger(rule: Rule) -> str:
    if rule.level in OPT_OUT_LISTS:
        return "a rule of an opt-out list fires for its changes alone: take the trigger `contact`"
    allowed = ", ".join(TRIGGERS[rule.level])
    return f"a campaign's rule fires for what its mailers do, and this names none: there are {allowed}"


def _contact_problems(rule: Rule) -> Iterator[Problem]:
    contact = rule.trigger.contact
    assert contact is not None
    for setting in ("lists", "mailers"):
        if getattr(contact, setting) and setting not in SETTINGS[rule.level]:
            yield Problem(f"trigger.contact.{setting}", _why_no_setting(rule, setting))
    channel = CHANNELS.get(rule.level)
    if channel and contact.channel not in (None, channel):
        yield Problem(
            "trigger.contact.channel",
            f"contacts of level {rule.level} are of channel {channel}: take `channel` out",
        )


def _why_no_setting(rule: Rule, setting: str) -> str:
    if rule.level in OPT_OUT_LISTS:
        return f"a rule of an opt-out list has no settings: it fires for every change of {rule.object}: take it out"
    return (
        f"a campaign's rule can choose among its mailers, not {setting}: take it out, or make it a rule of the "
        "project's level"
    )
