"""The row that must be in `events_resolved` for what a client said: every field of the envelope, from the request alone.

It follows docs/collector.md and the tracking API, not the code of the stages.
"""

import json
from datetime import datetime
from typing import Any

from tests.clients.recording import Sent

Row = dict[str, Any]

SELECT = """SELECT
    message_id, source, workspace, type, event, name, anonymous_id, user_id, previous_id, group_id,
    toUnixTimestamp64Milli(timestamp) AS timestamp, toUnixTimestamp64Milli(received_at) AS received_at,
    toUnixTimestamp64Milli(sent_at) AS sent_at, toUnixTimestamp64Milli(original_timestamp) AS original_timestamp,
    traits, toJSONString(properties) AS properties, properties_text, context, integrations, envelope
FROM events_resolved WHERE source = {source:String}"""


def row(sent: Sent, source: str, received_at: int) -> Row:
    """`received_at` is the stored one: the caller checks that it lies within the request."""
    event, kind = sent.event, sent.event["type"]
    sent_at = milliseconds(event.get("sentAt") or sent.shared.get("sentAt"))
    own = milliseconds(event.get("originalTimestamp") or event.get("timestamp"))
    return {
        "message_id": event["messageId"],
        "source": source,
        "workspace": "main",
        "type": kind,
        "event": event["event"] if kind == "track" else "",
        "name": (event.get("name") or "") if kind in ("page", "screen") else "",
        "anonymous_id": event.get("anonymousId") or "",
        "user_id": event.get("userId") or "",
        "previous_id": event.get("previousId") or "",
        "group_id": event.get("groupId") or "",
        "timestamp": _happened(event, own, sent_at, received_at),
        "received_at": received_at,
        "sent_at": sent_at,
        "original_timestamp": own,
        "traits": _traits(event),
        "properties": present(event.get("properties") or {}),
        "properties_text": "",
        "context": event.get("context") or sent.shared.get("context") or {},
        "integrations": event.get("integrations") or {},
        "envelope": event,
    }


def stored(raw: Row) -> Row:
    """A row as it was read, its JSON parsed."""
    parsed = ("traits", "properties", "context", "integrations", "envelope")
    return {name: _parse(value) if name in parsed else value for name, value in raw.items()}


def present(value: Any) -> Any:
    """What a JSON column keeps: null and an object without members are the same as nothing, but not inside a list."""
    if isinstance(value, list):
        return [present(one) for one in value]
    if isinstance(value, dict):
        kept = {name: present(one) for name, one in value.items() if one is not None}
        return {name: one for name, one in kept.items() if one != {}}
    return value


def milliseconds(text: str | None) -> int:
    """0 where the client said no time."""
    if not text:
        return 0
    moment = datetime.fromisoformat(text)
    assert moment.tzinfo, f"{text} names no zone"
    return int(moment.replace(microsecond=0).timestamp()) * 1000 + moment.microsecond // 1000


def _happened(event: dict[str, Any], own: int, sent_at: int, received_at: int) -> int:
    """A client that says both times has chosen `timestamp` itself; one time alone is freed of the clock's error."""
    if event.get("timestamp") and event.get("originalTimestamp"):
        return milliseconds(event["timestamp"])
    return received_at - (sent_at - own)


def _traits(event: dict[str, Any]) -> Any:
    own = event.get("traits")
    if own or event["type"] != "identify":
        return own or {}
    return event.get("context", {}).get("traits", {})


def _parse(text: str) -> Any:
    return json.loads(text)
