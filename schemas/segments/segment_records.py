"""Segments on the control topic: what `stitchline apply` writes for the entries under `segments:` of a file, and what it refuses.

Deliberately absent: Kafka, and files (deploy/applying/configuration.py).
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from schemas.definitions.names import Name
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import BadSegment, Segments, inlined, key_of, used_by
from schemas.segments.segments import Segment

SEGMENT_BYTES_MAX = 900_000  # Kafka takes about a million

Records = dict[str, bytes | None]  # by key; None deletes


class Deleted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry that says of a segment that it shall not be."""

    segment: Name
    deleted: bool
    workspace: Name = "main"


def segment_records(entries: Iterable[Any]) -> Records:
    """Raises BadSegment, or msgspec.ValidationError."""
    found: Records = {}
    for entry in entries:
        key, document = _record(entry)
        if key in found:
            raise BadSegment(
                f"{key.removeprefix('segment/')} stands twice under segments: each may stand once"
            )
        found[key] = document
    return found


def _record(entry: Any) -> tuple[str, bytes | None]:
    if isinstance(entry, dict) and "deleted" in entry:
        named = msgspec.convert(entry, Deleted)
        if not named.deleted:
            raise BadSegment(f"segment {named.segment}: `deleted: false` says nothing: leave it out")
        return key_of(named.workspace, named.segment), None
    segment = read_segment(entry)
    document = msgspec.json.encode(segment)
    if len(document) > SEGMENT_BYTES_MAX:
        raise BadSegment(
            f"segment {segment.segment}: {len(document)} bytes as JSON, at most {SEGMENT_BYTES_MAX}: "
            "upload its longest lists with `stitchline list` and use in_list"
        )
    return key_of(segment.workspace, segment.segment), document


def refuse_broken_uses(before: Segments, after: Segments, records: Mapping[str, bytes | None]) -> None:
    """Raises BadSegment when a segment would use one that is not there, itself, or too much; `after` has the `records` in it.

    What was broken before and is not written now keeps nobody from mending something else.
    """
    for key, document in records.items():
        if document is None and (users := sorted(_users(after, key))):
            name = key.rpartition("/")[2]
            raise BadSegment(
                f"segment {name} cannot be deleted, {' and '.join(users)} use{'s' if len(users) == 1 else ''} it: "
                f"take in_segment: {name} out there, or delete these too in the same file"
            )
    for key, segment in after.items():
        if key in records or _is_sound(before, key):
            inlined(segment, after)


def _users(segments: Segments, key: str) -> Iterator[str]:
    return (each.segment for each in segments.values() if key in used_keys(each))


def used_keys(segment: Segment) -> frozenset[str]:
    """Of the segments that it uses itself."""
    return frozenset(key_of(segment.workspace, name) for name in used_by(segment))


def _is_sound(segments: Segments, key: str) -> bool:
    try:
        return key in segments and inlined(segments[key], segments) is not None
    except BadSegment:
        return False
