"""What is told of a person's nodes, from one table: SQL, and whom and what its rows are about. Pure.

Table `subject_details` has the names, traits and devices of each subject and who named it as their owner, so that rows about a
profile and whoever names it are most of the time all that is told of a person. Rows are grouped here: a question that groups
costs more of the engine's analysis. Of what is not theirs alone, the events themselves are asked (shared.py).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from console.people import Around, Person, Place
from console.question import Question

DEVICE, TRAIT, NAME, LED, CONTESTED = "device", "trait", "name", "led", "contested"
# No part of the table: a version of a contested device's pointer. `about`: its owners, `events`: the version, `node` 1: deleted.
HELD = "held"

# The subject's condition alone comes first: with the workspace's beside it, two columns are read in two steps of every part.
_DETAILS = """\
SELECT
    subject, part, kind, name, about, subject_type, latest, first_seen, events, node
FROM subject_details
PREWHERE subject IN {nodes:Array(UInt64)}
WHERE workspace = {workspace:String}"""
# Whom pointers lead each to, where that is not known yet.
_ROOTED = _DETAILS.replace("node\nFROM", "node, dictGetOrDefault(ROOTS, 'root', subject, 0)\nFROM")
# Who names the profile is known, and told again where they are few: there may be any number of them.
_BUT_LED = " AND (part != 'led' OR subject != {profile:UInt64})"

# A contested device is an identifier of each of its owners, by the newest of its pointers: as rows of the same columns, since a
# question more costs more than what it finds.
_HELD = """\
SELECT
    node, 'held', '', '', CAST(segments.owner, 'Array(String)'), '',
    CAST((0, []), 'Tuple(seen DateTime64(3, \\'UTC\\'), said Array(String))'), toDateTime64(0, 3, 'UTC'), version, is_deleted
FROM identity_pointers
PREWHERE node IN {held:Array(UInt64)}
WHERE workspace = {workspace:String}"""


class Detail(msgspec.Struct, frozen=True):
    """A row. `node` of one that is LED: who names the subject. `root`, where it is asked for: whom pointers lead the subject to,
    0 where none does."""

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
    root: int = 0


class Gathered(msgspec.Struct, frozen=True):
    """A person as far as rows were read. `further`: nodes that name theirs and were not looked at. `looked_at`: those that were,
    whoever's they are. `shared`: what is theirs of nodes that were not theirs all the time."""

    person: Person
    rows: list[Detail]
    further: list[int]
    looked_at: frozenset[int]
    shared: list[Detail]


def details_around(place: Place, person: Person, held: Sequence[int] = ()) -> Question:
    """Of all that are known to be theirs from who names the profile; with whose the devices `held` are, as in `details_of`."""
    sql = _DETAILS if person.is_whole else _DETAILS + _BUT_LED
    return _asking(place, sql, person.subjects, held, profile=person.profile)


def details_of(place: Place, nodes: Sequence[int], held: Sequence[int] = ()) -> Question:
    return _asking(place, _DETAILS, nodes, held)


def details_with_roots(place: Place, nodes: Sequence[int]) -> Question:
    return place.asking(_ROOTED, keys=len(nodes), nodes=[*nodes])


def held_of(place: Place, nodes: Sequence[int]) -> Question:
    """Rows HELD alone."""
    return place.asking(_HELD, keys=len(nodes), held=[*nodes])


def _asking(place: Place, sql: str, nodes: Sequence[int], held: Sequence[int], **values: Any) -> Question:
    asked = f"{sql}\nUNION ALL\n{_HELD}" if held else sql
    return place.asking(asked, keys=len(nodes), nodes=[*nodes], held=[*held], **values)


def details(rows: Sequence[Sequence[Any]]) -> list[Detail]:
    return [
        Detail(
            subject, part, kind, name, tuple(about), subject_type, latest["seen"], tuple(latest["said"]), first_seen,
            events, node, *root,
        )
        for (subject, part, kind, name, about, subject_type, latest, first_seen, events, node, *root) in rows
    ]  # fmt: skip


def begun(around: Around, nodes_max: int) -> Gathered:
    """Without rows yet: pointers lead some of those who name the profile to it, some nowhere; others are somebody else's."""
    named = [(node, root) for node, root in around.named_by if node != around.profile]
    looked_at = named[: max(nodes_max - 1, 0)]
    person = Person(
        around.profile,
        (around.profile, *(node for node, root in looked_at if root == around.profile)),
        tuple(node for node, root in looked_at if not root),
        is_whole=len(looked_at) == len(named),
    )
    return Gathered(person, [], [], frozenset({around.profile, *(node for node, _ in looked_at)}), [])


def told(gathered: Gathered, rows: Sequence[Detail], nodes_max: int) -> Gathered:
    """With the rows about those. A profile that is, or was, itself a device of several people is looked at as such."""
    person = gathered.person
    is_shared = any(row.part == CONTESTED and row.subject == person.profile for row in rows)
    theirs = [row for row in rows if row.subject in {*person.nodes}]
    return _further(
        msgspec.structs.replace(
            gathered, person=msgspec.structs.replace(person, is_shared=is_shared), rows=[*rows]
        ),
        theirs,
        nodes_max,
    )


def wider(gathered: Gathered, rows: Sequence[Detail], nodes_max: int) -> Gathered:
    """With the rows about those further nodes."""
    person, root_of = gathered.person, {row.subject: row.root for row in rows}
    led = {node for node, root in root_of.items() if root == person.profile}
    unled = {node for node, root in root_of.items() if not root}
    wider = msgspec.structs.replace(
        gathered,
        person=msgspec.structs.replace(
            person, nodes=(*person.nodes, *sorted(led)), unled=(*person.unled, *sorted(unled))
        ),
        rows=[*gathered.rows, *rows],
        looked_at=gathered.looked_at.union(gathered.further),
    )
    return _further(wider, [row for row in rows if row.subject in led], nodes_max)


def _further(gathered: Gathered, last: Sequence[Detail], nodes_max: int) -> Gathered:
    """Who names those whom the last rows are about, as many as may be looked at."""
    found = sorted({row.node for row in last if row.part == LED} - gathered.looked_at)
    further = found[: max(nodes_max - len(gathered.looked_at), 0)]
    is_whole = gathered.person.is_whole and len(further) == len(found)
    return msgspec.structs.replace(
        gathered, person=msgspec.structs.replace(gathered.person, is_whole=is_whole), further=further
    )


def theirs(person: Person, rows: Sequence[Detail], shared: Sequence[Detail]) -> list[Detail]:
    """What is the person's own of the rows about their nodes, with what is theirs of those that are not theirs alone."""
    sure, named = {*person.sure}, {*person.nodes, *_held(person, rows)}
    return [*(row for row in rows if row.subject in (named if row.part == NAME else sure)), *shared]


def _held(person: Person, rows: Sequence[Detail]) -> set[int]:
    """The devices that the newest of their pointers gives to the person for a time."""
    pointers = sorted((row for row in rows if row.part == HELD), key=lambda row: row.events)
    newest = {row.subject: row for row in pointers}
    owners = {str(node) for node in person.nodes}
    return {node for node, row in newest.items() if not row.node and not owners.isdisjoint(row.about)}
