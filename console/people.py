"""Who has an identifier, and which nodes are theirs: SQL and what is made of its answers. Pure.

A profile's nodes are those whose pointers lead to it, over any number of hops, and the contested devices that were theirs for a
while (details.py).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from console.identifiers import Asked, Wanted, typed
from console.question import Question, numbers_written_out, written_out
from schemas.identity.identifiers import ANONYMOUS, EMAIL, USER

# By the value alone first: with the workspace and the kind beside it, three columns are read in steps of every part.
_NAMED = """\
FROM identifiers
PREWHERE value IN {values:Array(String)}
WHERE workspace = {workspace:String} AND (kind, value) IN {wanted:Array(Tuple(String, String))}"""
_FIND = f"""\
SELECT DISTINCT kind, value, node,
    dictGetOrDefault(SEGMENTS, 'owner', node, {{now:Int64}}, node) AS owner,
    dictGetOrDefault(ROOTS, 'root', owner, owner) AS profile
{_NAMED}"""

# Which nodes name the profile as their owner, each with whom pointers lead it to (0: none does). One row, however many they are.
_AROUND = """\
SELECT
    PROFILE,
    arraySlice(arraySort(groupUniqArray((node, dictGetOrDefault(ROOTS, 'root', node, 0)))), 1, {limit:UInt64})
FROM identity_owners
PREWHERE owner = PROFILE
WHERE workspace = {workspace:String}"""

# The profile of whoever has an identifier, as _FIND has it; 0 where nobody has. Rows of one identifier have one node.
_WHOSE = """\
WITH
(
    SELECT any(dictGetOrDefault(
        ROOTS, 'root', dictGetOrDefault(SEGMENTS, 'owner', node, {now:Int64}, node) AS owner, owner
    ))
    FROM identifiers
    PREWHERE value = {value:String}
    WHERE workspace = {workspace:String} AND kind = {kind:String}
) AS whose
"""

_ROOT = "SELECT dictGetOrDefault(ROOTS, 'root', {node:UInt64}, {node:UInt64})"

_PAST_OWNERS = """\
SELECT dictGetOrDefault(ROOTS, 'root', owner, owner) AS profile
FROM
(
    SELECT arrayJoin(arraySort(segment -> -toUnixTimestamp64Milli(segment.valid_to), segments)).owner AS owner
    FROM identity_pointers FINAL
    WHERE workspace = {workspace:String} AND node = {node:UInt64}
)"""

_IS_THERE = "SELECT 1 FROM subject_events THEIRS LIMIT 1"


FEW = 32  # keys of which a single thread reads all that is theirs as soon as several do


class Place(msgspec.Struct, frozen=True):
    """Where somebody is looked for."""

    database: str
    workspace: str
    now_ms: int

    def asking(self, sql: str, *, keys: int | None = None, **values: Any) -> Question:
        """Only values that the text names: a client would put others into the text itself. `keys`: how many keys it looks for,
        where that says how much is read; where they are few, numbers stand in the text."""
        text = written_out(sql, self.database)
        given = {"workspace": self.workspace, "now": self.now_ms} | values
        is_small = keys is not None and keys <= FEW
        if is_small:
            text = numbers_written_out(text, given)
        named = {name: value for name, value in given.items() if f"{{{name}:" in text}
        return Question(text, named, is_small=is_small)


class Found(msgspec.Struct, frozen=True):
    """An identifier that events carry, and whose it is now; `node` is 0 for a profile id."""

    profile: int
    node: int = 0


class Around(msgspec.Struct, frozen=True):
    """A profile, and the nodes that name it as their owner, in order, each with whom pointers lead it to; 0 where none does."""

    profile: int
    named_by: tuple[tuple[int, int], ...] = ()


class Person(msgspec.Struct, frozen=True):
    """A profile and its nodes, the profile's own first. `unled` are those that no pointer leads anywhere: contested devices, and
    some that are nobody's any more. `is_shared`: the profile is itself a device that several people used."""

    profile: int
    nodes: tuple[int, ...]
    unled: tuple[int, ...] = ()
    is_whole: bool = True
    is_shared: bool = False
    known_since_ms: int | None = None

    @property
    def subjects(self) -> list[int]:
        return [*self.nodes, *self.unled]

    @property
    def sure(self) -> list[int]:
        """What is stored under these is theirs, whenever it happened."""
        return list(self.nodes[1:] if self.is_shared else self.nodes)

    @property
    def unsure(self) -> list[int]:
        return [*self.nodes[:1], *self.unled] if self.is_shared else list(self.unled)


class Identifier(msgspec.Struct, frozen=True):
    """As people know it: the type is user_id, email, anonymous_id, or that of an external id."""

    type: str
    id: str


class Names(msgspec.Struct, frozen=True):
    """What a person is called. `user_id` is the one that the profile itself is made of, "" when it is made of something else."""

    identifiers: list[Identifier]
    emails: list[str]
    anonymous_ids: list[str]
    user_id: str


def find(place: Place, asked: Asked) -> Question:
    wanted = [(each.kind, each.value) for each in asked.wanted]
    return place.asking(_FIND, wanted=wanted, values=[each.value for each in asked.wanted])


def around(place: Place, profile: int, nodes_max: int) -> Question:
    return place.asking(
        _AROUND.replace("PROFILE", "{profile:UInt64}"), keys=1, profile=profile, limit=_looked_for(nodes_max)
    )


def around_whom(place: Place, wanted: Wanted, nodes_max: int) -> Question:
    """The same of whoever has this identifier now."""
    sql = _WHOSE + _AROUND.replace("PROFILE", "whose")
    return place.asking(sql, keys=1, kind=wanted.kind, value=wanted.value, limit=_looked_for(nodes_max))


def found_around(rows: Sequence[Sequence[Any]]) -> Around:
    """Of profile 0, where nobody has the identifier."""
    ((profile, named_by),) = rows
    return Around(profile or 0, tuple(named_by))


def root_of(place: Place, node: int) -> Question:
    """Of a profile id: somebody who was merged into another is that one."""
    return place.asking(_ROOT, node=node)


def past_owners(place: Place, node: int) -> Question:
    return place.asking(_PAST_OWNERS, node=node)


def chosen(asked: Asked, rows: Iterable[Sequence[Any]]) -> list[Found]:
    """The matches in the order in which kinds count; of one kind and value there is one."""
    by_name = {(kind, value): Found(profile, node) for kind, value, node, _, profile in rows}
    return [by_name[name] for each in asked.wanted if (name := (each.kind, each.value)) in by_name]


def is_there(place: Place, person: Person) -> Question:
    """A row, if any event of what is not theirs alone is theirs."""
    return place.asking(_IS_THERE, profile=person.profile, subjects=person.unsure)


def _looked_for(nodes_max: int) -> int:
    """One more than may be looked at says that there are more."""
    return nodes_max + 1


def names(profile: int, named: Iterable[tuple[str, str, int]]) -> Names:
    """Of kind, value and node of what is the person's; it may come more than once."""
    rows = sorted({*named})
    return Names(
        identifiers=[Identifier(*typed(kind, value)) for kind, value, _ in rows],
        emails=[value for kind, value, _ in rows if kind == EMAIL],
        anonymous_ids=[value for kind, value, _ in rows if kind == ANONYMOUS],
        user_id=max((value for kind, value, node in rows if kind == USER and node == profile), default=""),
    )
