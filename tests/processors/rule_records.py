"""Rules, lists and resolved events for tests of the agents that match them."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from processors.rules.rule_index import RuleIndex, indexed
from processors.rules.triggers import Triggers
from schemas.contacts.contact_facts import ContactFact, decode_contact_facts
from schemas.control import ControlState
from schemas.rules.rule_facts import Occurrence, decode_rule_facts
from schemas.stream import InputRecord, OutputRecord
from schemas.topics import CONTACTS_FACTS, EVENTS_DEAD, RULES_FACTS
from schemas.wire.stamps import Item
from tests.console.segment_world import PARTS
from tests.processors.driver import HASH_KEY
from tests.sinks.shop import plain
from tests.sinks.stage import event

PARTITIONS = 4
_NAMES = {
    "rule": "rule",
    "destination": "destination",
    "list": "contact_list",
    "campaign": "campaign",
    "mailer": "mailer",
}


def rule(name: Any = "hello", **said: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"rule": name, "action": {"webhook": {"destination": "shop"}}}
    return known | said


def control(*documents: dict[str, Any]) -> ControlState:
    """As the control topic has them. A mailer names its campaign too, and a campaign nothing else."""
    found: dict[str, bytes | None] = {}
    for document in documents:
        kind = next(
            kind for kind in ("rule", "destination", "list", "mailer", "campaign") if kind in document
        )
        key = f"{_NAMES[kind]}/{document.get('workspace', 'main')}/{document[kind]}"
        found[key] = msgspec.json.encode(document)
    state = ControlState(found)
    assert not state.unreadable, state.unreadable
    return state


def index(*documents: dict[str, Any]) -> RuleIndex:
    made, problems = indexed(control(*documents))
    assert problems == []
    return made


def resolved(number: Any = 1, **said: Any) -> bytes:
    """A resolved event; JSON fields as objects, stamps as their fields."""
    parts = {name: plain(part(**said.pop(name, {}))) for name, part in PARTS.items()}
    items = [plain(Item(**item)) for item in said.pop("items", [])]
    texts = {
        name: json.dumps(said.pop(name))
        for name in ("properties", "traits", "context", "integrations")
        if name in said
    }
    return event(number, **parts, items=items, **texts, **said)


def triggers(*documents: dict[str, Any]) -> Triggers:
    made = index(*documents)
    return Triggers(lambda: made, hash_key=HASH_KEY, partitions=PARTITIONS)


def inputs(values: Iterable[bytes]) -> list[InputRecord]:
    return [InputRecord(number, 0, None, value) for number, value in enumerate(values)]


def occurrences(outputs: Sequence[OutputRecord]) -> list[Occurrence]:
    assert not [each for each in outputs if each.topic == EVENTS_DEAD.name]
    return [
        found
        for each in outputs
        if each.topic == RULES_FACTS.name
        for found in decode_rule_facts(each.value).occurrences
    ]


def contact_facts(outputs: Sequence[OutputRecord]) -> list[ContactFact]:
    return [
        found
        for each in outputs
        if each.topic == CONTACTS_FACTS.name
        for found in decode_contact_facts(each.value).facts
    ]


def fired(step: Triggers, *values: bytes) -> list[tuple[str, int]]:
    """Rules and roles, in the order of the events."""
    found = occurrences(step(0, inputs(values), {}))
    return [(match.rule, match.role) for each in found for match in each.matches]
