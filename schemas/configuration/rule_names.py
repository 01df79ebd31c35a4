"""What documents name of each other: rules name segments, lists, campaigns, mailers, destinations, events without code and other
rules; lists and mailers name campaigns. What is named is there, and is what it is taken for; what is in use stays.

Deliberately absent: what a definition says by itself (rule_reading.py), and segments within segments (segment_records.py).
"""

from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import partial

import msgspec

from schemas.actions.destinations import DESTINATION, Destination
from schemas.configuration.rule_reading import BadRule
from schemas.contacts.contact_lists import CAMPAIGN, CONTACT_LIST, MAILER
from schemas.control import ControlState
from schemas.pixel.pixel_events import key_of as pixel_event_key
from schemas.rules.rule_levels import CAMPAIGNS, CHANNELS, is_wider
from schemas.rules.rules import Rule, rule_key
from schemas.segments.segment_tree import key_of as segment_key

_CHANNEL_OF = {"email": "email", "sms": "phone"}  # of a campaign -> of the contacts that it is for
_DESTINATION_OF = {"webhook": "http", "http": "http", "email": "smtp", "kafka": "kafka"}

Fits = Callable[[ControlState], str]  # what is wrong with what is named, "" when nothing is


class Use(msgspec.Struct, frozen=True):
    """`place` in the definition; `key` of what is named there; `what` it is, with its name."""

    place: str
    key: str
    what: str
    fits: Fits | None = None


def refuse_broken_names(
    before: ControlState, after: ControlState, records: Mapping[str, bytes | None]
) -> None:
    """Raises BadRule; `after` has the `records` in it. What was broken before and is not touched now keeps nobody from mending
    something else."""
    for user, key, uses in _users(after):
        for use in uses:
            if user not in records and use.key not in records:
                continue
            if use.key in after.documents and use.key not in after.unreadable:
                _refuse_misfit(key, use, after)
            elif use.key in records and use.key in before.documents:
                raise BadRule(
                    f"{use.what} cannot be deleted, {key} uses it at {use.place}: take it out there, or delete "
                    f"{key} in the same file"
                )
            elif user in records and use.key in after.unreadable:
                raise BadRule(
                    f"{key}: at {use.place}: {use.what} cannot be read ({after.unreadable[use.key]}): put it into the same file"
                )
            elif user in records:
                raise BadRule(f"{key}: at {use.place}: {_not_there(use, after)}")


def uses_of(rule: Rule) -> Iterator[Use]:
    """All that a rule names."""
    yield from _of_level(rule)
    yield from _of_trigger(rule)
    for place in ("in_segments", "not_in_segments"):
        for index, name in enumerate(getattr(rule.conditions, place)):
            yield Use(f"conditions.{place}[{index}]", segment_key(rule.workspace, name), f"segment {name}")
    yield from _of_action(rule)


def _users(state: ControlState) -> Iterator[tuple[str, str, list[Use]]]:
    for key, rule in sorted(state.written_rules.items()):
        yield key, f"rule {rule.rule}", list(uses_of(rule))
    for key, listed in sorted(state.contact_lists.items()):
        named = [
            Use(f"campaigns[{place}]", f"{CAMPAIGN}{listed.workspace}/{name}", f"campaign {name}")
            for place, name in enumerate(listed.campaigns)
        ]
        yield key, f"contact list {listed.list}", named
    for key, mailer in sorted(state.mailers.items()):
        name = mailer.campaign
        own = [Use("campaign", f"{CAMPAIGN}{mailer.workspace}/{name}", f"campaign {name}")] if name else []
        yield key, f"mailer {mailer.mailer}", own
    for key, destination in sorted(state.destinations.items()):
        yield key, f"destination {destination.destination}", list(_of_overrides(destination))


def _of_overrides(destination: Destination) -> Iterator[Use]:
    for event, action in sorted(destination.actions.items()):
        said = action.get("list") if isinstance(action, dict) else None
        if isinstance(said, dict) and (name := said.get("add") or said.get("remove")):
            yield Use(
                f"actions.{event}.list", f"{CONTACT_LIST}{destination.workspace}/{name}", f"list {name}"
            )


def _refuse_misfit(user: str, use: Use, after: ControlState) -> None:
    if use.fits and (wrong := use.fits(after)):
        raise BadRule(f"{user}: at {use.place}: {wrong}")


def _not_there(use: Use, state: ControlState) -> str:
    folder, _, name = use.key.rpartition("/")
    known = sorted(key.rpartition("/")[2] for key in state.documents if key.rpartition("/")[0] == folder)
    close = get_close_matches(name, known, n=1)
    kind = use.what.rpartition(" ")[0]
    hint = f" (did you mean {close[0]}?)" if close else f"; there {_are(known)}"
    return f"there is no {kind} {name}{hint}: put it into the same file, or apply it before"


def _are(known: list[str]) -> str:
    return f"are {', '.join(known)}" if known else "is none at all"


