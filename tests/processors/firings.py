"""Rules and firings of tests."""

from typing import Any

import msgspec

from schemas.actions.action_work import Firing, Person
from schemas.events.rule_event import RuleEvent, encode_rule_event

AT = 1_773_489_600_000  # 2026-03-14T12:00:00Z
NODE = 0xFF

PERSON = Person(
    profile_id="00000000000000ff",
    user_id="ann",
    email="ann@shop.example",
    phone="+4915112345678",
    traits={"name": "Ann <3"},
)


def a_rule(action: dict[str, Any] | None = None, **fields: Any) -> bytes:
    """The JSON of a rule, as it stands in a firing."""
    known = {
        "rule": "welcome",
        "trigger": {"event": {"event": "Seen"}},
        "action": action or {"webhook": {"destination": "crm"}},
    }
    return msgspec.json.encode(known | fields)


def a_firing(rule: bytes | None = None, *, event: dict[str, Any] | None = None, **fields: Any) -> Firing:
    """Of somebody's event at `AT`; `fields` replace what it says."""
    said = {"type": "track", "message_id": "m1", "timestamp": "2026-03-14T12:00:00.000Z", "user_id": "ann"}
    known: dict[str, Any] = {
        "id": "fire_1",
        "workspace": "main",
        "rule": rule or a_rule(),
        "rule_version": "1",
        "occurrence": "0-1-0",
        "message_id": "m1",
        "source": "shop",
        "subject": NODE,
        "profile": NODE,
        "at": AT,
        "seen_at": AT,
        "confirmed_at": AT + 1_000,
        "event": encode_rule_event(msgspec.convert(said | (event or {}), RuleEvent)),
        "person": PERSON,
    }
    return Firing(**(known | fields))
