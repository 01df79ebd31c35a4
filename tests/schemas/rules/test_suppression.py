"""Which opt-out lists keep a rule from firing."""

import pytest

from schemas.actions.actions import Action, TraitAction
from schemas.contacts.contact_lists import ContactList
from schemas.rules.rules import Level, Rule, Trigger
from schemas.rules.suppression import channels_asked, suppressing
from schemas.segments.segments import Selection

EVERYTHING = ContactList(list="nothing", channel="email", kind="opt_out")
OF_SPRING = ContactList(list="no-spring", channel="email", kind="opt_out", campaigns=("spring",))
NO_SMS = ContactList(list="no-sms", channel="phone", kind="opt_out")
NEWS = ContactList(list="news", channel="email")
ELSEWHERE = ContactList(list="elsewhere", channel="email", kind="opt_out", workspace="other")
ALL = (EVERYTHING, OF_SPRING, NO_SMS, NEWS, ELSEWHERE)


def rule(level: Level, object_: str | None = None) -> Rule:
    trigger = Trigger(event=Selection(event="Order Completed"))
    action = Action(trait=TraitAction({"told": True}))
    return Rule(rule="tell", trigger=trigger, action=action, level=level, object=object_)


@pytest.mark.parametrize(
    ("level", "object_", "lists"),
    [
        ("project", None, ["no-sms", "nothing"]),
        ("email_campaign", "spring", ["no-spring", "nothing"]),
        ("email_campaign", "autumn", ["nothing"]),
        ("sms_campaign", "spring", ["no-sms"]),
        ("email_opt_out_list", "nothing", []),
        ("phone_opt_out_list", "no-sms", []),
    ],
)
def test_a_rule_is_kept_back_by_lists_of_its_channel_for_everything_or_its_campaign(
    level: Level, object_: str | None, lists: list[str]
) -> None:
    assert suppressing(rule(level, object_), ALL) == lists


def test_a_rule_of_an_opt_out_list_is_asked_about_no_address() -> None:
    assert channels_asked("email_opt_out_list") == ()
    assert channels_asked("sms_campaign") == ("phone",)
