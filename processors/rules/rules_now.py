"""The rules of one moment, for agent `rules`: by name and version, with the text that a candidate takes along. Pure.

A rule that was edited is remembered in its former versions for a while: what an event asked for a moment before the edit still
fires as it was then, since the new version takes later events alone. A rule that was deleted or switched off is gone
in every version. So is what waits for its time under a former one.
"""

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from schemas.control import ControlState
from schemas.rules.rules import Rule, rule_key, version_of

FORMER_MAX = 1_000  # versions of all rules together; the latest


class Name(NamedTuple):
    """What a match says of its rule."""

    workspace: str
    rule: str
    version: str


class Known(msgspec.Struct, frozen=True):
    """`document`: the rule's JSON."""

    rule: Rule
    version: str
    document: bytes


class RulesNow(msgspec.Struct, frozen=True):
    """By key on control; `former` by key and version, the oldest first. `schedules`: those that
    are not off."""

    rules: Mapping[str, Known] = {}
    former: Mapping[tuple[str, str], Known] = {}
    schedules: tuple[Known, ...] = ()

    def current(self, name: Name) -> Known | None:
        """None when it was deleted, switched off or edited."""
        known = self.rules.get(rule_key(name.workspace, name.rule))
        return known if known and known.version == name.version and known.rule.mode != "off" else None

    def at_hand(self, name: Name) -> Known | None:
        """The same, but for an edit."""
        key = rule_key(name.workspace, name.rule)
        now = self.rules.get(key)
        if now is None or now.rule.mode == "off":
            return None
        return now if now.version == name.version else self.former.get((key, name.version))

    def has_heard_of(self, name: Name) -> bool:
        """Whether this version is known, or was replaced."""
        key = rule_key(name.workspace, name.rule)
        now = self.rules.get(key)
        return (now is not None and now.version == name.version) or (key, name.version) in self.former


NO_RULES = RulesNow()


def rules_of(state: ControlState, before: RulesNow) -> RulesNow:
    """Those of control; one that stands there as before is the same object."""
    now = {
        key: _known(rule, state.documents.get(key), before.rules.get(key))
        for key, rule in state.rules.items()
    }
    former = dict(before.former)
    for key, known in before.rules.items():
        if key not in now or now[key].version != known.version:
            former[key, known.version] = known
    schedules = [each for each in now.values() if each.rule.trigger.schedule and each.rule.mode != "off"]
    return RulesNow(now, dict(list(former.items())[-FORMER_MAX:]), tuple(schedules))


def _known(rule: Rule, document: bytes | None, before: Known | None) -> Known:
    """A destination's default action stands in no document of its own."""
    if before is not None and before.rule is rule:
        return before
    return Known(rule, version_of(rule), document or msgspec.json.encode(rule))
