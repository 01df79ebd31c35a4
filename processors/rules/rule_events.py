"""What rules and templates know of a resolved event (schemas/rules), as its JSON: made once, of what some rule asks for.

The client's objects go in as the text that was sent. What enrichment said goes in without what it did not say. Pure.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from schemas.events.rule_event import RuleEvent, encode_rule_event
from schemas.segments.segment_windows import EPOCH

_PLAIN = ("type", "message_id", "event", "name", "source", "anonymous_id", "user_id", "group_id")
_HINTS = ("profile_id", "session_id")
_OBJECTS = ("properties", "traits", "context", "integrations")
_OF_TEXTS = ("touch", "device", "place", "consent", "bot")  # and of what else says nothing by being nought


def encoded_event(record: Mapping[str, Any]) -> bytes:
    """JSON of its RuleEvent."""
    return encode_rule_event(rule_event(record))


def rule_event(record: Mapping[str, Any]) -> RuleEvent:
    """`record` as resolved_reader.py gives it. Its objects are texts of JSON here: it is made to be written."""
    fields: dict[str, Any] = {name: record[name] for name in _PLAIN + _HINTS}
    for name in _OBJECTS:
        if len(record[name]) > 2:
            fields[name] = msgspec.Raw(record[name].encode())
    for name in _OF_TEXTS:
        fields[name] = _said(record[name])
    fields["visit"] = _visit(record["visit"])
    fields["commerce"] = _amounted(record["commerce"])
    fields["items"] = [_amounted(each) for each in record["items"]]
    return RuleEvent(
        timestamp=iso(record["timestamp"]),
        received_at=iso(record["received_at"]),
        subject=f"{record['subject']:016x}",
        **fields,
    )


def iso(ms: int) -> str:
    """ISO 8601 with milliseconds, UTC."""
    moment = EPOCH + timedelta(milliseconds=ms)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _said(stamp: Mapping[str, Any]) -> dict[str, Any]:
    return {name: each for name, each in stamp.items() if each}


def _visit(visit: Mapping[str, Any]) -> dict[str, Any]:
    if not visit["started_at"]:
        return {}
    found: dict[str, Any] = {"number": visit["number"], "started_at": iso(visit["started_at"])}
    for name in ("touch", "first_touch"):
        if said := _said(visit[name]):
            found[name] = said
    if visit["first_touch_at"]:
        found["first_touch_at"] = iso(visit["first_touch_at"])
    return found


def _amounted(stamp: Mapping[str, Any]) -> dict[str, Any]:
    """Nought is an amount."""
    return {
        name: _number(each) if isinstance(each, Decimal) else each
        for name, each in stamp.items()
        if each or isinstance(each, Decimal)
    }


def _number(amount: Decimal) -> int | float:
    return int(amount) if amount == amount.to_integral_value() else float(amount)