def _of_level(rule: Rule) -> Iterator[Use]:
    if rule.level in CAMPAIGNS:
        key = f"{CAMPAIGN}{rule.workspace}/{rule.object}"
        yield Use("object", key, f"campaign {rule.object}", partial(_wrong_campaign, rule, key))
    elif rule.object is not None:
        of_list = f"{CONTACT_LIST}{rule.workspace}/{rule.object}"
        yield Use("object", of_list, f"contact list {rule.object}", partial(_wrong_list, rule, of_list))
    for place, name in enumerate(rule.replaces):
        yield Use(
            f"replaces[{place}]",
            rule_key(rule.workspace, name),
            f"rule {name}",
            partial(_not_wider, rule, name),
        )


def _wrong_campaign(rule: Rule, key: str, state: ControlState) -> str:
    campaign = state.campaigns.get(key)
    if campaign is None or _CHANNEL_OF[campaign.channel] == CHANNELS[rule.level]:
        return ""
    return f"{rule.object} is a campaign by {campaign.channel}: say level: {campaign.channel}_campaign"


def _wrong_list(rule: Rule, key: str, state: ControlState) -> str:
    found = state.contact_lists.get(key)
    if found is None:
        return ""
    if found.kind != "opt_out":
        return f"{rule.object} is no opt-out list: name one, or make it a project's rule with lists: [{rule.object}]"
    if found.channel != CHANNELS[rule.level]:
        return f"{rule.object} is a list of channel {found.channel}: say level: {found.channel}_opt_out_list"
    return ""


def _not_wider(rule: Rule, name: str, state: ControlState) -> str:
    wide = state.rules.get(rule_key(rule.workspace, name))
    if wide is None:
        return ""
    if not is_wider(wide, rule):
        return f"rule {name} is of level {wide.level}, which is no wider than {rule.level}: both fire, or neither says replaces"
    if wide.trigger.kind != rule.trigger.kind:
        return (
            f"rule {name} fires for {wide.trigger.kind}, this one for {rule.trigger.kind}: a rule takes the place of those "
            "with the same kind of trigger"
        )
    return ""


def _of_trigger(rule: Rule) -> Iterator[Use]:
    trigger = rule.trigger
    if trigger.segment:
        for side in ("entered", "left"):
            if name := getattr(trigger.segment, side):
                yield Use(f"trigger.segment.{side}", segment_key(rule.workspace, name), f"segment {name}")
    if trigger.schedule and trigger.schedule.segment:
        name = trigger.schedule.segment
        yield Use("trigger.schedule.segment", segment_key(rule.workspace, name), f"segment {name}")
    if trigger.pixel:
        source, event = trigger.pixel.source, trigger.pixel.event
        yield Use(
            "trigger.pixel.event",
            pixel_event_key(source, event),
            f"event without code of source {source} {event}",
        )
    if trigger.contact:
        yield from _of_contact(rule)


def _of_contact(rule: Rule) -> Iterator[Use]:
    contact = rule.trigger.contact
    assert contact is not None
    for place, name in enumerate(contact.lists):
        key = f"{CONTACT_LIST}{rule.workspace}/{name}"
        yield Use(
            f"trigger.contact.lists[{place}]",
            key,
            f"contact list {name}",
            partial(_other_channel, rule, key),
        )
    for place, name in enumerate(contact.mailers):
        key = f"{MAILER}{rule.workspace}/{name}"
        yield Use(
            f"trigger.contact.mailers[{place}]",
            key,
            f"mailer {name}",
            partial(_other_campaign, rule, key),
        )


def _other_channel(rule: Rule, key: str, state: ControlState) -> str:
    found, contact = state.contact_lists.get(key), rule.trigger.contact
    if found is None or contact is None or contact.channel in (None, found.channel):
        return ""
    return f"{found.list} is a list of channel {found.channel}: the trigger asks for {contact.channel}, and never fires"


def _other_campaign(rule: Rule, key: str, state: ControlState) -> str:
    mailer = state.mailers.get(key)
    if mailer is None or rule.level not in CAMPAIGNS or mailer.campaign == rule.object:
        return ""
    whose = f"of campaign {mailer.campaign}" if mailer.campaign else "of no campaign"
    return f"mailer {mailer.mailer} is {whose}: a campaign's rule names its own mailers, of {rule.object}"


def _of_action(rule: Rule) -> Iterator[Use]:
    action = rule.action
    if name := action.destination:
        key = f"{DESTINATION}{rule.workspace}/{name}"
        yield Use(
            f"action.{action.kind}.destination",
            key,
            f"destination {name}",
            partial(_wrong_destination, action.kind, key),
        )
    if action.list:
        side = "add" if action.list.add else "remove"
        name = action.list.add or action.list.remove or ""
        yield Use(f"action.list.{side}", f"{CONTACT_LIST}{rule.workspace}/{name}", f"contact list {name}")


def _wrong_destination(kind: str, key: str, state: ControlState) -> str:
    found = state.destinations.get(key)
    wanted = _DESTINATION_OF[kind]
    if found is None or getattr(found, wanted) is not None:
        return ""
    given = next(each for each in ("http", "smtp", "kafka") if getattr(found, each) is not None)
    fitting = [action for action, needed in _DESTINATION_OF.items() if needed == given]
    return (
        f"{found.destination} is a destination of kind {given}, and the action {kind} takes one of kind {wanted}: "
        f"name another one, or use the action {' or '.join(fitting)}"
    )
