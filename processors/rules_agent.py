"""Agent `rules`: what events and changes of membership asked rules for goes in; a candidate for each that is to fire comes out.

What fires at once is passed on. Whoever reads the candidates asks what only ClickHouse knows, and acts (docs/rules.md).
"""

from collections.abc import Callable, Collection, Sequence

import msgspec

from processors.erased import Erased
from processors.letters import dead_letter, letter_record
from processors.parsed import Refusal
from processors.rules_now import Name, RulesNow
from processors.rules_outbox import Outbox
from schemas.dead_letter import NOWHERE, Sender, Stage
from schemas.orders import Erase, Order
from schemas.reasons import Reason
from schemas.rule_facts import (
    FIRES,
    Match,
    Occurrence,
    RuleFacts,
    UnknownRuleFactsVersion,
    decode_rule_facts,
)
from schemas.stream import InputRecord, OutputRecord, State


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
        chunk = _Chunk(self._rules(_names(packs)), state, self.partitions)
        for pack in packs:
            chunk.obey(pack.orders)
            for occurrence in pack.occurrences:
                chunk.occur(occurrence)
        return outputs + chunk.outbox.records

    def _refuse(self, detail: str, partition: int, record: InputRecord) -> OutputRecord:
        refusal = Refusal(Reason.UNREADABLE_PACK, f"rules.facts {partition} {record.offset}: {detail}")
        sender = Sender("", "", "", record.timestamp)
        return letter_record(
            dead_letter(Stage.RULES, refusal, sender, NOWHERE, record.value or b""), self.partitions
        )


class _Chunk:
    """What one chunk gathers."""

    def __init__(self, rules: RulesNow, state: State, partitions: int) -> None:
        self._rules = rules
        self._erased = Erased(state)
        self.outbox = Outbox(partitions)

    def obey(self, orders: Sequence[Order]) -> None:
        for order in orders:
            if isinstance(order, Erase):
                self._erased.take(order)

    def occur(self, occurrence: Occurrence) -> None:
        if self._erased.erases(occurrence.subject, occurrence.time):
            return
        for match in occurrence.matches:
            self._match(occurrence, match)

    def _match(self, occurrence: Occurrence, match: Match) -> None:
        name = Name(occurrence.workspace, match.rule, match.rule_version)
        if match.role == FIRES and (known := self._rules.at_hand(name)):
            self.outbox.fires(known, occurrence)


def _names(packs: Collection[RuleFacts]) -> set[Name]:
    return {
        Name(occurrence.workspace, match.rule, match.rule_version)
        for pack in packs
        for occurrence in pack.occurrences
        for match in occurrence.matches
    }
