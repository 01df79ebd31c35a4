"""Why one profile is in a segment or not, and when that changes if nothing happens: ClickHouse is asked what segment_why.py and
segment_next.py write. Each query is about one person.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from console.segments.segment_compiler import compile_members
from console.segments.segment_next import candidates, dates_query, times_query
from console.segments.segment_query import Limits
from console.segments.segment_scope import Scope
from console.segments.segment_why import (
    Verdict,
    behind,
    events_query,
    keyed,
    traits_query,
    tree,
    verdicts_query,
)
from schemas.segments.segment_sql import Query
from schemas.segments.segment_tree import Inlined, leaves

MOMENTS_MAX = 60  # candidates at which the segment is worked out, the nearest ones


class Change(msgspec.Struct, frozen=True):
    """What becomes of it, and when."""

    at_ms: int
    is_member: bool


class Explanation(msgspec.Struct, frozen=True, kw_only=True):
    """`next_change` None: none that time alone brings within the moments that were looked at (`moments`)."""

    profile: int
    at_ms: int
    is_member: bool
    why: Verdict
    moments: int = 0
    next_change: Change | None = None


class Explainer:
    """One person, one segment. `subjects`: the nodes that the person's rows are stored under, contested devices too."""

    def __init__(self, client: Client, wanted: Inlined, profile: int, scope: Scope, limits: Limits) -> None:
        self._client = client
        self._wanted = wanted
        self._profile = profile
        self._scope = msgspec.structs.replace(scope, profiles=f"SELECT toUInt64({profile})")
        self._settings = limits.settings

    def explain(self, at_ms: int) -> Explanation:
        """Raises ClickHouseError."""
        why = self._why(at_ms)
        moments = self._moments(at_ms) if self._scope.known_at_ms is None else []
        return Explanation(
            profile=self._profile,
            at_ms=at_ms,
            is_member=why.is_met,
            why=why,
            moments=len(moments),
            next_change=self._next(moments, why.is_met),
        )

    def _why(self, at_ms: int) -> Verdict:
        keys = [key for key, _ in keyed(self._wanted)]
        rows = self._rows(verdicts_query(self._wanted, at_ms, self._scope))
        said = rows[0][0] if rows else [0] * len(keys)
        events = self._row(events_query(self._wanted, at_ms, self._scope))
        told = self._rows(traits_query(self._wanted, at_ms, self._scope))
        known = behind(self._wanted, events[0] if events else [], dict(told))
        return tree(self._wanted, {key: bool(met) for key, met in zip(keys, said, strict=True)}, known)

    def _moments(self, at_ms: int) -> list[int]:
        found: set[int] = set()
        times = self._row(times_query(self._wanted, at_ms, self._scope))
        for leaf, moments in zip(leaves(self._wanted), times[0], strict=True):
            found.update(candidates(leaf, moments, at_ms))
            dated = self._row(dates_query(leaf, at_ms, self._scope))
            found.update(candidates(leaf, dated[0] if dated else [], at_ms))
        return sorted(found)[:MOMENTS_MAX]

    def _next(self, moments: Sequence[int], is_member: bool) -> Change | None:
        for moment in moments:
            found = bool(self._rows(compile_members([self._wanted], moment, self._scope)))
            if found != is_member:
                return Change(moment, found)
        return None

    def _rows(self, query: Query | None) -> Sequence[Any]:
        if query is None:
            return []
        return self._client.query(query.sql, parameters=query.parameters, settings=self._settings).result_rows

    def _row(self, query: Query | None) -> Sequence[Any]:
        rows = self._rows(query)
        return rows[0] if rows else []
