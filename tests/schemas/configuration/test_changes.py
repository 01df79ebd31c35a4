"""The difference that an apply makes, told before it is made."""

from typing import Any

import yaml

from deploy.applying.plan_text import lines
from schemas.configuration.changes import Change, differences
from schemas.configuration.rule_records import destination_records, rule_records
from schemas.control import ControlState
from schemas.segments.segment_records import Records, segment_records

A = {"rule": "a", "trigger": {"event": {"event": "A"}}, "action": {"event": {"name": "B"}}}
VIP = {"segment": "vip", "where": {"did": {"event": "A"}}}
BUYERS = {"segment": "buyers", "where": {"in_segment": "vip"}}


def records(rules: Any = (), segments: Any = (), destinations: Any = ()) -> Records:
    return {**segment_records(segments), **rule_records(rules), **destination_records(destinations)}


def told(before: ControlState, new: Records) -> dict[str, Change]:
    return {each.key: each for each in differences(before, before.updated(new.items()), new)}


BEFORE = ControlState().updated(records([A], [VIP, BUYERS]).items())


def test_each_document_is_added_changed_deleted_or_stays() -> None:
    new = records(
        [A | {"limits": {"once": True}}, {**A, "rule": "b"}, {"rule": "gone", "deleted": True}],
        [VIP, {"segment": "buyers", "deleted": True}],
    )
    found = told(BEFORE, new)
    assert {key: each.what for key, each in found.items()} == {
        "rule/main/a": "changed",
        "rule/main/b": "added",
        "rule/main/gone": "unchanged",
        "segment/main/vip": "unchanged",
        "segment/main/buyers": "deleted",
    }
    assert found["rule/main/a"].fields == ["limits"]
    assert found["rule/main/a"].before != found["rule/main/a"].after
    assert (found["rule/main/b"].before, found["segment/main/buyers"].after) == ("", "")
    assert (found["rule/main/a"].role, found["segment/main/buyers"].role) == ("admin", "editor")


def test_a_version_stays_for_what_changes_no_meaning() -> None:
    change = told(BEFORE, records([A | {"description": "new"}]))["rule/main/a"]
    assert (change.what, change.fields) == ("changed", ["description"])
    assert change.before == change.after


def test_a_broken_document_has_a_version_by_its_words() -> None:
    broken = ControlState().updated(records(segments=[BUYERS]).items())
    assert told(broken, records(segments=[BUYERS | {"description": "x"}]))["segment/main/buyers"].after


def test_default_actions_are_shown_as_implied() -> None:
    crm = yaml.safe_load("{destination: crm, http: {url: 'https://crm.example'}, default_actions: true}")
    found = told(BEFORE, records(destinations=[crm]))
    assert found["destination/main/crm"].implied is False
    implied = [each for each in found.values() if each.implied]
    assert {each.what for each in implied} == {"added"}
    assert "rule/main/crm--order-completed" in {each.key for each in implied}
    after = BEFORE.updated(records(destinations=[crm]).items())
    edited = told(after, records(destinations=[crm | {"actions": {"Signed Up": None}}]))
    assert [(each.what, each.key) for each in edited.values() if each.implied] == [
        ("deleted", "rule/main/crm--signed-up")
    ]


def test_what_cannot_be_read_is_told_and_can_be_deleted_or_mended() -> None:
    broken = BEFORE.updated([("rule/main/a", b"{"), ("segment/main/vip", b"[]")])
    others = told(broken, records([{**A, "rule": "b"}]))
    assert {key: each.what for key, each in others.items() if each.unreadable} == {
        "rule/main/a": "unchanged",
        "segment/main/vip": "unchanged",
    }
    gone = told(broken, records([{"rule": "a", "deleted": True}], [VIP]))
    assert [(each.what, each.role, bool(each.unreadable)) for each in gone.values()] == [
        ("deleted", "admin", True),
        ("changed", "admin", True),
    ], "nobody can tell what it did"
    ignored = [line for line in lines(list(others.values())) if line.startswith("ignored")]
    assert ignored[0].startswith(
        "ignored  rule/main/a  cannot be read as it stands: Input data was truncated"
    )
    assert ignored[0].endswith("delete it, or apply it anew")
