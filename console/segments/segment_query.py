"""Segments' queries sent to ClickHouse: within a limit of memory, and past it the same question in parts.

A part is the profiles whose hash leaves i of n: every row of a person is in one part, so each part's answer is complete. A
part that is still too large is halved. Deliberately absent: SQL (segment_compiler.py), and the connection, which is the
caller's.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from console.segments.segment_compiler import compile_members
from console.segments.segment_scope import Scope
from schemas.segments.segment_sql import Query
from schemas.segments.segment_tree import Inlined

T = TypeVar("T")
Part = tuple[int, int]

MEMORY_LIMIT_EXCEEDED = 241
TIMEOUT_EXCEEDED = 159
WHOLE: Part = (0, 1)

_CODE = re.compile(r"\bCode: (\d+)")


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`seconds_max` 0: as long as it takes."""

    memory_bytes_max: int = 2_000_000_000
    parts_max: int = 64
    seconds_max: float = 0

    @property
    def settings(self) -> dict[str, int | str]:
        found: dict[str, int | str] = {"max_memory_usage": self.memory_bytes_max}
        return found | {"max_execution_time": str(self.seconds_max)} if self.seconds_max else found


def ask_members(
    client: Client, wanted: Sequence[Inlined], at_ms: int, scope: Scope, limits: Limits | None = None
) -> Iterator[tuple[int, list[int]]]:
    """Each profile that is in at least one, with the places in `wanted` of those. Raises ClickHouseError."""
    limited = limits or Limits()

    def ask(part: Part) -> list[tuple[int, list[int]]]:
        query = compile_members(wanted, at_ms, msgspec.structs.replace(scope, part=part))
        found = client.query(query.sql, parameters=query.parameters, settings=limited.settings)
        return [(profile, members) for profile, members in found.result_rows]

    for rows in in_parts(ask, limited.parts_max, scope.part):
        yield from rows


def in_parts(ask: Callable[[Part], T], parts_max: int, part: Part = WHOLE) -> Iterator[T]:
    """The answers of all parts. Raises what `ask` raises, want of memory too where a part is the smallest allowed."""
    rest, parts = part
    try:
        answer = ask(part)
    except ClickHouseError as error:
        if code_of(error) != MEMORY_LIMIT_EXCEEDED or parts * 2 > parts_max:
            raise
    else:
        yield answer
        return
    for half in (rest, rest + parts):
        yield from in_parts(ask, parts_max, (half, parts * 2))


def code_of(error: Exception) -> int:
    """ClickHouse's own number of an error, 0 for others."""
    stated = _CODE.search(str(error))
    return getattr(error, "code", None) or (int(stated[1]) if stated else 0)


def around(outer: str, query: Query, settings: dict[str, int | str]) -> Query:
    """A query over the rows of another one; MEMBERS is where that one stands."""
    return Query(outer.replace("MEMBERS", f"(\n{query.sql})"), query.parameters, settings)
