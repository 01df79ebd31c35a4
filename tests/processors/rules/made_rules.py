"""Rules and what asks for them, as tests of agent `rules` write them."""

from typing import Any

import msgspec

from processors.rules.rules_agent import RulesStep
from processors.rules.rules_now import NO_RULES, RulesNow, rules_of
from schemas.actions.actions import Action, WebhookAction
from schemas.control import ControlState
from schemas.identity.identifiers import partition_of, profile_key
from schemas.identity.orders import Order
from schemas.rules.rule_candidates import Candidate, decode_rule_candidate
from schemas.rules.rule_facts import FIRES, Match, Occurrence, encode_rule_facts
from schemas.rules.rules import Rule, Trigger, version_of
from schemas.segments.segments import Selection
from schemas.stream import InputRecord, OutputRecord

PARTITIONS = 4
ANN, BOB = 0x0A, 0x0B
T0 = 1_790_000_000_000
S, MIN, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def rule(name: str, *, destination: str = "crm", **changes: Any) -> Rule:
    trigger = changes.pop("trigger", Trigger(event=Selection(event="Order Completed")))
    action = Action(webhook=WebhookAction(destination=destination))
    return Rule(rule=name, trigger=trigger, action=action, **changes)


def document(each: Rule) -> bytes:
    return msgspec.json.encode(each)


def match(each: Rule, role: int = FIRES, stated: bytes = b"") -> Match:
    return Match(each.rule, version_of(each), role, stated)


def occurrence(name: str, time: int, *matches: Match, person: int = ANN, **changes: Any) -> Occurrence:
    given = {
        "id": name,
        "workspace": "main",
        "person": person,
        "subject": person,
        "time": time,
        "seen_at": time,
        "message_id": f"m-{name}",
        "event": b'{"event":"%s"}' % name.encode(),
        "matches": list(matches),
    }
    return Occurrence(**{**given, **changes})


class Agent:
    """Agent `rules` on one partition, with what came out."""

    def __init__(self, *rules: Rule, partition: int | None = None) -> None:
        self.now: RulesNow = NO_RULES
        self.state: dict[bytes, bytes] = {}
        self.candidates: list[Candidate] = []
        self.outputs: list[OutputRecord] = []
        self.partition = partition_of(profile_key(ANN), PARTITIONS) if partition is None else partition
        self._offset = 0
        self._step = RulesStep(partitions=PARTITIONS, rules=lambda _asked: self.now)
        self.apply(*rules)

    def apply(self, *rules: Rule) -> None:
        self.now = rules_of(ControlState({each.key: document(each) for each in rules}), self.now)

    def chunk(self, *values: bytes) -> list[Candidate]:
        """The candidates that came of these messages."""
        records = []
        for value in values:
            records.append(InputRecord(self._offset, T0, None, value))
            self._offset += 1
        outputs = self._step(self.partition, records, self.state)
        self.outputs += outputs
        came = [decode_rule_candidate(each.value) for each in outputs if each.topic == "rules.candidates"]
        self.candidates += came
        return came

    def tell(self, *occurrences: Occurrence) -> list[Candidate]:
        return self.chunk(encode_rule_facts(occurrences))

    def tick(self, now: int) -> list[Candidate]:
        return self.chunk(encode_rule_facts(tick=now))

    def order(self, *orders: Order) -> list[Candidate]:
        return self.chunk(encode_rule_facts(orders=orders))
