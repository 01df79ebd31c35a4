"""Agent `rules`: what events and changes of membership asked rules for goes in; a candidate for each that is to fire comes out.

What fires at once is passed on; what is waited for, what a trait was and when a schedule last came up stands in the state.
Whoever reads the candidates asks what only ClickHouse knows, and acts (docs/rules.md). Records are worked off one by one: neither
the state nor what comes out tells how chunks were cut.

State of a partition, by the first byte of its keys: erased.py, timers.py, waits and values (rule_memory.py), rule_calendar.py.
"""

from collections.abc import Callable, Collection, Sequence

import msgspec

from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from processors.identity.erased import Erased
from processors.rules.rule_absences import Wait, ended, is_over, started
from processors.rules.rule_calendar import Schedules, Spot
from processors.rules.rule_memory import KEY_BYTES, Memory, key_of, of_subject
from processors.rules.rule_traits import Value, is_change, stated
from processors.rules.rules_now import Known, Name, RulesNow
from processors.rules.rules_outbox import Outbox
from processors.timers import Timers
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.identity.identifiers import profile_id
from schemas.identity.orders import Erase, Order
from schemas.rules.rule_facts import (
    ENDS,
    FIRES,
    STARTS,
    STATES,
    Match,
    Occurrence,
    RuleFacts,
    UnknownRuleFactsVersion,
    decode_rule_facts,
)
from schemas.segments.segments import duration_ms
from schemas.stream import InputRecord, OutputRecord, State

WAIT, VALUE = b"w", b"v"


class RulesStep:
    """The step of agent `rules` on `rules.facts`. `rules`: those of now, once the named ones have been looked for."""

    def __init__(self, *, partitions: int, rules: Callable[[Collection[Name]], RulesNow]) -> None:
        self.partitions = partitions
        self._rules = rules

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        outputs, packs = [], []
        for record in records:
            try:
                packs.append(decode_rule_facts(record.value or b""))
            except (msgspec.DecodeError, UnknownRuleFactsVersion, RecursionError) as error:
                outputs.append(self._refuse(str(error), partition, record))
        chunk = _Chunk(self._rules(_names(packs)), state, Spot(partition, self.partitions))
        for pack in packs:
            chunk.obey(pack.orders)
            for occurrence in pack.occurrences:
                chunk.occur(occurrence)
            if pack.tick:
                chunk.tick(pack.tick)
        return outputs + chunk.outbox.records

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"rules.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.RULES, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )


class _Chunk:
    """What one chunk gathers."""

    def __init__(self, rules: RulesNow, state: State, spot: Spot) -> None:
        self._rules = rules
        self._state = state
        self._erased = Erased(state)
        self._timers = Timers(state, KEY_BYTES)
        self._waits = Memory(state, self._timers, Wait)
        self._values = Memory(state, self._timers, Value)
        self._schedules = Schedules(state, spot)
        self.outbox = Outbox(spot.partitions)

    def obey(self, orders: Sequence[Order]) -> None:
        """What began with something that is erased is dropped, and so is what was stated by it."""
        for order in orders:
            if isinstance(order, Erase):
                self._erased.take(order)
                for key in list(of_subject(self._state, order.node)):
                    self._erase(key, order)

    def _erase(self, key: bytes, order: Erase) -> None:
        if key[:1] == WAIT:
            if (wait := self._waits.get(key)) and order.since <= wait.started <= order.until:
                self._waits.drop(key, wait)
        elif (value := self._values.get(key)) and order.since <= value.time <= order.until:
            self._values.drop(key, value)

    def occur(self, occurrence: Occurrence) -> None:
        if self._erased.erases(occurrence.subject, occurrence.time):
            return
        for match in occurrence.matches:
            name = Name(occurrence.workspace, match.rule, match.rule_version)
            if known := self._rules.at_hand(name):
                _ROLES[match.role](self, known, name, occurrence, match)

    def _fires(self, known: Known, _name: Name, occurrence: Occurrence, _match: Match) -> None:
        self.outbox.fires(known, occurrence)

    def _starts(self, known: Known, name: Name, occurrence: Occurrence, _match: Match) -> None:
        trigger = known.rule.trigger.absence
        if trigger is None or not self._rules.current(name):
            return
        key = _wait_key(name, occurrence)
        before = self._waits.get(key)
        after = started(before, name, duration_ms(trigger.within), occurrence)
        if after is before:
            return
        if before is not None and before.name == name and is_over(before, occurrence.time):
            self.outbox.absent(known, before)  # before a tick could say so
        self._waits.set(key, before, after)

    def _ends(self, _known: Known, name: Name, occurrence: Occurrence, _match: Match) -> None:
        key = _wait_key(name, occurrence)
        before = self._waits.get(key)
        if before is None or before.name != name:
            return
        after = ended(before, occurrence.time)
        if after is not before:
            self._waits.set(key, before, after)

    def _states(self, known: Known, name: Name, occurrence: Occurrence, match: Match) -> None:
        trigger = known.rule.trigger.trait
        if trigger is None:
            return
        key = key_of(VALUE, name.workspace, name.rule, trigger.name, profile_id(occurrence.person))
        before = self._values.get(key)
        after = stated(before, match.stated, occurrence)
        if after is before:
            return
        self._values.set(key, before, after)
        if is_change(before, after, trigger, occurrence.seen_at):
            self.outbox.fires(known, occurrence)

    def tick(self, now: int) -> None:
        for key in self._timers.advance(now):
            if key[:1] == WAIT:
                self._wait_came_up(key, now)
            elif (value := self._values.came_up(key, now)) is not None:
                self._keep_or_drop(key, value, now)
        for known, at in self._schedules.due(self._rules, now):
            self.outbox.scheduled(known, at, now)

    def _wait_came_up(self, key: bytes, now: int) -> None:
        wait = self._waits.came_up(key, now)
        if wait is None:
            return
        known = self._rules.current(wait.name)
        if known is None or (not wait.is_waiting and wait.comes_up_at <= now):
            self._waits.drop(key, wait)
            return
        if is_over(wait, now):
            self.outbox.absent(known, wait)
            wait = msgspec.structs.replace(wait, has_fired=True)
        self._waits.set(key, wait, wait)

    def _keep_or_drop(self, key: bytes, value: Value, now: int) -> None:
        if value.comes_up_at <= now:
            self._values.drop(key, value)
        else:
            self._values.set(key, value, value)


_ROLES = {FIRES: _Chunk._fires, STARTS: _Chunk._starts, ENDS: _Chunk._ends, STATES: _Chunk._states}


def _wait_key(name: Name, occurrence: Occurrence) -> bytes:
    return key_of(WAIT, name.workspace, name.rule, profile_id(occurrence.person))


def _names(packs: Collection[RuleFacts]) -> set[Name]:
    return {
        Name(occurrence.workspace, match.rule, match.rule_version)
        for pack in packs
        for occurrence in pack.occurrences
        for match in occurrence.matches
    }
