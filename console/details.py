"""What is told of a person's nodes, from one table: SQL, and whom and what its rows are about. Pure.

Table `subject_details` has the names, traits and devices of each subject and who named it as their owner, so that rows about a
profile, and then those about whoever names it, are most of the time all that is told of a person. Rows are grouped here: a
question that groups costs more of the engine's analysis. Of what is not theirs alone, the events and traits themselves are asked.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.identifiers import Wanted
from console.people import WHOSE, Person, Place
from console.question import Question

ROWS_MAX = 20_000  # of one profile; where there are more, who names it is asked apart, within its own limit

DEVICE, TRAIT, NAME, LED, CONTESTED = "device", "trait", "name", "led", "contested"

# The subject's condition alone comes first: with the workspace's beside it, two columns are read in two steps of every part.
_DETAILS = """\
SELECT
    subject, part, kind, name, about, subject_type, latest.1, latest.2, first_seen, events, node,
    dictGetOrDefault({roots:String}, 'root', subject, 0)
FROM subject_details
PREWHERE subject IN WHOSE
WHERE workspace = {workspace:String}"""
_LIMIT = "\nLIMIT {limit:UInt64}"
_BUT_LED = " AND part != 'led'"
_LED = " AND part = 'led'\nORDER BY node\nLIMIT 1 BY node"  # a row for each time that it was told, until parts are merged

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
    """A row. `node` of one that is LED: who names the subject. `root`: whom pointers lead the subject to; 0 where none does."""

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


class Gathered(msgspec.Struct, frozen=True):
    """A person as far as rows were read. `further`: nodes that name theirs and were not looked at. `looked_at`: those that were,
    whoever's they are."""

    person: Person
    rows: list[Detail]
    further: list[int]
    looked_at: frozenset[int]


def details_around(place: Place, profile: int) -> Question:
    return place.asking(_asking("{nodes:Array(UInt64)}") + _LIMIT, nodes=[profile], limit=ROWS_MAX)


def details_named(place: Place, wanted: Wanted) -> Question:
    """The same of whoever has this identifier now."""
    return place.asking(_asking(WHOSE) + _LIMIT, kind=wanted.kind, value=wanted.value, limit=ROWS_MAX)


def details_apart(place: Place, profile: int, nodes_max: int) -> list[Question]:
    """As around, of a profile with more rows than one question is to answer."""
    text = _asking("{nodes:Array(UInt64)}")
    return [
        place.asking(text + _BUT_LED, nodes=[profile]),
        place.asking(text + _LED + _LIMIT, nodes=[profile], limit=nodes_max + 1),
    ]


def details_of(place: Place, nodes: Sequence[int]) -> Question:
    return place.asking(_asking("{nodes:Array(UInt64)}"), nodes=list(nodes))


def details(rows: Sequence[Sequence[Any]]) -> list[Detail]:
    return [
        Detail(
            subject, part, kind, name, tuple(about), subject_type, seen, tuple(said), first_seen, events, node, root
        )
        for (
            subject, part, kind, name, about, subject_type, seen, said, first_seen, events, node, root
        ) in rows
    ]  # fmt: skip


def begun(profile: int, rows: Sequence[Detail], nodes_max: int) -> Gathered:
    """Of the profile's own rows. One that is, or was, itself a device of several people is looked at as such."""
    is_shared = any(row.part == CONTESTED for row in rows)
    return _further(
        Person(profile, (profile,), is_shared=is_shared), [*rows], rows, frozenset({profile}), nodes_max
    )


def wider(gathered: Gathered, rows: Sequence[Detail], nodes_max: int) -> Gathered:
    """With the rows about those further nodes: pointers lead some to the profile, some nowhere; others are somebody else's."""
    person, root_of = gathered.person, {row.subject: row.root for row in rows}
    led = {node for node, root in root_of.items() if root == person.profile}
    unled = {node for node, root in root_of.items() if not root}
    wider = msgspec.structs.replace(
        person, nodes=(*person.nodes, *sorted(led)), unled=(*person.unled, *sorted(unled))
    )
    looked_at = gathered.looked_at.union(gathered.further)
    theirs = [row for row in rows if row.subject in led]
    return _further(wider, [*gathered.rows, *rows], theirs, looked_at, nodes_max)


def _further(
    person: Person, rows: list[Detail], last: Sequence[Detail], looked_at: frozenset[int], nodes_max: int
) -> Gathered:
    """Who names those whom the last rows are about, as many as may be looked at."""
    found = sorted({row.node for row in last if row.part == LED} - looked_at)
    further = found[: max(nodes_max - len(looked_at), 0)]
    is_whole = person.is_whole and len(further) == len(found)
    return Gathered(msgspec.structs.replace(person, is_whole=is_whole), rows, further, looked_at)


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


def _asking(whose: str) -> str:
    return _DETAILS.replace("WHOSE", whose)
