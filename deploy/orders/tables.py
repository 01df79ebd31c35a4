"""ClickHouse's edge of these commands: rows of pointers, identifiers and events; and their deletion.

Numbers stand in the statements, values of people in parameters only: the server keeps a mutation's text, which must name nobody.
Deletions are mutations that rewrite the parts concerned, so that the rows are gone from disk, not hidden.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from deploy.orders.people import Pointer, Segment
from deploy.orders.plan import Company
from runtime.clickhouse import NoAnswer
from schemas.identity.orders import Erase

T = TypeVar("T")

NODES_PER_STATEMENT_MAX = 5_000  # the server reads 256 KB of a statement
POLL_S = 0.2
MERGED = (
    "identifiers",
    "subjects",
    "subject_details",
    "cart_states",
    "firing_states",
    "delivery_attempts",
)  # of which merges make several rows one

_POINTERS = """\
SELECT node, owner,
    arrayMap(s -> (toUnixTimestamp64Milli(s.valid_from), toUnixTimestamp64Milli(s.valid_to), s.owner), segments),
    conflicts.target
FROM identity_pointers FINAL
WHERE workspace = {workspace:String} AND """
_OF = "node IN (NODES)"
_TO = "((owner IN (NODES) AND owner != node) OR hasAny(segments.owner, [NODES]) OR hasAny(conflicts.target, [NODES]))"
_VALUES = """\
SELECT DISTINCT kind, value, node FROM identifiers
WHERE workspace = {workspace:String} AND value != '' AND node IN (NODES)"""
_COMPANY = """\
SELECT DISTINCT arraySort(arrayMap(i -> (i.node, i.kind), identifiers)) FROM events
WHERE workspace = {workspace:String} AND length(identifiers) > 1 AND hasAny(identifiers.node, [NODES])"""

# The `previousId` of an alias is none of the event's identifiers, and may be a user id or an anonymous id.
_ALIASED = """\
SELECT DISTINCT arrayPushBack(arrayMap(i -> (i.node, i.kind), e.identifiers), (p.node, p.kind)) FROM events AS e
INNER JOIN identifiers AS p ON p.workspace = e.workspace AND p.value = e.previous_id
WHERE e.workspace = {workspace:String} AND e.type = 'alias' AND e.previous_id != '' AND p.kind IN ('u', 'a')
  AND (hasAny(e.identifiers.node, [NODES]) OR p.node IN (NODES))"""


class NotDeleted(Exception):
    """ClickHouse has not finished a deletion in time, or could not do it."""


class Named(msgspec.Struct, frozen=True):
    """An identifier in clear."""

    kind: str
    value: str
    node: int


class Tables:
    """One workspace's rows. Every method raises what `answered` translates."""

    def __init__(self, client: Client, workspace: str, *, delete_timeout_s: float) -> None:
        self.client = client
        self.workspace = workspace
        self._delete_timeout_s = delete_timeout_s

    def pointers_of(self, nodes: Sequence[int]) -> list[Pointer]:
        return [_pointer(row) for row in self._rows(_POINTERS + _OF, nodes)]

    def pointers_to(self, nodes: Sequence[int]) -> list[Pointer]:
        """Rows that name one of these nodes: as owner, in a segment, or as the target of a link that lost."""
        return [_pointer(row) for row in self._rows(_POINTERS + _TO, nodes)]

    def values_of(self, nodes: Iterable[int]) -> list[Named]:
        """What events call these nodes; nothing for one that was only ever a hash."""
        return [Named(*row) for row in self._rows(_VALUES, sorted(nodes))]

    def company_of(self, nodes: Iterable[int]) -> list[Company]:
        """Whoever is mentioned together with one of them."""
        some = sorted(nodes)
        return [Company(dict(ids)) for sql in (_COMPANY, _ALIASED) for (ids,) in self._rows(sql, some)]

    def count(self, table: str, condition: str) -> int:
        """Of what merges make one row, one: however many blocks it came in since its parts were merged."""
        table = f"{table} FINAL" if table in MERGED else table
        return int(self.ask(f"SELECT count() FROM {table} WHERE {condition}")[0][0])  # noqa: S608 - ours

    def holds(self, table: str, condition: str) -> bool:
        """Any row, also one that a newer one has replaced."""
        return bool(self.ask(f"SELECT 1 FROM {table} WHERE {condition} LIMIT 1"))  # noqa: S608 - ours

    def ask(self, sql: str, **parameters: Any) -> list[Any]:
        """Only parameters that the statement names are sent: the client would put others into the text itself."""
        given = {"workspace": self.workspace} | parameters
        asked = {name: value for name, value in given.items() if f"{{{name}:" in sql}
        return list(self.client.query(sql, parameters=asked or None).result_rows)

    def delete(self, table: str, condition: str) -> None:
        """Returns when the rows are gone. Raises NotDeleted."""
        self.client.command(f"ALTER TABLE {table} DELETE WHERE {condition}")
        self._await_mutations(table)

    def _await_mutations(self, table: str) -> None:
        end = time.monotonic() + self._delete_timeout_s
        unfinished = (
            "SELECT max(latest_fail_reason) FROM system.mutations "
            "WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done HAVING count() > 0"
        )
        while rows := self.ask(unfinished, table=table):
            if time.monotonic() > end:
                raise NotDeleted(
                    f"{table}: ClickHouse has not finished deleting within {self._delete_timeout_s} s "
                    f"(ORDER_DELETE_TIMEOUT_S; see system.mutations) {rows[0][0]}: run the same command again"
                )
            time.sleep(POLL_S)

    def _rows(self, sql: str, nodes: Sequence[int]) -> Iterator[Any]:
        for some in cut(nodes):
            yield from self.ask(sql.replace("NODES", numbers(some)))


def numbers(nodes: Iterable[int]) -> str:
    return ", ".join(str(int(node)) for node in nodes)


def within(erasures: Iterable[Erase], subject: str = "subject") -> list[str]:
    """Conditions that together hold for every row that one of these erases; several, where one would be too long."""
    nodes: dict[tuple[int, int], list[int]] = {}
    for erase in erasures:
        nodes.setdefault((erase.since, erase.until), []).append(erase.node)
    return [
        f"({subject} IN ({numbers(some)}) AND toUnixTimestamp64Milli(timestamp) BETWEEN {since:d} AND {until:d})"
        for (since, until), found in sorted(nodes.items())
        for some in cut(sorted(found))
    ]


def cut(items: Sequence[T], at_most: int = NODES_PER_STATEMENT_MAX) -> Iterator[Sequence[T]]:
    """In so many that a statement can name."""
    for start in range(0, len(items), at_most):
        yield items[start : start + at_most]


def _pointer(row: Sequence[Any]) -> Pointer:
    node, owner, segments, conflicts = row
    cuts = tuple(Segment(since, until, of) for since, until, of in segments)
    return Pointer(node=node, owner=owner, segments=cuts, conflicts=tuple(conflicts))


@contextmanager
def answered() -> Iterator[None]:
    """Raises NoAnswer for whatever the client raises."""
    try:
        yield
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error
