"""What rules and their templates know of an event: one JSON document, made once, read by filters and by templates as `event`.

Private, but its names are users' to write in templates, so they are never renamed (docs/templates.md).
"""

from typing import Any

import msgspec


class RuleEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A resolved event. Times are ISO 8601 texts with milliseconds, UTC. The stamps (touch, visit, device, place, commerce,
    items, consent, bot) are as in the Avro record, amounts as numbers."""

    type: str
    message_id: str
    timestamp: str
    received_at: str = ""
    event: str = ""
    name: str = ""
    source: str = ""
    anonymous_id: str = ""
    user_id: str = ""
    group_id: str = ""
    subject: str = ""  # 16 hex digits
    profile_id: str = ""  # a hint
    session_id: str = ""
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    context: dict[str, Any] = {}
    integrations: dict[str, Any] = {}
    touch: dict[str, Any] = {}
    visit: dict[str, Any] = {}
    device: dict[str, Any] = {}
    place: dict[str, Any] = {}
    commerce: dict[str, Any] = {}
    items: list[dict[str, Any]] = []
    consent: dict[str, Any] = {}
    bot: dict[str, Any] = {}
    change: dict[str, Any] = {}  # of membership: segment, change, reason, effective_at


encode_rule_event = msgspec.json.Encoder().encode
decode_rule_event = msgspec.json.Decoder(RuleEvent).decode
