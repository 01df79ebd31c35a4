"""Agent `triggers`: resolved events in; out go what rules ask for to agent `rules`, and what lists of contacts ask for to agent
`contacts`.

It has no state: what it sends is made of one event and of the rules as they are (docs/rules.md). A chunk is judged by one value
of the rules from its beginning to its end.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

from processors.events.letters import dead_letter, letter_record
from processors.events.parsed import Refusal
from processors.rules.resolved_peek import UnreadableEvent
from processors.rules.rule_changes import Changes
from processors.rules.rule_index import RuleIndex
from processors.rules.rule_matching import Matcher
from processors.rules.rule_outbox import RuleOutbox
from schemas.events.dead_letter import NOWHERE, Sender, Stage
from schemas.events.reasons import Reason
from schemas.stream import InputRecord, OutputRecord, State
from schemas.wire.codec import UnknownSchema

CurrentRules: TypeAlias = Callable[[], RuleIndex]


class Triggers:
    """The step of agent `triggers` on `events.resolved`. `region`: see rule_changes.py."""

    def __init__(self, rules: CurrentRules, *, hash_key: bytes, partitions: int, region: str = "") -> None:
        self._rules = rules
        self._changes = Changes(hash_key, region)
        self._partitions = partitions

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        index = self._rules()
        if index.is_empty:
            return []
        match, outbox = Matcher(index, self._changes).match, RuleOutbox(self._partitions)
        letters = []
        for record in records:
            try:
                found = match(record.value or b"")
            except (UnreadableEvent, UnknownSchema) as error:
                letters.append(refused("events.resolved", error, partition, record, self._partitions))
                continue
            if found.occurrences or found.facts:
                outbox.add(found.occurrences, found.facts)
        return [*outbox.records(), *letters]


def refused(
    topic: str, error: Exception, partition: int, record: InputRecord, partitions: int
) -> OutputRecord:
    """The dead letter of a record that cannot be read."""
    refusal = Refusal(Reason.UNREADABLE_RECORD, f"{topic} {partition} {record.offset}: {error}")
    sender = Sender("", "", "", record.timestamp)
    return letter_record(dead_letter(Stage.RULES, refusal, sender, NOWHERE, record.value or b""), partitions)
