"""The routing id: which identifier of an event chooses its partition. Pure, static, free of block lists.

The first present of anonymousId, userId, e-mail, external id, messageId. Nested objects are opened only when the first two
are absent, which is rare: most events pass through unread.
"""

from functools import lru_cache
from typing import Any

from schemas.events.call import Call, as_object
from schemas.identity.identifiers import (
    ANONYMOUS,
    EMAIL,
    EXTERNAL,
    MESSAGE,
    USER,
    external_ids,
    hash_email,
    node_key,
    normalise_email,
    text,
)

_context_of = lru_cache(1)(as_object)  # a batch's is the same one for each of thousands of events


def routing_id(call: Call, kind: str, workspace: str, context: bytes, message_id: str) -> bytes:
    """The node key that stands for the event. `context` is its own or the batch's, as raw JSON.

    Raises msgspec.DecodeError or RecursionError when a nested object that had to be opened cannot be read.
    """
    return plain_routing_id(call, workspace) or node_key(
        workspace, *_nested_identifier(call, kind, _context_of(context), message_id)
    )


def plain_routing_id(call: Call, workspace: str) -> bytes:
    """The same where no nested object has to be opened, b"" elsewhere."""
    if value := text(call.anonymous_id):
        return node_key(workspace, ANONYMOUS, value)
    if value := text(call.user_id):
        return node_key(workspace, USER, value)
    return b""


def _nested_identifier(call: Call, kind: str, context: dict[str, Any], message_id: str) -> tuple[str, str]:
    if address := _email(call, kind, context):
        return EMAIL, hash_email(address)
    for id_type, value in external_ids(context):
        return EXTERNAL, f"{id_type}:{value}"
    return MESSAGE, message_id


def _email(call: Call, kind: str, context: dict[str, Any]) -> str:
    # traits of a group or of anything but a person say nothing about whose event it is
    own = as_object(call.traits) if kind == "identify" else {}
    shared = context.get("traits")
    return normalise_email(own.get("email")) or normalise_email(
        shared.get("email") if isinstance(shared, dict) else ""
    )
