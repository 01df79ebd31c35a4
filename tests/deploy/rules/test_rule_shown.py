"""Which rule `stitchline rule` is about, and of which time: drafts of files are checked as an apply checks them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from deploy.applying.configuration import BadConfiguration
from deploy.rules import rule_shown
from schemas.configuration.rule_reading import BadRule
from tests.processors.rule_records import control, rule

HOUR, DAY = 3_600_000, 86_400_000
BUYS = {"event": {"event": "Order Completed"}}


def test_a_rule_of_a_file_comes_before_the_one_that_was_applied(tmp_path: Path) -> None:
    state = control(rule("plain", trigger=BUYS))
    file = tmp_path / "rules.yaml"
    rules = [
        rule("plain", trigger={"trait": {"name": "plan"}}),
        rule("new", trigger=BUYS, limits={"once": True}),
    ]
    shop = {"destination": "shop", "http": {"url": "https://shop.example/"}}
    file.write_text(json.dumps({"rules": rules, "destinations": [shop]}))
    drafted = rule_shown.with_file(state, file)
    assert rule_shown.chosen(state, "plain", "main").trigger.kind == "event"
    assert rule_shown.chosen(drafted, "plain", "main").trigger.kind == "trait"
    assert rule_shown.chosen(drafted, "new", "main").limits.once
    with pytest.raises(BadRule, match="there are plain"):
        rule_shown.chosen(state, "new", "main")


DRAFT = {"rule": "draft", "trigger": BUYS, "action": {"event": {"name": "Bought"}}}


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"trigger": {"segment": {"entered": "vipz"}}}, "there is no segment vipz; there is none at all"),
        ({"action": {"webhook": {"destination": "crm"}}}, "there is no destination crm"),
        ({"action": {"list": {"add": "news"}}}, "there is no contact list news"),
        (
            {"action": {"event": {"name": "{{ 1 | nothing }}"}}},
            "at action.event.name: unknown filter nothing",
        ),
        ({"limits": {"quota": {"max": 10**400}}}, "at limits.quota.max: expected a whole number, at least 1"),
    ],
)
def test_a_draft_is_checked_as_an_apply_checks_it(
    tmp_path: Path, changed: dict[str, Any], words: str
) -> None:
    file = tmp_path / "rules.yaml"
    file.write_text(json.dumps({"rules": [DRAFT | changed]}))
    with pytest.raises(BadConfiguration, match=re.escape(words)):
        rule_shown.with_file(control(rule("plain", trigger=BUYS)), file)


def test_a_span_is_yesterday_unless_told_and_never_backwards() -> None:
    span = rule_shown.span_of("", "", 5)
    assert (span.until - span.since, span.until % DAY) == (DAY, 0)
    told = rule_shown.span_of("2024-01-01", "2024-01-02T12:00:00Z", 5)
    assert told.until - told.since == 36 * HOUR
    for since, until in (("2024-01-02", "2024-01-01"), ("soon", "")):
        with pytest.raises(rule_shown.BadSpan):
            rule_shown.span_of(since, until, 5)
