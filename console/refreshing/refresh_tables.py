"""ClickHouse's edge of a refresh: each method is one statement or a few, and returns what it found. Decides nothing.

Every method raises ClickHouse's own errors, urllib3's and OSError.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from clickhouse_connect.driver.client import Client

from console.refreshing import refresh_sql as sql
from console.refreshing.membership import Change
from console.refreshing.refresh_plan import LIST, RATES, Attempt, Base, Key, Part, Standing
from schemas.segments.segment_sql import Query

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RUN_COLUMNS = (
    *("run", "attempt", "step", "is_full", "instant", "stored", "lists", "period_s", "people", "touched"),
    *("full_at", "results", "error", "written_at"),
)
FORGOTTEN_PER_STATEMENT_MAX = 500
WAITED_FOR = {"mutations_sync": 1}
BEGUN, SEALED, PUBLISHED, FAILED = "begun", "sealed", "published", "failed"

_BASE = """\
SELECT run, toUnixTimestamp64Milli(instant), stored, lists, toUnixTimestamp64Milli(full_at),
    arrayMap(each -> (each.1, each.2, each.3, each.4, each.8, toUnixTimestamp64Milli(each.9)), results)
FROM segment_runs
WHERE step = 'sealed' AND (run, attempt) NOT IN (SELECT run, attempt FROM segment_void_attempts)
ORDER BY run DESC LIMIT 1"""
_IS_SEALED = """\
SELECT count() > 0 FROM segment_runs
WHERE run = {run:UInt64} AND attempt = {attempt:UInt32} AND step = 'sealed'"""
_VERSIONS = """\
SELECT workspace, segment,
    argMax(versions.version, updated_at), argMax(versions.definition, updated_at), argMax(is_deleted, updated_at)
FROM segment_versions AS versions GROUP BY workspace, segment"""
_FINGERPRINTS = f"""\
SELECT concat('{LIST}', workspace, '/', list), max(version) FROM lists GROUP BY workspace, list
UNION ALL
SELECT '{RATES}', sum(cityHash64(date, base, currency, toString(rate))) FROM exchange_rates FINAL"""


class Found(msgspec.Struct, frozen=True):
    """How many people there are, and how many of them were touched."""

    people: int
    touched: int


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One row of segment_runs."""

    attempt: Attempt
    step: str
    now_ms: int
    period_s: int
    found: Found = Found(0, 0)
    full_ms: int = 0
    lists: Mapping[str, int] = {}
    standings: Mapping[Key, Standing] = {}
    error: str = ""


