"""Dead letters: everything refused is kept, with the reason and the way back to where it stood."""

import hashlib
import re

import msgspec

from processors.parsed import Refusal
from processors.times import clamp
from schemas.codec import encode_dead_letter
from schemas.identifiers import partition_of
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_DEAD

PAYLOAD_BYTES_MAX = 950_000  # Kafka takes about a million; a longer payload is cut, and its letter says so

_DIGITS = re.compile(r"\d+")


class Lineage(msgspec.Struct, frozen=True, gc=False):
    """Where an event stood in `events.raw`; partition -1 when the letter is not about one."""

    partition: int
    offset: int
    index: int


class Sender(msgspec.Struct, frozen=True, gc=False):
    """Whose event it was, as far as known; both names are empty for bytes that could not be read."""

    workspace: str
    source: str
    message_id: str
    received_at: int


def dead_letter(
    stage: str, refusal: Refusal, sender: Sender, lineage: Lineage, payload: bytes
) -> dict[str, object]:
    """The record of schemas/avsc/dead_letter.avsc."""
    cut = f"; payload cut from {len(payload)} bytes" if len(payload) > PAYLOAD_BYTES_MAX else ""
    return {
        "workspace": sender.workspace,
        "source": sender.source,
        "stage": stage,
        "reason": refusal.reason.value,
        "detail": refusal.detail + cut,
        "fingerprint": fingerprint(stage, refusal),
        "message_id": sender.message_id,
        "received_at": clamp(sender.received_at),
        "payload": payload[:PAYLOAD_BYTES_MAX],
        "raw_partition": lineage.partition,
        "raw_offset": lineage.offset,
        "raw_index": lineage.index,
    }


def letter_record(letter: dict[str, object], partitions: int) -> OutputRecord:
    key = str(letter["source"]).encode()
    return OutputRecord(EVENTS_DEAD.name, partition_of(key, partitions), key, encode_dead_letter(letter))


def fingerprint(stage: str, refusal: Refusal) -> str:
    """The same for letters that fail alike: positions and numbers in the detail do not count."""
    alike = f"{stage}|{refusal.reason}|{_DIGITS.sub('', refusal.detail)}"
    return hashlib.sha256(alike.encode()).hexdigest()[:16]
