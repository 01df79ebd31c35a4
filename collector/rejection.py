"""A client's mistake as a value, and the dead letter that keeps what was refused. Pure: mistakes are returned, never raised.

No detail quotes a value that a client sent: it names the place and the rule, so that it may be logged and answered.
"""

import hashlib
import re

import msgspec

from schemas.codec import encode_dead_letter
from schemas.control import Source
from schemas.reasons import Reason

STAGE = "collector"
_DIGITS = re.compile(r"\d+")


class Refusal(msgspec.Struct, frozen=True):
    """Why one event, or a whole request, is not accepted; `message_id` is "" when it could not be read."""

    reason: Reason
    detail: str
    message_id: str = ""


class Letter(msgspec.Struct, frozen=True):
    """One record of `events.dead`: the key and the Avro value."""

    source: str
    reason: Reason
    value: bytes


def dead_letter(refusal: Refusal, payload: bytes, source: Source, received_at: int) -> Letter:
    """`payload` is kept as it was received; it never reached events.raw, hence the lineage of -1."""
    value = encode_dead_letter(
        {
            "workspace": source.workspace,
            "source": source.id,
            "stage": STAGE,
            "reason": refusal.reason.value,
            "detail": refusal.detail,
            "fingerprint": fingerprint(refusal),
            "message_id": refusal.message_id,
            "received_at": received_at,
            "payload": payload,
            "raw_partition": -1,
            "raw_offset": -1,
            "raw_index": -1,
        }
    )
    return Letter(source.id, refusal.reason, value)


def fingerprint(refusal: Refusal) -> str:
    """The same for letters that fail alike: places in a list and sizes differ by their digits only."""
    text = f"{STAGE}|{refusal.reason.value}|{_DIGITS.sub('#', refusal.detail)}"
    return hashlib.sha256(text.encode()).hexdigest()[:16]
