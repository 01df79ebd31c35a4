"""What stage `confirm` asks ClickHouse about people: a few questions for many of them at once. SQL, and rows as they come.

Whose something is, is told by the dictionaries, as in view events_resolved. Values are parameters; of long lists so many at a
time as a parameter holds. Deliberately absent: what is made of the answers (confirm_people.py, confirmation.py).
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.segments.segment_filters import Rows
from schemas.segments.segment_sql import Parameters
from schemas.segments.segment_traits import Told, names
from schemas.segments.segment_words import used
from schemas.segments.segments import Selection, Trait

T = TypeVar("T")


class OfNodes(Protocol):
    """Somebody who is asked about, under these nodes."""

    @property
    def nodes(self) -> tuple[int, ...]: ...


W = TypeVar("W", bound=OfNodes)

ZONE = "UTC"  # of dates that are written without one
NUMBERS_MAX = 4_000  # in one parameter: a server takes 128 KB
PLACES_MAX = 2_000  # the same, of those that stand in several parameters with texts
TRAITS_MAX = 1_000  # of a profile, by when they were first set: as view profile_traits has it
MEMBERS_MAX = 5_000

# The latest value of each name that is asked about; a test is false for whoever has none of them.
_TESTED = """\
SELECT profile, [VERDICTS]
FROM
(
    SELECT profile, name, argMax(traits.value, (timestamp, message_id, traits.value)) AS latest
    FROM
    (
        SELECT
            name, value, timestamp, message_id,
            dictGetOrDefault({segments:String}, 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
            dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
        FROM traits
        WHERE workspace = {workspace:String} AND subject IN {nodes:Array(UInt64)} AND name IN {wanted:Array(String)}
    ) AS traits
    GROUP BY profile, name
)
GROUP BY profile"""

_WHOSE = """\
SELECT
    each.1,
    each.2,
    dictGetOrDefault({segments:String}, 'owner', each.1, each.2, each.1) AS owner,
    dictGetOrDefault({roots:String}, 'root', owner, owner)
FROM (SELECT arrayJoin(arrayZip({nodes:Array(UInt64)}, {times:Array(Int64)})) AS each)"""

# Who names one of these nodes: the pointers that lead on, and the contested devices, which none leads anywhere.
_NAMED = """\
SELECT DISTINCT owner, node, dictHas({owners:String}, node) AS is_led, dictGetOrDefault({roots:String}, 'root', node, node)
FROM identity_owners
WHERE workspace = {workspace:String} AND owner IN {nodes:Array(UInt64)}"""

# Of the details, which are sorted by node; `identifiers` is sorted for what a name means.
_NAMES = """\
SELECT DISTINCT subject AS node, kind, name AS value
FROM subject_details
PREWHERE subject IN {nodes:Array(UInt64)}
WHERE workspace = {workspace:String} AND part = 'name'
ORDER BY kind, value"""

_TRAITS = """\
SELECT profile, name, argMax(traits.value, (timestamp, message_id, traits.value)) AS value, min(timestamp) AS first_set
FROM
(
    SELECT
        name, value, timestamp, message_id,
        dictGetOrDefault({segments:String}, 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
    FROM traits
    WHERE workspace = {workspace:String} AND subject IN {nodes:Array(UInt64)}
) AS traits
GROUP BY profile, name
ORDER BY profile, first_set, name
LIMIT {limit:UInt64} BY profile"""

# Of the latest event that says where they were, whoever of their devices it was.
_ZONES = """\
SELECT profile, argMax(zone, timestamp)
FROM
(
    SELECT
        toString(place.timezone) AS zone,
        timestamp,
        dictGetOrDefault({segments:String}, 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS owner,
        dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
    FROM events
    WHERE workspace = {workspace:String} AND subject IN {nodes:Array(UInt64)} AND place.timezone != ''
)
GROUP BY profile
SETTINGS min_table_rows_to_use_projection_index = 0, use_skip_indexes = 0"""

_SEGMENTS = """\
SELECT profile, segment FROM segment_members
WHERE workspace = {workspace:String} AND segment IN {names:Array(String)} AND profile IN {nodes:Array(UInt64)}
    AND left_at IS NULL"""

_MEMBERS = """\
SELECT profile FROM segment_members
WHERE workspace = {workspace:String} AND segment = {name:String} AND profile > {after:UInt64} AND left_at IS NULL
ORDER BY profile
LIMIT {limit:UInt64}"""

# Of those who are waited for, who did it after all, under any identifier. The event that the wait began with is none of these.
_ENDED = """\
SELECT DISTINCT waiting.1
FROM
(
    SELECT
        toUnixTimestamp64Milli(timestamp) AS ms,
        message_id,
        dictGetOrDefault({segments:String}, 'owner', subject, ms, subject) AS owner,
        dictGetOrDefault({roots:String}, 'root', owner, owner) AS profile
    FROM events
    WHERE workspace = {workspace:String} AND subject IN {nodes:Array(UInt64)}
        AND timestamp >= fromUnixTimestamp64Milli({first:Int64}, 'UTC')
        AND timestamp <= fromUnixTimestamp64Milli({last:Int64}, 'UTC')
        AND SELECTED
) AS done
INNER JOIN
(
    SELECT
        arrayJoin(arrayZip(
            {places:Array(UInt32)}, {profiles:Array(UInt64)}, {sinces:Array(Int64)}, {ats:Array(Int64)}, {ids:Array(String)}
        )) AS waiting,
        waiting.2 AS profile
) AS waited USING profile
WHERE done.ms BETWEEN waiting.3 AND waiting.4 AND done.message_id != waiting.5"""


class Absence(msgspec.Struct, frozen=True):
    """Somebody who is said not to have done something from `since` to `at`; `message_id`: of the event that it began with."""

    place: int
    profile: int
    nodes: tuple[int, ...]
    since: int
    at: int
    message_id: str


class Questions:
    """One workspace. Every method raises what the client raises."""

    def __init__(self, client: Client, database: str, workspace: str) -> None:
        self._client = client
        self.workspace = workspace
        self._database = database
        self.known = {
            "owners": f"{database}.idr_owner",
            "roots": f"{database}.idr_root",
            "segments": f"{database}.idr_segment",
            "workspace": workspace,
        }

    def whose(self, moments: Iterable[tuple[int, int]]) -> dict[tuple[int, int], int]:
        """The profiles that nodes belong to, each at a time in ms."""
        found = {}
        for some in _cut(sorted(set(moments)), NUMBERS_MAX):
            nodes, times = [node for node, _ in some], [time for _, time in some]
            for node, time, _, profile in self.ask(_WHOSE, nodes=nodes, times=times):
                found[node, time] = profile
        return found

    def named(self, nodes: Sequence[int]) -> list[tuple[int, int, bool, int]]:
        """(node, who names it, is it led anywhere, where to)"""
        return [(of, node, bool(led), root) for of, node, led, root in self._each(_NAMED, nodes)]

    def names(self, nodes: Sequence[int]) -> Iterator[tuple[int, str, str]]:
        """(node, kind, value), by kind and value within what is asked at once."""
        return ((node, kind, value) for node, kind, value in self._each(_NAMES, nodes))

    def traits(self, nodes: Sequence[int]) -> Iterator[tuple[int, str, str]]:
        """(profile, name, JSON of the value). All nodes of a profile are among one `NUMBERS_MAX` of these."""
        return (
            (profile, name, value) for profile, name, value, _ in self._each(_TRAITS, nodes, limit=TRAITS_MAX)
        )

    def zones(self, nodes: Sequence[int]) -> dict[int, str]:
        """By profile, the zone of the latest place; of at most `NUMBERS_MAX` nodes, all of a profile among them."""
        return {int(profile): str(zone) for profile, zone in self.ask(_ZONES, nodes=list(nodes))}

    def segments(self, nodes: Sequence[int], names: Iterable[str]) -> Iterator[tuple[int, str]]:
        """(node, segment): who was found in it when it was refreshed last."""
        asked = sorted(names)
        return ((node, name) for node, name in (self._each(_SEGMENTS, nodes, names=asked) if asked else ()))

    def members(self, segment: str, after: int, count: int) -> list[int]:
        """The next profiles of a segment, in their order, at most so many; none when there are no more."""
        rows = self.ask(_MEMBERS, name=segment, after=after, limit=count)
        return [profile for (profile,) in rows]

    def passing(
        self, conditions: Sequence[Trait], profiles: Sequence[int], nodes: Sequence[int], at_ms: int
    ) -> set[int]:
        """Those of these profiles of whom all of it is true; `nodes`: of all of them, at most `NUMBERS_MAX`. The tests are those
        of segments (schemas/segments/segment_traits.py)."""
        parameters = Parameters()
        parameters.values |= {"nodes": [], "wanted": [], **self.known}  # so that no value takes their names
        told = Told(at_ms, ZONE, parameters)
        verdicts = [told.trait(each) for each in conditions]
        sql = _TESTED.replace("VERDICTS", ", ".join(f"toUInt8({verdict})" for verdict, _ in verdicts))
        values = parameters.values | {"nodes": list(nodes), "wanted": names(conditions)}
        found = {int(profile): flags for profile, flags in self.ask(self.worded(sql), **values)}
        none = [0] * len(verdicts)
        turned = [is_turned for _, is_turned in verdicts]
        return {
            profile
            for profile in profiles
            if all(bool(flag) != turn for flag, turn in zip(found.get(profile, none), turned, strict=True))
        }

    def ended(self, selected: Selection, absences: Sequence[Absence], at_ms: int) -> set[int]:
        """The places of those who did it after all."""
        parameters = Parameters()
        parameters.values |= {**_waiting(absences), **self.known}
        condition = " AND ".join(Rows(at_ms, ZONE, parameters).selection(selected))
        sql = self.worded(_ENDED.replace("SELECTED", condition))
        return {
            place
            for some in in_one_question(absences)
            for (place,) in self.ask(sql, **(parameters.values | _waiting(some)))
        }

    def worded(self, sql: str) -> str:
        """With the words that segments' tests are made of."""
        words = used(sql, f"{self._database}.")
        return f"WITH {', '.join(words)}\n{sql}" if words else sql

    def _each(self, sql: str, nodes: Sequence[int], **values: Any) -> Iterator[Sequence[Any]]:
        for some in _cut(nodes, NUMBERS_MAX):
            yield from self.ask(sql, nodes=list(some), **values)

    def ask(self, sql: str, **values: Any) -> Sequence[Sequence[Any]]:
        """Only values that the text names: the client would put others into the text itself."""
        given = {name: value for name, value in (self.known | values).items() if f"{{{name}:" in sql}
        return self._client.query(sql, parameters=given).result_rows


def _waiting(some: Sequence[Absence]) -> dict[str, Any]:
    return {
        "nodes": sorted({node for each in some for node in each.nodes}),
        "first": min(each.since for each in some),
        "last": max(each.at for each in some),
        "places": [each.place for each in some],
        "profiles": [each.profile for each in some],
        "sinces": [each.since for each in some],
        "ats": [each.at for each in some],
        "ids": [each.message_id for each in some],
    }


def in_one_question(asked: Sequence[W]) -> Iterator[list[W]]:
    """As many at once as their nodes and places allow."""
    some: list[W] = []
    nodes = 0
    for each in asked:
        if some and (nodes + len(each.nodes) > NUMBERS_MAX or len(some) >= PLACES_MAX):
            yield some
            some, nodes = [], 0
        some.append(each)
        nodes += len(each.nodes)
    if some:
        yield some


def _cut(items: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), count):
        yield items[start : start + count]
