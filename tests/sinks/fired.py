"""Firings and attempts to put into tables: what the tests of rules with a real engine share."""

from typing import Any

from schemas.wire.codec import encode_delivery, encode_firing
from tests.sinks.stage import START_MS

OF_A_RULE: dict[str, Any] = {
    "workspace": "main",
    "rule": "welcome",
    "rule_version": "0123456789abcdef",
    "action": "webhook",
    "destination": "crm",
}


def firing(number: int, **fields: Any) -> bytes:
    """It has just come to be, of rule `welcome`, on an event of START_MS."""
    known = OF_A_RULE | {
        "firing_id": f"fire_{number:032x}",
        "level": "project",
        "trigger": "event",
        "state": "waiting",
        "reason": "",
        "seq": 1,
        "subject": number,
        "profile": number,
        "occurrence": f"0-{number}-0",
        "message_id": f"m{number}",
        "occurred_at": START_MS,
        "at": START_MS,
        "attempts": 0,
        "detail": "",
    }
    known |= fields
    return encode_firing({"profile_id": f"{known['profile']:016x}"} | known)


def delivery(number: int, **fields: Any) -> bytes:
    """The first attempt of `firing(number)`, which came through."""
    known = OF_A_RULE | {
        "firing_id": f"fire_{number:032x}",
        "attempt": 1,
        "subject": number,
        "profile_id": f"{number:016x}",
        "outcome": "delivered",
        "status": 200,
        "error": "",
        "answer": "ok",
        "started_at": START_MS,
        "took_ms": 12,
        "next_at": 0,
    }
    return encode_delivery(known | fields)
