"""Which rules ask for an event, and may: from a resolved event's bytes to `Occurrence`s for agent `rules`, and to what becomes of
lists of contacts for agent `contacts`.

In this order: the rule's trigger, where it is in scope, no narrower rule that replaces it, the event's own switches
(`integrations`), bots, consent, conditions of the event. What ends an absence is asked for its trigger and for bots alone. Pure.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from processors.rules.resolved_peek import begins_visit, peek, texts_of
from processors.rules.resolved_reader import Record, record_of
from processors.rules.rule_changes import Changes
from processors.rules.rule_compiling import Asked, CompiledRule
from processors.rules.rule_events import encoded_event
from processors.rules.rule_hops import hops_of
from processors.rules.rule_index import NOTHING, RuleIndex, Wanted
from processors.rules.rule_view import EventView
from schemas.contacts.contact_facts import ContactFact
from schemas.contacts.contact_mark import ContactChange
from schemas.rules.rule_facts import ENDS, STATES, Match, Occurrence
from schemas.rules.rule_levels import Place, in_scope, not_replaced, place_of_mailer
from schemas.values.json_values import trait_at

ALL = "All"
CONTACT = "contact"


class Matched(msgspec.Struct, frozen=True, gc=False):
    """What one event is to rules and to lists."""

    occurrences: tuple[Occurrence, ...] = ()
    facts: tuple[ContactFact, ...] = ()


NO_MATCH = Matched()


class Matcher:
    """By one index. `changes`: how changes of lists of contacts are read."""

    def __init__(self, index: RuleIndex, changes: Changes) -> None:
        self._index = index
        self._changes = changes

    def match(self, value: bytes) -> Matched:
        """Raises UnreadableEvent, schemas.wire.codec.UnknownSchema."""
        key, at = peek(value)
        index = self._index
        wanted, are_visits_asked = index.remembered(key) or index.remember(key, texts_of(key))
        is_beginning = are_visits_asked and begins_visit(value, at)
        if wanted is NOTHING and not is_beginning:
            return NO_MATCH
        return self._matched(EventView(record_of(value)), wanted, is_beginning=is_beginning)

    def match_record(self, record: Record) -> Matched:
        """The same of an event that was read elsewhere, in the form of resolved_reader.py."""
        rules = self._index.workspace(record["workspace"])
        if rules is None:
            return NO_MATCH
        session, began = record["session_id"], f"-{record['timestamp']:x}"
        wanted = rules.wanted(record["type"], record["event"] or record["name"])
        is_beginning = bool(rules.visits) and session.endswith(began)
        return self._matched(EventView(record), wanted, is_beginning=is_beginning)

    def _matched(self, view: EventView, wanted: Wanted, *, is_beginning: bool) -> Matched:
        record = view.record
        at = record["received_at"]
        asked = [each for each in wanted.rules if each.check(view, at)]
        if is_beginning:
            rules = self._index.workspace(record["workspace"])
            asked += [each for each in (rules.visits if rules else ()) if each.check(view, at)]
        lists = [each for each in wanted.lists if each.check(view, at)]
        if not asked and not lists:
            return NO_MATCH
        change = self._changes.genuine(view)
        firing = [each for each in self._in_charge(view, asked, change) if _may_fire(each, view, at)]
        facts = self._changes.facts(view, lists, change) if lists else ()
        return Matched(tuple(_occurrences(view, firing, change)), facts)

    def _in_charge(
        self, view: EventView, asked: Iterable[Asked], change: ContactChange | None
    ) -> list[Asked]:
        """Those in whose scope the event lies and that no narrower rule replaces; and what ends an absence, wherever it is."""
        place = self._place(view, change)
        found = [each for each in asked if each.role == ENDS or _is_in_scope(each.rule, place, change)]
        if any(each.rule.rule.replaces for each in found):
            left = {rule.rule for rule in not_replaced(each.rule.rule for each in found if each.role != ENDS)}
            return [each for each in found if each.role == ENDS or each.rule.rule.rule in left]
        return found

    def _place(self, view: EventView, change: ContactChange | None) -> Place:
        workspace, mailers = view.record["workspace"], self._index.mailers
        if change is not None:
            return place_of_mailer(workspace, change.mailer, mailers, changed=change.list)
        if not mailers:
            return Place()
        mailer = view.parsed("properties").get("mailer")
        return place_of_mailer(workspace, mailer if isinstance(mailer, str) else "", mailers)


def _is_in_scope(rule: CompiledRule, place: Place, change: ContactChange | None) -> bool:
    return (change is not None or rule.kind != CONTACT) and in_scope(rule.rule, place)


def _may_fire(asked: Asked, view: EventView, at: int) -> bool:
    rule, record = asked.rule, view.record
    if record["device"]["is_bot"] and not rule.takes_bots:
        return False
    if asked.role == ENDS:
        return True
    return (
        not is_switched_off(view.parsed("integrations"), rule.switch)
        and rule.consent.issubset(record["consent"]["categories"])
        and rule.conditions(view, at)
    )


def is_switched_off(integrations: Mapping[str, Any], switch: str) -> bool:
    """By the event's `integrations`: by its name, or with all that are not named."""
    if switch in integrations:
        return integrations[switch] is False
    return integrations.get(ALL) is False


def _occurrences(view: EventView, firing: list[Asked], change: ContactChange | None) -> Iterable[Occurrence]:
    """One for the event; for a visit's beginning one of its own, since several events of one millisecond may be that."""
    if not firing:
        return
    record = view.record
    event = encoded_event(record) if any(each.role != ENDS for each in firing) else b""
    of_event = [each for each in firing if not each.of_visits]
    if of_event:
        name = record["message_id"] if change is not None else _lineage(record)
        yield _occurrence(view, name, event, of_event)
    if len(of_event) < len(firing):
        yield _occurrence(view, record["session_id"], event, [each for each in firing if each.of_visits])


def _lineage(record: Mapping[str, Any]) -> str:
    return f"{record['raw_partition']}-{record['raw_offset']}-{record['raw_index']}"


def _occurrence(view: EventView, name: str, event: bytes, firing: Iterable[Asked]) -> Occurrence:
    record = view.record
    return Occurrence(
        id=name,
        workspace=record["workspace"],
        person=int(record["profile_id"] or "0", 16) or record["subject"],
        subject=record["subject"],
        time=record["timestamp"],
        seen_at=record["received_at"],
        message_id=record["message_id"],
        event=event,
        matches=[_match(view, each) for each in firing],
        hops=hops_of(view.parsed("context")),
    )


def _match(view: EventView, asked: Asked) -> Match:
    rule = asked.rule
    stated = b""
    if asked.role == STATES:
        stated = msgspec.json.encode(trait_at(view.parsed("traits"), rule.trait))
    return Match(rule.rule.rule, rule.version, asked.role, stated)
