"""A processor's dead letters: what a step refuses goes to `events.dead`, in the common form of schemas/events/dead_letter.py."""

import msgspec

from processors.events.parsed import Refusal
from processors.events.times import clamp
from schemas.events.dead_letter import Cause, Lineage, Sender, Stage, sendable_letter
from schemas.identity.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_DEAD
from schemas.wire.codec import encode_dead_letter


def dead_letter(
    stage: Stage, refusal: Refusal, sender: Sender, lineage: Lineage, payload: bytes
) -> dict[str, object]:
    """The record of schemas/avsc/dead_letter.avsc."""
    sender = msgspec.structs.replace(sender, received_at=clamp(sender.received_at))
    return sendable_letter(Cause(stage, refusal.reason, refusal.detail), sender, payload, lineage)


def letter_record(letter: dict[str, object], partitions: int) -> OutputRecord:
    key = str(letter["source"]).encode()
    return OutputRecord(EVENTS_DEAD.name, partition_of(key, partitions), key, encode_dead_letter(letter))
