"""The resolved event: the public record of schemas/avsc/resolved_event.avsc, made from one event and whom it speaks of.

JSON objects pass through as the text that the client sent, without identity parameters in addresses (parsed.py). What
enrichment adds stands apart, in `Stamps`.
"""

from typing import Any

import msgspec

from processors.mentions import Mentions, person_id
from processors.parsed import ParsedEvent, json_object, object_of
from schemas.dead_letter import Lineage
from schemas.identifiers import ANONYMOUS, USER, node_id, profile_id, text

NAMED_TYPES = frozenset({"page", "screen"})


def resolved_event(
    event: ParsedEvent, about: Mentions, message_id: str, lineage: Lineage, hash_key: bytes
) -> dict[str, Any]:
    """The subject's own id is the profile hint: it is the user's whenever the event names one."""
    call, packed, times = event.call, event.packed, event.times
    subject = node_id(about.subject, hash_key)
    return {
        "workspace": packed.workspace,
        "source": packed.source,
        "message_id": message_id,
        "type": packed.type,
        "event": text(call.event) if packed.type == "track" else "",
        "name": text(call.name) if packed.type in NAMED_TYPES else "",
        "timestamp": times.happened,
        "received_at": event.received_at,
        "sent_at": times.sent,
        "original_timestamp": times.original,
        "anonymous_id": about.value_of(ANONYMOUS),
        "user_id": about.value_of(USER),
        "previous_id": "" if call.previous_id is None else person_id(text(call.previous_id)),
        "group_id": "" if call.group_id is None else text(call.group_id),
        "subject": subject,
        "profile_id": profile_id(subject),
        "traits": _traits(event),
        "properties": json_object(call.properties),
        "context": event.context_text,
        "integrations": json_object(call.integrations),
        "envelope": event.envelope,
        "identifiers": _identifiers(about, hash_key),
        "claimed": [node_id(found.node, hash_key) for found in about.claimed] if about.claimed else [],
        "raw_partition": lineage.partition,
        "raw_offset": lineage.offset,
        "raw_index": lineage.index,
    }


def _traits(event: ParsedEvent) -> str:
    """Of the call; for identify else those in `context.traits`, where some clients put them."""
    if (
        event.packed.type == "identify"
        and not event.traits
        and (traits := object_of(event.context.get("traits")))
    ):
        return str(msgspec.json.encode(traits), "utf-8")
    return json_object(event.call.traits)


def _identifiers(about: Mentions, hash_key: bytes) -> list[dict[str, Any]]:
    """Every id, those known by their hash alone too: what the event states can be told again from what is stored."""
    return [
        {"node": node_id(found.node, hash_key), "kind": found.kind, "value": found.value}
        for found in (*about.stated, *about.claimed)
    ]
