"""From accepted events to packs: grouped by partition, bounded by bytes, in order of arrival. Pure.

Absent: when a pack is sent (publisher.py decides).
"""

from collections.abc import Iterator, Sequence

import msgspec

from schemas.identifiers import partition_of
from schemas.pack import Connection, PackedEvent, encode_pack

FIELD_OVERHEAD = 96  # more than msgpack's headers of a PackedEvent's and its connection's fields, a timestamp and two flags
PACK_OVERHEAD = 16
SEEN_CHARACTERS = 32  # more than all its words together have bytes for
UTF8_BYTES_MAX = 4  # of one character of a str


class SealedPack(msgspec.Struct, frozen=True):
    """One Kafka message; `members` are the places of its events in the sequence that was packed, `weight` is theirs."""

    partition: int
    members: list[int]
    weight: int
    value: bytes


def weight(event: PackedEvent) -> int:
    """No less than the event's bytes in a pack; cheap, so a little more."""
    text = (
        len(event.workspace)
        + len(event.source)
        + len(event.type)
        + len(event.message_id)
        + len(event.sent_at)
        + (0 if event.connection is None else len(_words(event.connection)))
        + (0 if event.seen is None else SEEN_CHARACTERS)
    )
    return (
        len(event.payload) + len(event.context) + len(event.routing) + UTF8_BYTES_MAX * text + FIELD_OVERHEAD
    )


def _words(said: Connection) -> str:
    return said.address + said.user_agent + said.brands + said.mobile + said.platform


def seal(
    events: Sequence[PackedEvent], weights: Sequence[int], partitions: int, bytes_max: int
) -> list[SealedPack]:
    """All events in as few packs as fit. An event that alone is over `bytes_max` gets a pack of its own."""
    groups: dict[int, list[int]] = {}
    for place, event in enumerate(events):
        groups.setdefault(partition_of(event.routing, partitions), []).append(place)
    return [
        SealedPack(partition, members, size, encode_pack([events[place] for place in members]))
        for partition, places in groups.items()
        for members, size in _cut(places, weights, bytes_max)
    ]


def _cut(places: list[int], weights: Sequence[int], bytes_max: int) -> Iterator[tuple[list[int], int]]:
    members: list[int] = []
    size = 0
    for place in places:
        if members and size + weights[place] + PACK_OVERHEAD > bytes_max:
            yield members, size
            members, size = [], 0
        members.append(place)
        size += weights[place]
    yield members, size
