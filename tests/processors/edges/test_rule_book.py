"""Which version of a rule counts: of now, of a moment before an edit, of another worker that is ahead."""

import threading

import msgspec
import pytest

from processors.edges.controlling import ControlUnread
from processors.edges.rule_book import RuleBook
from processors.rules.rules_now import FORMER_MAX, NO_RULES, Name, RulesNow, rules_of
from schemas.actions.destinations import Destination, HttpDestination
from schemas.control import ControlState
from schemas.rules.rules import Rule, rule_key, version_of
from tests.processors.rules.made_rules import document, rule

PATIENT_S = 30.0


class Control(msgspec.Struct):
    """What stands in for the topic's reader."""

    state: ControlState
    problem: str = ""


def state_of(*rules: Rule) -> ControlState:
    return ControlState({each.key: document(each) for each in rules})


def name(each: Rule) -> Name:
    return Name(each.workspace, each.rule, version_of(each))


def found(now: RulesNow, each: Rule) -> tuple[bool, bool]:
    """Whether it is current, and whether it is at hand."""
    return now.current(name(each)) is not None, now.at_hand(name(each)) is not None


def test_an_edit_leaves_the_former_version_at_hand_and_no_longer_current():
    first, second = rule("nudge"), rule("nudge", destination="other")
    before = rules_of(state_of(first), NO_RULES)
    assert found(before, first) == (True, True)
    after = rules_of(state_of(second), before)
    assert found(after, first) == (False, True)
    assert found(after, second) == (True, True)
    known = after.current(name(second))
    assert known is not None
    assert known.document == document(second)


def test_a_rule_that_is_deleted_or_off_is_gone_in_every_version():
    first, second = rule("nudge"), rule("nudge", destination="other")
    edited = rules_of(state_of(second), rules_of(state_of(first), NO_RULES))
    off = rules_of(state_of(msgspec.structs.replace(second, mode="off")), edited)
    deleted = rules_of(state_of(), edited)
    for now in (off, deleted):
        assert found(now, first) == found(now, second) == (False, False)
        assert now.has_heard_of(name(first))
    tested = rules_of(state_of(msgspec.structs.replace(second, mode="test")), edited)
    assert found(tested, second) == (True, True), "its mode is no part of a version"


def test_rules_that_a_destination_implies_are_rules_as_others():
    crm = Destination(
        destination="crm", http=HttpDestination(url="https://crm.example"), default_actions=True
    )
    control = ControlState({crm.key: msgspec.json.encode(crm)})
    now = rules_of(control, NO_RULES)
    assert now.rules.keys() == control.rules.keys() != set()
    assert all(now.current(name(each)) for each in control.rules.values())


def test_only_the_latest_former_versions_are_remembered():
    now = NO_RULES
    for number in range(FORMER_MAX + 3):
        now = rules_of(state_of(rule("nudge", destination=f"d{number}")), now)
    assert len(now.former) == FORMER_MAX
    assert not now.has_heard_of(name(rule("nudge", destination="d0")))
    assert now.has_heard_of(name(rule("nudge", destination="d5")))


def test_a_rule_that_stays_is_the_same_object():
    control = state_of(rule("nudge"))
    before = rules_of(control, NO_RULES)
    after = rules_of(control.updated([(rule_key("main", "more"), document(rule("more")))]), before)
    assert after.rules[rule_key("main", "nudge")] is before.rules[rule_key("main", "nudge")]


def test_a_version_that_was_never_heard_of_is_waited_for():
    control = Control(state_of())
    book = RuleBook(control, PATIENT_S)
    asked = name(rule("nudge"))
    waiting = threading.Event()

    def come() -> None:
        assert waiting.wait(PATIENT_S)
        control.state = state_of(rule("nudge"))

    coming = threading.Thread(target=come)
    coming.start()
    waiting.set()
    assert book([asked]).current(asked) is not None
    coming.join()


def test_one_that_never_comes_is_waited_for_once():
    book = RuleBook(Control(state_of()), wait_s_max=0.0)
    asked = name(rule("nudge"))
    assert book([asked]).at_hand(asked) is None
    assert asked in book.unheard
    assert book([asked]).at_hand(asked) is None


def test_without_a_reader_nothing_fires():
    with pytest.raises(ControlUnread, match="not read any more"):
        RuleBook(Control(state_of(), problem="it is not read any more"))()
