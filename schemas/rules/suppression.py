"""Whether a rule may fire for somebody whose address is on an opt-out list. Pure.

An opt-out list without campaigns is for everything of its channel, one with campaigns for the rules of these alone. A rule of a
campaign is asked about the channel that it sends by, a project's rule about both, since it may send by any. Rules of
opt-out lists are asked about nothing: what they tell of is the opting out itself (docs/contacts.md).
"""

from collections.abc import Iterable
from typing import Final

from schemas.contacts.contact_lists import Channel, ContactList
from schemas.rules.rules import Level, Rule

_CHANNELS: Final[dict[Level, tuple[Channel, ...]]] = {
    "project": ("email", "phone"),
    "email_campaign": ("email",),
    "sms_campaign": ("phone",),
    "email_opt_out_list": (),
    "phone_opt_out_list": (),
}


def channels_asked(level: Level) -> tuple[Channel, ...]:
    """Which addresses matter to a rule of this level; none: it is not asked at all."""
    return _CHANNELS[level]


def suppresses(opt_out: ContactList, rule: Rule) -> bool:
    """Whether the rule fires for nobody who is on this list."""
    if opt_out.kind != "opt_out" or opt_out.workspace != rule.workspace:
        return False
    if opt_out.channel not in channels_asked(rule.level):
        return False
    return not opt_out.campaigns or (rule.level != "project" and rule.object in opt_out.campaigns)


def suppressing(rule: Rule, lists: Iterable[ContactList]) -> list[str]:
    """The names of those that keep the rule from firing for who is on them."""
    return sorted(each.list for each in lists if suppresses(each, rule))
