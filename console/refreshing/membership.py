"""A change of membership as it is told to others: its id, its record on `segments.membership`, its partition. Pure.

The id is made of what the change is, so that whoever sends it again sends the same.
"""

from uuid import UUID, uuid5

import msgspec

from schemas.identity.identifiers import partition_of, profile_id, profile_key
from schemas.wire.codec import encode_membership

NAMESPACE = UUID("6a1f3c1e-6f0e-5d53-9c55-0d5a2f9c7a10")  # of these ids, for ever
SEPARATOR = "\n"  # in none of the parts


class Change(msgspec.Struct, frozen=True):
    """One row of segment_changes. Times are in ms since 1970."""

    workspace: str
    segment: str
    profile: int
    seq: int
    version: str
    change: str
    reason: str
    observed_at: int
    effective_at: int
    run: int


class Sent(msgspec.Struct, frozen=True):
    """One record of the topic."""

    key: bytes
    value: bytes
    partition: int


def message_id(change: Change) -> UUID:
    parts = (change.workspace, change.segment, change.version, f"{change.profile:016x}", str(change.seq))
    return uuid5(NAMESPACE, SEPARATOR.join(parts))


def record_of(change: Change, partitions: int) -> Sent:
    """All changes of one profile are in one partition, in their order."""
    key = profile_key(change.profile)
    written = msgspec.structs.asdict(change) | {
        "message_id": str(message_id(change)),
        "profile_id": profile_id(change.profile),
    }
    return Sent(key, encode_membership(written), partition_of(key, partitions))
