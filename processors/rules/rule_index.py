"""All rules, by the events that they ask for: most events are no rule's business, and learn that by one look.

Made of the control topic's documents, anew whenever they change; a rule that did not change is not compiled again. A rule that
cannot be compiled is left out, and why is told. Pure.

Deliberately absent: changes of membership (by segment, `members`), which are looked up by their names alone, and schedules, which
need no event (agent `rules`).
"""

from collections.abc import Iterable, Mapping
from typing import TypeAlias

import msgspec

from processors.rules.rule_compiling import Asked, CompiledRule, Listed, compile_rule, listed
from schemas.contacts.contact_lists import ContactList, Mailer
from schemas.control import ControlState
from schemas.rules.rules import Rule

Title: TypeAlias = tuple[str, str]  # type, and name of the event, the page or the screen
EVERY = "*"
TITLES_REMEMBERED_MAX = 20_000  # a client may name its events as it likes


class Wanted(msgspec.Struct, frozen=True):
    """What asks for events of one title: rules, and lists of contacts."""

    rules: tuple[Asked, ...] = ()
    lists: tuple[Listed, ...] = ()


NOTHING = Wanted()


class WorkspaceRules:
    """The rules of one workspace. `visits`: those that a visit's beginning fires, whatever the event."""

    def __init__(self) -> None:
        self.rules: dict[Title, list[Asked]] = {}
        self.lists: dict[Title, list[Listed]] = {}
        self.visits: list[Asked] = []
        self.members: dict[str, list[CompiledRule]] = {}  # by segment

    def wanted(self, type: str, name: str) -> Wanted:
        titles = ((type, name), (type, EVERY)) if name != EVERY else ((type, EVERY),)
        rules = [asked for title in titles for asked in self.rules.get(title, ())]
        lists = [asked for title in titles for asked in self.lists.get(title, ())]
        return Wanted(tuple(rules), tuple(lists)) if rules or lists else NOTHING


class RuleIndex:
    """As of one moment; `lists`, `mailers` by key, as ControlState has them."""

    def __init__(
        self,
        compiled: Mapping[str, CompiledRule] | None = None,
        lists: Mapping[str, ContactList] | None = None,
        mailers: Mapping[str, Mailer] | None = None,
    ) -> None:
        self.compiled = dict(compiled or {})
        self.lists, self.mailers = lists or {}, mailers or {}
        self._workspaces: dict[str, WorkspaceRules] = {}
        self._remembered: dict[bytes, tuple[Wanted, bool]] = {}
        for rule in self.compiled.values():
            self._add(rule)
        for each in self.lists.values():
            for asked in listed(each):
                for title in asked.titles:
                    self._of(each.workspace).lists.setdefault(title, []).append(asked)

    @property
    def is_empty(self) -> bool:
        return not self._workspaces

    def workspace(self, name: str) -> WorkspaceRules | None:
        return self._workspaces.get(name)

    def remembered(self, key: bytes) -> tuple[Wanted, bool] | None:
        """What `remember` was told of this title (resolved_peek.py)."""
        return self._remembered.get(key)

    def remember(self, key: bytes, texts: tuple[str, str, str, str]) -> tuple[Wanted, bool]:
        """Who asks for such events, and whether anybody asks whether they begin a visit."""
        if len(self._remembered) >= TITLES_REMEMBERED_MAX:
            self._remembered.clear()
        workspace, type, event, name = texts
        rules = self._workspaces.get(workspace)
        found = (rules.wanted(type, event or name), bool(rules.visits)) if rules else (NOTHING, False)
        self._remembered[key] = found
        return found

    def _of(self, workspace: str) -> WorkspaceRules:
        return self._workspaces.setdefault(workspace, WorkspaceRules())

    def _add(self, rule: CompiledRule) -> None:
        home = self._of(rule.rule.workspace)
        for asked in rule.asks:
            for title in asked.titles:
                home.rules.setdefault(title, []).append(asked)
            if asked.of_visits:
                home.visits.append(asked)
        segment = rule.rule.trigger.segment
        if segment is not None:
            home.members.setdefault(segment.entered or segment.left or "", []).append(rule)


NO_RULES = RuleIndex()


def indexed(state: ControlState, before: RuleIndex = NO_RULES) -> tuple[RuleIndex, list[str]]:
    """And why some rules are left out."""
    compiled: dict[str, CompiledRule] = {}
    problems: list[str] = []
    for rule in _rules(state):
        if rule.mode == "off":
            continue
        known = before.compiled.get(rule.key)
        switch = switch_of(rule, state)
        if known is not None and known.rule == rule and known.switch == switch:
            compiled[rule.key] = known
            continue
        try:
            compiled[rule.key] = compile_rule(rule, switch)
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            problems.append(f"rule {rule.rule}: {error}")
    return RuleIndex(compiled, state.contact_lists, state.mailers), problems


def _rules(state: ControlState) -> Iterable[Rule]:
    return [state.rules[key] for key in sorted(state.rules)]


_INTERNAL = {"list": "Lists", "trait": "Traits", "event": "Events"}


def switch_of(rule: Rule, state: ControlState) -> str:
    """The name by which an event's `integrations` switches the rule's action off."""
    if rule.action.kind in _INTERNAL:
        return _INTERNAL[rule.action.kind]
    name = rule.action.destination
    known = state.destinations.get(f"destination/{rule.workspace}/{name}")
    return known.switch if known is not None else name
