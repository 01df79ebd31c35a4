"""Entries of rules and destinations as documents: what is deleted, what stands twice, what is too large."""

import pytest

from schemas.configuration.rule_reading import BadRule
from schemas.configuration.rule_records import RULE_BYTES_MAX, destination_records, rule_records

A = {"rule": "a", "trigger": {"event": {"event": "A"}}, "action": {"event": {"name": "B"}}}


def test_what_is_deleted_is_named_and_no_more() -> None:
    assert rule_records([{"rule": "a", "deleted": True}]) == {"rule/main/a": None}
    assert destination_records([{"destination": "a", "deleted": True, "workspace": "b"}]) == {
        "destination/b/a": None
    }
    with pytest.raises(BadRule, match=r"^rules\[0\]: `deleted: false` says nothing: leave it out$"):
        rule_records([{"rule": "a", "deleted": False}])
    with pytest.raises(BadRule, match=r"destinations\[0\]: .*http.*: to delete one, give its name"):
        destination_records([{"destination": "a", "deleted": True, "http": {}}])


def test_each_stands_once() -> None:
    with pytest.raises(BadRule, match=r"^rule main/a stands twice under rules: each may stand once$"):
        rule_records([A, A])
    assert len(rule_records([A, {**A, "workspace": "b"}])) == 2


def test_a_rule_that_every_firing_could_not_carry_is_refused() -> None:
    text = "x" * 60_000
    large = {"text": text, "html": text, "destination": "b", "subject": "c"}
    with pytest.raises(BadRule, match=f"at most {RULE_BYTES_MAX}: shorten its texts"):
        rule_records([{**A, "action": {"email": large}}])
