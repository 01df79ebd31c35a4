"""What is told of a person's nodes, from one table by one question: SQL, and whom and what its rows are about. Pure.

Table `subject_details` has the names, traits and devices of each subject and who named it as their owner, so that rows about a
profile and those who name it are, most of the time, all that is told of a person; changes of segments come with them. Rows are
grouped here: a question costs the engine's analysis whatever it finds, and one that groups costs more of it. Of what is not
theirs alone, the events and traits themselves are asked.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.identifiers import Wanted
from console.memberships import Change, change_of
from console.people import WHOSE, Person, Place
from console.question import Question

AROUND_ROWS_MAX = 20_000  # of somebody with more it is asked step by step

DEVICE, TRAIT, NAME, LED, CONTESTED, SEGMENT = "device", "trait", "name", "led", "contested", "segment"

_DETAILS = """\
SELECT
    subject, toString(part), kind, name, about, subject_type, latest.1, latest.2, first_seen, events,
    node,
    dictGetOrDefault(
        {roots:String},
        'root',
        if(part = 'name', dictGetOrDefault({segments:String}, 'owner', subject, {now:Int64}, subject), node) AS asked,
        if(part = 'name', asked, 0)
    )
FROM subject_details
WHERE workspace = {workspace:String} AND subject IN """

# Rows of a change have the columns of the others: what a row has no column for stands in `about`.
_AROUND = """\
(
    SELECT arrayJoin([subject, if(part = 'led', node, subject)]) FROM subject_details
    WHERE workspace = {workspace:String} AND subject IN WHOSE
)
LIMIT {limit:UInt64}
UNION ALL
SELECT
    profile, 'segment', toString(change), toString(segment),
    [toString(seq), toString(reason), toString(version), toString(run), toString(attempt)],
    '', observed_at, [], effective_at, 0, 0, 0
FROM segment_changes
WHERE workspace = {workspace:String} AND profile IN WHOSE"""

_SHARED_DEVICES = """\
SELECT
    subject, 'device', toString(device.kind), anonymous_id,
    [toString(device.brand), toString(device.model), toString(device.os), toString(device.browser),
        toString(toUInt8(device.is_bot))],
    'a', (max((timestamp, [toString(device.os_version), toString(device.browser_version)])) AS latest).1, latest.2,
    min(timestamp), uniqExact(timestamp, message_id, event), 0, 0
FROM subject_events
THEIRS
GROUP BY ALL"""

_SHARED_TRAITS = """\
SELECT
    subject, 'trait', '', toString(traits.name) AS trait, [],
    '', (max((timestamp, [message_id, traits.value, toString(source)])) AS latest).1, latest.2,
    min(timestamp), 0, 0, 0
FROM traits
THEIRS
GROUP BY subject, trait"""

# A contested device is an identifier of each of its owners.
_HELD = """\
SELECT node FROM identity_pointers FINAL
WHERE workspace = {workspace:String} AND node IN {unled:Array(UInt64)}
    AND arrayExists(each -> dictGetOrDefault({roots:String}, 'root', each, each) = {profile:UInt64}, segments.owner)"""


class Detail(msgspec.Struct, frozen=True):
    """A row. `node` of one that is LED: who names the subject. `root`: whom pointers lead that one to; 0 where none does. Of a
    NAME: whose the subject is now."""

    subject: int
    part: str
    kind: str
    name: str
    about: tuple[str, ...]
    subject_type: str
    seen: datetime
    said: tuple[str, ...]
    first_seen: datetime
    events: int
    node: int
    root: int


def details_around(place: Place, profile: int) -> Question:
    """Of the profile and whoever names it, and the profile's changes of segments."""
    return _around(place, "({profile:UInt64})", profile=profile)


def details_named(place: Place, wanted: Wanted) -> Question:
    """The same of whoever has this identifier now."""
    return _around(place, WHOSE, wanted=[(wanted.kind, wanted.value)])


def details_of(place: Place, nodes: Sequence[int]) -> Question:
    return place.asking(_DETAILS + "{nodes:Array(UInt64)}", nodes=list(nodes))


def details(rows: Sequence[Sequence[Any]]) -> list[Detail]:
    return [
        Detail(
            subject, part, kind, name, tuple(about), subject_type, seen, tuple(said), first_seen, events, node, root
        )
        for (
            subject, part, kind, name, about, subject_type, seen, said, first_seen, events, node, root
        ) in rows
    ]  # fmt: skip


def profile_named(wanted: Wanted, rows: Sequence[Detail]) -> int | None:
    """Whose the identifier is. None: nobody's, or of somebody to whom its node is led by more than one hop."""
    found = {
        row.root for row in rows if row.part == NAME and (row.kind, row.name) == (wanted.kind, wanted.value)
    }
    return found.pop() if len(found) == 1 else None


def entered_in(profile: int, rows: Sequence[Detail]) -> list[Change]:
    """The profile's changes of segments."""
    return [
        change_of(row.kind, row.name, row.about, effective_at=row.first_seen, observed_at=row.seen)
        for row in rows
        if row.part == SEGMENT and row.subject == profile
    ]


def person_around(profile: int, rows: Sequence[Detail], nodes_max: int) -> Person | None:
    """Whose rows these are. None: that takes more questions, since a chain is longer than one hop, the profile is itself a device
    that may have several owners, or there is more than may be looked at."""
    named = {
        row.node: row
        for row in rows
        if row.part == LED and row.subject == profile and _is_theirs(row, profile)
    }
    led = tuple(sorted(node for node, row in named.items() if row.root))
    unled = tuple(sorted(named.keys() - {*led}))
    person = Person(profile, (profile, *led), unled)
    known = {*person.subjects}
    is_more = any(
        (row.part == CONTESTED and row.subject == profile)
        or (row.part == LED and row.subject in led and row.node not in known and _is_theirs(row, profile))
        for row in rows
    )
    return None if is_more or len(known) > nodes_max or len(rows) >= AROUND_ROWS_MAX else person


def shared_of(place: Place, person: Person, rows: Sequence[Detail]) -> list[Question]:
    """What has to be asked besides, of nodes that were not theirs all the time. Their answers are for `theirs`."""
    unsure = {*person.unsure}
    parts = {row.part for row in rows if row.subject in unsure}
    asked = [sql for part, sql in ((DEVICE, _SHARED_DEVICES), (TRAIT, _SHARED_TRAITS)) if part in parts]
    return [place.asking(sql, profile=person.profile, subjects=sorted(unsure)) for sql in asked]


def held_of(place: Place, person: Person, rows: Sequence[Detail]) -> list[Question]:
    """At most one: which of the nodes that no pointer leads anywhere are an identifier of theirs all the same."""
    unled = sorted({row.subject for row in rows if row.part == NAME} & {*person.unled})
    return [place.asking(_HELD, profile=person.profile, unled=unled)] if unled else []


def theirs(
    person: Person, rows: Sequence[Detail], shared: Sequence[Detail], held: Collection[int]
) -> list[Detail]:
    """What is the person's own of the rows about their nodes, with what is theirs of those that are not theirs alone."""
    sure, named = {*person.sure}, {*person.nodes, *held}
    own = [row for row in rows if (row.subject in named if row.part == NAME else row.subject in sure)]
    return [*own, *shared]


def _around(place: Place, whose: str, **values: Any) -> Question:
    return place.asking(_DETAILS + _AROUND.replace("WHOSE", whose), limit=AROUND_ROWS_MAX, **values)


def _is_theirs(row: Detail, profile: int) -> bool:
    return row.root in (0, profile)