class RefreshTables:
    def __init__(self, client: Client, database: str) -> None:
        self._client = client
        self.database = database

    def base(self) -> Base:
        rows = self._client.query(_BASE).result_rows
        if not rows:
            return Base()
        run, instant_ms, stored, lists, full_ms, results = rows[0]
        standings = {
            (workspace, name): Standing(version, members, error, good_ms)
            for workspace, name, version, members, error, good_ms in results
        }
        return Base(run, instant_ms, dict(stored), dict(lists), standings, full_ms)

    def is_sealed(self, attempt: Attempt) -> bool:
        asked = {"run": attempt.run, "attempt": attempt.attempt}
        return bool(self._client.query(_IS_SEALED, parameters=asked).result_rows[0][0])

    def write(self, step: Step) -> None:
        attempt = step.attempt
        results = [
            (
                workspace,
                name,
                each.version,
                each.members,
                each.entered,
                each.gone,
                each.drift,
                each.error,
                _moment(each.good_ms),
            )
            for (workspace, name), each in sorted(step.standings.items())
        ]
        row = [
            *(attempt.run, attempt.attempt, step.step, int(attempt.is_full), _moment(attempt.instant_ms)),
            *(attempt.stored, dict(step.lists), step.period_s, step.found.people, step.found.touched),
            *(_moment(step.full_ms), results, step.error, _moment(step.now_ms)),
        ]
        self._client.insert("segment_runs", [row], column_names=RUN_COLUMNS)

    def fingerprints(self) -> dict[str, int]:
        """Of what segments read beside people: each list, and the exchange rates."""
        rows: Any = self._client.query(_FINGERPRINTS).result_rows
        return dict(rows)

    def versions(self) -> dict[Key, tuple[str, str]]:
        """Version and definition of what is not deleted, as written down last."""
        rows = self._client.query(_VERSIONS).result_rows
        return {(row[0], row[1]): (row[2], row[3]) for row in rows if not row[4]}

    def write_versions(self, rows: Iterable[tuple[Key, str, str, bool]], now_ms: int) -> None:
        written = [
            [*key, version, definition, int(is_deleted), _moment(now_ms)]
            for key, version, definition, is_deleted in rows
        ]
        columns = ("workspace", "segment", "version", "definition", "is_deleted", "updated_at")
        if written:
            self._client.insert("segment_versions", written, column_names=columns)

    def touch(self, attempt: Attempt, base: Base, *, with_groups: bool) -> None:
        """Everybody whom something could have moved since the base; at the first run nobody is asked for."""
        self._do(attempt, sql.owners(self.database))
        if base.run:
            self._do(attempt, sql.of_changed_owners(self.database), {"refresh_since": base.instant_ms})
            self._do(attempt, sql.forgotten())
            self._touch_events(attempt, base, with_groups=with_groups)

    def touch_edges(self, attempt: Attempt, queries: Iterable[Query]) -> None:
        """Queries that give `profile`, `segment` and `effective`."""
        for query in queries:
            self._do(attempt, sql.touch("time", query.sql, "segment"), query.parameters, query.settings)

    def touch_again(self, attempt: Attempt, base: Base, *, with_groups: bool) -> None:
        """Who was touched while the run was looking: what it found of them is no mistake of an earlier run."""
        self._touch_events(attempt, base, with_groups=with_groups)
        self._do(attempt, sql.of_owners_since(self.database))

    def found(self, attempt: Attempt) -> Found:
        people, touched = self._ask(attempt, sql.PEOPLE)[0]
        return Found(people, touched)

    def write_subjects(self, attempt: Attempt) -> None:
        self._do(attempt, sql.subjects(self.database))

    def write_changes(self, attempt: Attempt, part: Part, members: Query | None) -> None:
        text = sql.NOBODY if members is None else members.sql
        statement = sql.changes(self.database, text, is_full=part.is_full)
        given: dict[str, Any] = {} if members is None else dict(members.parameters)
        self._do(attempt, statement, given | _of_part(part), {} if members is None else members.settings)

    def probe(self, attempt: Attempt, members: Query) -> None:
        """Ask, and throw the answer away."""
        question = f"SELECT count() FROM ({members.sql})"
        self._client.query(question, parameters=members.parameters, settings=dict(members.settings))

    def untouched(self, attempt: Attempt, part: Part, members: Query) -> list[tuple[str, int]]:
        """(segment, profile) of memberships that are others than they were sealed, without a reason. Writes nothing."""
        question = sql.untouched(self.database, members.sql)
        return self._ask(attempt, question, {**members.parameters, **_of_part(part)}, members.settings)

    def touched_of(self, attempt: Attempt, profiles: Sequence[int]) -> set[int]:
        rows = self._ask(attempt, sql.TOUCHED_OF, {"refresh_profiles": list(profiles)}) if profiles else []
        return {profile for (profile,) in rows}

    def counts(self, attempt: Attempt, part: Part) -> dict[str, tuple[int, int, int]]:
        """By segment who entered, who left, and who of both was not touched."""
        rows = self._ask(attempt, sql.COUNTS, _of_part(part))
        return {segment: (entered, left, untouched) for segment, entered, left, untouched in rows}

    def untold(self, attempt: Attempt) -> Iterator[Change]:
        """The changes of a sealed attempt, in one order."""
        given = _params(attempt)
        with self._client.query_rows_stream(sql.UNTOLD, parameters=given) as rows:
            for row in rows:
                yield Change(*row)

    def forget_history(self, attempt: Attempt) -> None:
        """Of those whose forgetting this run told of. May be done twice."""
        told = self._ask(attempt, sql.FORGOTTEN)
        for start in range(0, len(told), FORGOTTEN_PER_STATEMENT_MAX):
            some = told[start : start + FORGOTTEN_PER_STATEMENT_MAX]
            last = self._ask(attempt, sql.LAST_OF, {"refresh_profiles": [profile for profile, _ in some]})
            if last:
                self._client.command(sql.forget_history(last), settings=WAITED_FOR)
            self._client.command(sql.forgetting_told(some), settings=WAITED_FOR)

    def _touch_events(self, attempt: Attempt, base: Base, *, with_groups: bool) -> None:
        places = sorted(base.stored)
        given = {
            "refresh_partitions": places or [0],
            "refresh_offsets": [base.stored[place] for place in places] or [0],
            "refresh_since": base.instant_ms,
        }
        self._do(attempt, sql.arrived(self.database), given)
        self._do(attempt, sql.passed(self.database), given)
        if with_groups:
            self._do(attempt, sql.of_groups(self.database), given)

    def _do(
        self,
        attempt: Attempt,
        statement: str,
        given: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._client.command(
            statement, parameters={**(given or {}), **_params(attempt)}, settings=dict(settings or {})
        )

    def _ask(
        self,
        attempt: Attempt,
        question: str,
        given: Mapping[str, Any] | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> list[Any]:
        asked = {**(given or {}), **_params(attempt)}
        return list(self._client.query(question, parameters=asked, settings=dict(settings or {})).result_rows)


def _params(attempt: Attempt) -> dict[str, Any]:
    return {
        "refresh_run": attempt.run,
        "refresh_attempt": attempt.attempt,
        "refresh_instant": attempt.instant_ms,
    }


def _of_part(part: Part) -> dict[str, Any]:
    return {
        "workspace": part.workspace,
        "refresh_names": list(part.names),
        "refresh_versions": list(part.versions),
        "refresh_whys": list(part.whys),
    }


def _moment(ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=ms)
