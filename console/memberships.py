"""The segments that a person is in: SQL and what is made of its answer. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from console.people import Person, Place
from console.question import Question
from console.times import iso

_SEGMENTS = """\
SELECT segment, entered_at, toString(reason), effective_at, observed_at, toString(version)
FROM segment_members
WHERE workspace = {workspace:String} AND profile = {profile:UInt64} AND left_at IS NULL
ORDER BY segment"""


class Membership(msgspec.Struct, frozen=True):
    """`entered_at`: the refresh that found them in it, `effective_at`: since when that holds; `reason` of the last change."""

    segment: str
    entered_at: str
    reason: str
    effective_at: str
    observed_at: str
    version: str


def segments_of(place: Place, person: Person) -> Question:
    return place.asking(_SEGMENTS, profile=person.profile)


def memberships(rows: Sequence[Sequence[Any]]) -> list[Membership]:
    return [
        Membership(segment, iso(entered), reason, iso(effective), iso(observed), version)
        for segment, entered, reason, effective, observed, version in rows
    ]
