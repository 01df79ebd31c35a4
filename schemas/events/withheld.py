"""Events that their client wants in topics, and not in our store: `integrations: {"ClickHouse": false}`. Pure.

Named itself: `All: false` speaks of what data is sent on to, and whoever keeps the data is none of these. The resolver counts
such an event as `withheld`, and writes its integrations in one form, by which the sink of events finds it without decoding
others.
"""

import struct
from collections.abc import Mapping
from typing import Any

import msgspec

from schemas.wire.codec import UnknownSchema, decode

STORE = "ClickHouse"
_MARK = b'"ClickHouse":false'

_object = msgspec.json.Decoder().decode


def is_withheld(integrations: Mapping[str, Any]) -> bool:
    return integrations.get(STORE) is False


def written(integrations: Mapping[str, Any]) -> bytes:
    """Of an event that is withheld, as its record has it."""
    return msgspec.json.encode(integrations)


def is_withheld_record(value: bytes) -> bool:
    """Of a resolved event in Confluent's wire format. The mark may stand in any text of an event, so it is only looked for."""
    if _MARK not in value:
        return False
    try:
        said = _object(decode(value)["integrations"])
    except (UnknownSchema, ValueError, EOFError, IndexError, OverflowError, struct.error):
        return False  # what cannot be read is somebody else's to refuse
    return isinstance(said, dict) and is_withheld(said)
