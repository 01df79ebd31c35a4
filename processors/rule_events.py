"""What rules and templates know of a resolved event (schemas/rule_event.py), as its JSON: made once, of what some rule asks for.

The client's objects go in as the text that was sent. What enrichment said goes in without what it did not say. Pure.
"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec

from schemas.rule_event import RuleEvent, encode_rule_event
from schemas.segment_windows import EPOCH

_PLAIN = ("type", "message_id", "event", "name", "source", "anonymous_id", "user_id", "group_id")
_HINTS = ("profile_id", "session_id")
_OBJECTS = ("properties", "traits", "context", "integrations")
_STAMPS = ("touch", "visit", "device", "place", "commerce", "items", "consent", "bot")
_MOMENTS = frozenset({"started_at", "first_touch_at"})


def encoded_event(record: Mapping[str, Any]) -> bytes:
    """JSON of its RuleEvent."""
    return encode_rule_event(rule_event(record))


def rule_event(record: Mapping[str, Any]) -> RuleEvent:
    """`record` as resolved_reader.py gives it. Its objects are texts of JSON here: it is made to be written."""
    fields: dict[str, Any] = {name: record[name] for name in _PLAIN}
    fields |= {name: record[name] for name in _HINTS}
    fields |= {name: msgspec.Raw(record[name].encode()) for name in _OBJECTS if len(record[name]) > 2}
    fields |= {name: said for name in _STAMPS if (said := _said(record[name]))}
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


def _said(stamp: Any) -> Any:
    """Without what says nothing, as nought does everywhere but in amounts; amounts as JSON's numbers."""
    if isinstance(stamp, Decimal):
        return int(stamp) if stamp == stamp.to_integral_value() else float(stamp)
    if isinstance(stamp, list):
        return [_said(each) for each in stamp]
    if not isinstance(stamp, dict):
        return stamp
    found = ((name, _said(each), each) for name, each in stamp.items())
    return {
        name: iso(each) if name in _MOMENTS else said
        for name, said, each in found
        if said or isinstance(each, Decimal)
    }
