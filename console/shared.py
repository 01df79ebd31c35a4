"""What is a person's own of devices that several people used: SQL, and its rows as details. Pure.

Nobody but the events says whose such a device was. Their table has what each says of traits, too: one question of one table
costs half of what two do, since most of that is the engine's analysis (docs/decisions/0077). A row is one device with one list of
traits, so that somebody who says the same with each visit is one row.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from console.details import DEVICE, TRAIT, Detail
from console.people import Person, Place
from console.question import Question

_SHARED = """\
SELECT
    subject, device, anonymous_id, if(type = 'identify', JSONExtractKeysAndValuesRaw(traits), []) AS said,
    max((timestamp, message_id, source)), min(timestamp), uniqExact(timestamp, message_id, event)
FROM subject_events
THEIRS
GROUP BY subject, device, anonymous_id, said"""


def shared_of(place: Place, person: Person, subjects: Sequence[int]) -> list[Question]:
    """At most one: what is theirs of nodes that were not theirs all the time."""
    if not subjects:
        return []
    return [place.asking(_SHARED, keys=len(subjects), profile=person.profile, subjects=[*subjects])]


def shared(rows: Iterable[Sequence[Any]]) -> list[Detail]:
    """As the table of details would have them."""
    return [detail for row in rows for detail in _told(row)]


def _told(row: Sequence[Any]) -> Iterator[Detail]:
    subject, device, name, said, (seen, message_id, source), first, events = row
    about = (
        *(device[each] for each in ("brand", "model", "os", "browser")),
        "1" if device["is_bot"] else "0",
    )
    versions = (device["os_version"], device["browser_version"])
    yield Detail(subject, DEVICE, device["kind"], name, about, "a", seen, versions, first, events, 0)
    for trait, value in said:
        yield Detail(subject, TRAIT, "", trait, (), "", seen, (message_id, value, source), first, 0, 0)
