"""From accepted events to packs: grouped by partition, bounded by bytes, in order of arrival. Pure.

An event is encoded once, when it is taken: so what waits is counted in the bytes that it has. Absent: when a pack is sent
(publisher.py decides).
"""

from collections.abc import Sequence

import msgspec

from schemas.events.pack import join_pack

PACK_OVERHEAD = 16


class SealedPack(msgspec.Struct, frozen=True):
    """One Kafka message; `members` are the places of its events in the sequence that was packed, `weight` is their bytes."""

    partition: int
    members: list[int]
    weight: int
    value: bytes


def seal(partitions: Sequence[int], events: Sequence[bytes], bytes_max: int) -> list[SealedPack]:
    """All events, by schemas.events.pack.encode_event, in as few packs as fit; `partitions` has the one of each. An event that
    alone is over `bytes_max` gets a pack of its own.
    """
    groups: dict[int, list[int]] = {}
    for place, partition in enumerate(partitions):
        groups.setdefault(partition, []).append(place)
    return [
        SealedPack(partition, members, size, join_pack([events[place] for place in members]))
        for partition, places in groups.items()
        for members, size in _cut(places, events, bytes_max)
    ]


def _cut(places: list[int], events: Sequence[bytes], bytes_max: int) -> list[tuple[list[int], int]]:
    parts: list[tuple[list[int], int]] = []
    members: list[int] = []
    size = 0
    for place in places:
        weight = len(events[place])
        if members and size + weight + PACK_OVERHEAD > bytes_max:
            parts.append((members, size))
            members, size = [], 0
        members.append(place)
        size += weight
    parts.append((members, size))
    return parts
