"""Agent `memberships`: changes of who is in a segment in; what rules with the trigger `segment` ask for out to agent `rules`.

It has no state. Which changes are such that somebody came or went is said in docs/rules.md: what the definition's editor did to
many at once fires only where a rule asks for those who are there at the start, and who is joined or forgotten does neither.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from processors.rules.resolved_reader import empty_record
from processors.rules.rule_compiling import CompiledRule
from processors.rules.rule_events import iso
from processors.rules.rule_index import RuleIndex
from processors.rules.rule_outbox import RuleOutbox
from processors.rules.rule_view import EventView
from processors.rules.triggers import CurrentRules, refused
from schemas.events.rule_event import RuleEvent, encode_rule_event
from schemas.rules.rule_facts import FIRES, Match, Occurrence
from schemas.segments.segment_windows import EPOCH
from schemas.stream import InputRecord, OutputRecord, State
from schemas.wire.codec import SCHEMAS, UnknownSchema, decode, schema_id_of

_IDS = frozenset(schema.id for schema in SCHEMAS if schema.subject == "membership")
_AT_THE_START = frozenset({"initial", "definition"})
_NOBODY_CAME = frozenset({"merge", "forgotten"})
_MS = timedelta(milliseconds=1)
_NO_EVENT = EventView(empty_record())
_CHANGES = {"enter": "entered", "leave": "left"}


class UnreadableChange(ValueError):
    """Bytes that are no change of membership."""


class Memberships:
    """The step of agent `memberships` on `segments.membership`."""

    def __init__(self, rules: CurrentRules, *, partitions: int) -> None:
        self._rules = rules
        self._partitions = partitions

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        index = self._rules()
        if index.is_empty:
            return []
        outbox, letters = RuleOutbox(self._partitions), []
        for record in records:
            try:
                change = change_in(record.value or b"")
            except (UnreadableChange, UnknownSchema) as error:
                letters.append(refused("segments.membership", error, partition, record, self._partitions))
                continue
            outbox.add(occurrences(index, change))
        return [*outbox.records(), *letters]


def change_in(value: bytes) -> dict[str, Any]:
    """The Avro record, its times in ms. Raises UnreadableChange, UnknownSchema."""
    if schema_id_of(value) not in _IDS:
        raise UnreadableChange("another topic's schema")
    try:
        change = decode(value)
    except (IndexError, EOFError, ValueError, OverflowError) as error:
        raise UnreadableChange(f"{type(error).__name__}: {error}") from error
    return change | {name: _ms(change[name]) for name in ("observed_at", "effective_at")}


def _ms(moment: datetime) -> int:
    return (moment - EPOCH) // _MS


def occurrences(index: RuleIndex, change: Mapping[str, Any]) -> Iterator[Occurrence]:
    rules = index.workspace(change["workspace"])
    asking = rules.members.get(change["segment"], ()) if rules else ()
    firing = [rule for rule in asking if _fires(rule, change)]
    if firing:
        yield _occurrence(change, firing)


def _fires(rule: CompiledRule, change: Mapping[str, Any]) -> bool:
    trigger = rule.rule.trigger.segment
    assert trigger is not None
    if getattr(trigger, _CHANGES.get(change["change"], ""), None) != change["segment"]:
        return False
    if change["reason"] in _NOBODY_CAME:
        return False
    if change["reason"] in _AT_THE_START and not trigger.initial:
        return False
    return not rule.consent and rule.conditions(_NO_EVENT, change["observed_at"])


def _occurrence(change: Mapping[str, Any], firing: Sequence[CompiledRule]) -> Occurrence:
    told = {name: change[name] for name in ("segment", "change", "reason")}
    event = RuleEvent(
        type="membership",
        message_id=change["message_id"],
        timestamp=iso(change["effective_at"]),
        received_at=iso(change["observed_at"]),
        subject=change["profile_id"],
        profile_id=change["profile_id"],
        change={**told, "effective_at": iso(change["effective_at"])},
    )
    return Occurrence(
        id=change["message_id"],
        workspace=change["workspace"],
        person=change["profile"],
        subject=change["profile"],
        time=change["effective_at"],
        seen_at=change["observed_at"],
        message_id="",
        event=encode_rule_event(event),
        matches=[Match(rule.rule.rule, rule.version, FIRES) for rule in firing],
    )
