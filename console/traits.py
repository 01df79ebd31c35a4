"""A person's traits, each with the event that set it: SQL and what is made of its answer. Pure.

The rules are those of view traits_resolved: of each name the value of the last event by time, ties by message id, then value;
of a profile's names the first 1,000 by when they were first set.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.details import TRAIT, Detail
from console.json_text import NULL, as_json
from console.people import Person, Place
from console.question import Question
from console.times import iso
from schemas.identity.identifiers import profile_id

TRAITS_MAX = 1_000

_TRAITS = """\
SELECT name, last.1 AS value, last.2 AS set_at, last.3 AS message_id, last.4 AS source, last.5 AS subject
FROM
(
    SELECT
        name,
        argMax((traits.value, timestamp, message_id, toString(source), subject), (timestamp, message_id, traits.value)) AS last,
        min(timestamp) AS first_set
    FROM traits
    THEIRS
    GROUP BY name
    ORDER BY first_set, name
    LIMIT {limit:UInt64}
)
ORDER BY name"""


class Trait(msgspec.Struct, frozen=True):
    """`value` null: it was unset. `source` is "" for what was stored before sources were kept.
    `subject` is the node that it was said of."""

    name: str
    value: msgspec.Raw
    timestamp: str
    message_id: str
    source: str
    subject: str


def traits_of(place: Place, person: Person) -> Question:
    return place.asking(_TRAITS, profile=person.profile, subjects=person.subjects, limit=TRAITS_MAX)


def traits(rows: Sequence[Sequence[Any]]) -> list[Trait]:
    return [
        Trait(name, as_json(value), iso(at), message_id, source, profile_id(subject))
        for name, value, at, message_id, source, subject in rows
    ]


def traits_in(rows: Sequence[Detail]) -> list[Trait]:
    """The same, of the rows that are a person's own."""
    last: dict[str, tuple[datetime, tuple[str, ...], int]] = {}
    first: dict[str, datetime] = {}
    for row in rows:
        if row.part == TRAIT:
            last[row.name] = max(
                last.get(row.name, (row.seen, row.said, 0)), (row.seen, row.said, row.subject)
            )
            first[row.name] = min(first.get(row.name, row.first_seen), row.first_seen)
    kept = sorted(sorted(first), key=first.__getitem__)[:TRAITS_MAX]
    return traits(
        [
            (name, value, at, message_id, source, subject)
            for name in sorted(kept)
            for at, (message_id, value, source), subject in (last[name],)
        ]
    )


def plain(found: Sequence[Trait]) -> dict[str, msgspec.Raw]:
    """By name, without those that are unset."""
    return {trait.name: trait.value for trait in found if bytes(trait.value) != NULL}
