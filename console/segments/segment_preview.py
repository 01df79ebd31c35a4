"""What a segment would be: how many profiles, some of them, and what the question cost ClickHouse.

Exact where that fits into a time limit. Where it does not, a sample of *profiles* is asked whole (never a sample of events,
which would cut people in pieces), and the size is an estimate with the interval in which it lies 95 times of 100.
"""

from collections.abc import Iterator
from math import ceil, floor, sqrt
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from console.segments.segment_compiler import compile_members
from console.segments.segment_query import TIMEOUT_EXCEEDED, WHOLE, Limits, Part, around, code_of, in_parts
from console.segments.segment_scope import Scope
from console.segments.segment_skipped import measures, skipped_query
from schemas.segments.segment_tree import Inlined

SHOWN_MAX = 10
SAMPLE_PARTS = 64  # a sample is the profiles of one part of so many
DEVIATIONS = 1.96  # 95 of 100

COUNT_SQL = "SELECT count() AS size, groupArraySorted({shown:UInt8})((intHash64(profile), profile)) AS some FROM MEMBERS"


class Cost(msgspec.Struct, frozen=True):
    """What ClickHouse says it read, and how long that took."""

    rows: int = 0
    bytes: int = 0
    seconds: float = 0.0

    def plus(self, other: "Cost") -> "Cost":
        return Cost(self.rows + other.rows, self.bytes + other.bytes, self.seconds + other.seconds)


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """`low` and `high` are `size` where it is exact. `some`: profile ids, the same ones each time. `skipped`: by the path of
    a measure how many values were no numbers, or amounts that no rate converts."""

    size: int
    low: int
    high: int
    is_exact: bool
    some: list[str]
    parts: int
    cost: Cost
    skipped: dict[str, int] = {}


class _Counted(msgspec.Struct, frozen=True):
    size: int
    some: list[tuple[int, int]]
    cost: Cost


def preview(client: Client, wanted: Inlined, at_ms: int, scope: Scope, limits: Limits) -> Preview:
    """Raises ClickHouseError."""
    unlimited = msgspec.structs.replace(limits, seconds_max=0)
    try:
        found = _exact(list(_counted(client, wanted, at_ms, scope, limits, WHOLE)))
    except ClickHouseError as error:
        if code_of(error) != TIMEOUT_EXCEEDED:
            raise
        found = _estimated(list(_counted(client, wanted, at_ms, scope, unlimited, (0, SAMPLE_PARTS))))
        scope = msgspec.structs.replace(scope, part=(0, SAMPLE_PARTS))
    return msgspec.structs.replace(found, skipped=_skipped(client, wanted, at_ms, scope, unlimited))


def _skipped(client: Client, wanted: Inlined, at_ms: int, scope: Scope, limits: Limits) -> dict[str, int]:
    """Of an estimate: in the sample."""
    query = skipped_query(wanted, at_ms, scope)
    if query is None:
        return {}
    found = client.query(query.sql, parameters=query.parameters, settings=limits.settings).result_rows[0][0]
    counts: dict[str, int] = {}
    for (_, _, path), count in zip(measures(wanted), found, strict=True):
        counts[path] = counts.get(path, 0) + count
    return {path: count for path, count in counts.items() if count}


def _counted(  # noqa: PLR0913
    client: Client, wanted: Inlined, at_ms: int, scope: Scope, limits: Limits, part: Part
) -> Iterator[_Counted]:
    def ask(part: Part) -> _Counted:
        query = compile_members([wanted], at_ms, msgspec.structs.replace(scope, part=part))
        asked = around(COUNT_SQL, query, limits.settings)
        parameters = query.parameters | {"shown": SHOWN_MAX}
        answer = client.raw_query(asked.sql, parameters=parameters, settings=asked.settings, fmt="JSON")
        return _read(msgspec.json.decode(answer))

    return in_parts(ask, limits.parts_max * part[1], part)


def _read(answer: dict[str, Any]) -> _Counted:
    row, said = answer["data"][0], answer["statistics"]
    some = [(int(place), int(profile)) for place, profile in row["some"]]
    return _Counted(int(row["size"]), some, Cost(said["rows_read"], said["bytes_read"], said["elapsed"]))


def _exact(parts: list[_Counted]) -> Preview:
    size = sum(each.size for each in parts)
    return _told(parts, size, (size, size), is_exact=True)


def _estimated(parts: list[_Counted]) -> Preview:
    """Of a sample of one in SAMPLE_PARTS: the count is a Poisson variable, whose root has a deviation of a half, nearly."""
    found = sum(each.size for each in parts)
    low = max(0, sqrt(found) - DEVIATIONS / 2) ** 2
    high = (sqrt(found + 1) + DEVIATIONS / 2) ** 2
    ends = (max(found, floor(low * SAMPLE_PARTS)), ceil(high * SAMPLE_PARTS))
    return _told(parts, found * SAMPLE_PARTS, ends, is_exact=False)


def _told(parts: list[_Counted], size: int, ends: tuple[int, int], *, is_exact: bool) -> Preview:
    cost = Cost()
    for each in parts:
        cost = cost.plus(each.cost)
    some = sorted(pair for each in parts for pair in each.some)[:SHOWN_MAX]
    return Preview(
        size=size,
        low=ends[0],
        high=ends[1],
        is_exact=is_exact,
        some=[f"{profile:016x}" for _, profile in some],
        parts=len(parts),
        cost=cost,
    )
