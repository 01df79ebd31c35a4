"""Dead letters: one form for whatever was refused, wherever it was. Pure.

A letter has the payload, why it was refused and the way back to where it stood. Each stage adds how it sends it; the fingerprint,
by which letters that fail alike are counted together, is made here alone.
"""

import hashlib
import re
from enum import StrEnum

import msgspec

from schemas.events.reasons import Reason

PAYLOAD_BYTES_MAX = 950_000  # Kafka takes about a million; a longer payload is cut, and its letter says so

_DIGITS = re.compile(r"\d+")


class Stage(StrEnum):
    """Who refused it. The value is what users see and filter by: never rename one."""

    COLLECTOR = "collector"
    RESOLVE = "resolve"
    IDENTITY = "identity"
    COMMERCE = "commerce"
    RULES = "rules"  # the agents of `stitchline rules`
    ACTIONS = "actions"
    SINK = "sink"


class Cause(msgspec.Struct, frozen=True, gc=False):
    """Why it was refused; `detail` says what was wrong and where, in words."""

    stage: Stage
    reason: Reason
    detail: str


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Whose event it was, as far as known; all names are empty for bytes that could not be read."""

    workspace: str
    source: str
    message_id: str
    received_at: int


class Lineage(msgspec.Struct, frozen=True, gc=False):
    """Where an event stood in `events.raw`."""

    partition: int
    offset: int
    index: int


NOWHERE = Lineage(-1, -1, -1)  # it never reached events.raw, or the letter is not about one event


def dead_letter(
    cause: Cause, sender: Sender, payload: bytes, lineage: Lineage = NOWHERE
) -> dict[str, object]:
    """The record of schemas/avsc/dead_letter.avsc, with the whole payload."""
    return {
        "workspace": sender.workspace,
        "source": sender.source,
        "stage": cause.stage.value,
        "reason": cause.reason.value,
        "detail": cause.detail,
        "fingerprint": fingerprint(cause),
        "message_id": sender.message_id,
        "received_at": sender.received_at,
        "payload": payload,
        "raw_partition": lineage.partition,
        "raw_offset": lineage.offset,
        "raw_index": lineage.index,
    }


def sendable_letter(
    cause: Cause, sender: Sender, payload: bytes, lineage: Lineage = NOWHERE
) -> dict[str, object]:
    """The same, for `events.dead`: a payload that Kafka would not take is cut."""
    letter = dead_letter(cause, sender, payload[:PAYLOAD_BYTES_MAX], lineage)
    if len(payload) > PAYLOAD_BYTES_MAX:
        letter["detail"] = f"{cause.detail}; payload cut from {len(payload)} bytes"
    return letter


def fingerprint(cause: Cause) -> str:
    """The same for letters that fail alike: places, sizes and other numbers in the detail do not count."""
    alike = f"{cause.stage.value}|{cause.reason.value}|{_DIGITS.sub('#', cause.detail)}"
    return hashlib.sha256(alike.encode()).hexdigest()[:16]
