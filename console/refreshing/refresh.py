"""One refresh of every segment: what was cut off before is finished first, then a run of now, and each of its changes is told
once.

    claim      `segments.runs`: nobody else works at this run                              (Kafka, committed)
    begun      `segment_runs`: T and K, for whoever asks
    touched    whom something could have moved since the last run, and all subjects of them
    changes    one pass over the events for all segments; what differs from who is a member
    sealed     `segment_runs`: from here on the changes are read
    told       `segments.membership`, and that the run is done                             (Kafka, one transaction)
    published  `segment_runs`: for whoever asks

A crash between any two leaves a claim that the next start finds. Before the seal nothing that was written is ever read; behind it
exactly what was sealed is told. Decisions are refresh_plan.py's, statements refresh_sql.py's.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from clickhouse_connect.driver.exceptions import DatabaseError

from console.refreshing import refresh_plan as plan
from console.refreshing.refresh_edges import edge_queries
from console.refreshing.refresh_log import RunLog
from console.refreshing.refresh_plan import Again, Attempt, Base, Defined, Key, Part, Standing, Tell
from console.refreshing.refresh_sql import SUBJECTS, TOUCHED
from console.refreshing.refresh_tables import BEGUN, FAILED, PUBLISHED, SEALED, RefreshTables, Step
from console.segments.segment_compiler import Scope, compile_members
from schemas.segments.segment_sql import Query

log = structlog.get_logger()

ERROR_CHARS_MAX = 2_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings say of a refresh."""

    period_s: int = 60
    full_hour: int = 3
    full_share_max: float = 0.2


class Tools(msgspec.Struct, frozen=True):
    """`stored` says K: by partition of events.raw the offset below which everything is in the tables; None: nobody knows now."""

    tables: RefreshTables
    log: RunLog
    stored: Callable[[], Mapping[int, int] | None]
    rules: Rules = Rules()


class Report(msgspec.Struct, frozen=True):
    """What a run did. `told`: how many changes, of earlier runs included."""

    run: int = 0
    is_full: bool = False
    told: int = 0
    people: int = 0
    touched: int = 0
    standings: dict[Key, Standing] = {}

    @property
    def drift(self) -> int:
        return sum(each.drift for each in self.standings.values())


class _NotMeasured(Exception):
    """The statement of these segments failed; what it had written by then belongs to an attempt that is not sealed."""

    def __init__(self, part: Part, error: str) -> None:
        super().__init__(error)
        self.part = part


class _Work(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt goes by. `broken` says why a segment is left out; `is_apart`: each segment in a pass of its own."""

    attempt: Attempt
    base: Base
    defined: Mapping[Key, Defined]
    broken: Mapping[Key, str] = {}
    is_apart: bool = False


def run_once(tools: Tools, defined: Mapping[Key, Defined], now_ms: int, *, is_full: bool = False) -> Report:
    """Finish what was begun, then refresh as of now. Raises Fenced, and what Kafka and ClickHouse raise."""
    told = 0
    while True:
        claimed, done = tools.log.read()
        is_sealed = claimed is not None and claimed.run > done and tools.tables.is_sealed(claimed)
        step = plan.next_step(claimed, done, is_sealed)
        base = tools.tables.base()
        if isinstance(step, Tell):
            told += _tell(tools, step.attempt, now_ms)
        elif isinstance(step, Again):
            log.info("refresh begun again", run=step.attempt.run, attempt=step.attempt.attempt)
            told += _run(tools, step.attempt, defined, now_ms).told
        elif not defined and not base.standings:
            return Report(told=told)
        else:
            report = _run(tools, _fresh(tools, step.run, base, now_ms, is_full=is_full), defined, now_ms)
            return msgspec.structs.replace(report, told=report.told + told)


def note_edited(
    tables: RefreshTables, defined: Mapping[Key, Defined], definitions: Mapping[Key, str], now_ms: int
) -> None:
    """Write down which definitions are others than at the last time; `definitions` are as `control` has them."""
    tables.write_versions(plan.edited(defined, definitions, tables.versions()), now_ms)


def _fresh(tools: Tools, run: int, base: Base, now_ms: int, *, is_full: bool) -> Attempt:
    stored = tools.stored()
    if stored is None:
        log.warning("refresh goes on from an earlier mark: the events' sink is behind")
    return Attempt(
        run=run,
        attempt=1,
        instant_ms=max(now_ms, base.instant_ms),
        stored=dict(base.stored if stored is None else stored),
        is_full=is_full or plan.wants_everybody(base, now_ms, tools.rules.full_hour),
    )


def _run(tools: Tools, attempt: Attempt, defined: Mapping[Key, Defined], now_ms: int) -> Report:
    """Where the statement of several segments fails, the next attempt leaves out those that fail alone."""
    work = _Work(attempt=attempt, base=tools.tables.base(), defined=defined)
    tools.log.claim(attempt)
    _write(tools, attempt, BEGUN, now_ms)
    try:
        try:
            report = _attempt(tools, work, now_ms)
        except _NotMeasured as failure:
            log.error("segments could not be worked out", segments=failure.part.names, error=str(failure))
            work = _without_broken(tools, work)
            tools.log.claim(work.attempt)
            _write(tools, work.attempt, BEGUN, now_ms)
            report = _attempt(tools, work, now_ms)
    except (_NotMeasured, DatabaseError) as failure:
        _write(tools, work.attempt, FAILED, now_ms, error=str(failure)[:ERROR_CHARS_MAX])
        raise
    return msgspec.structs.replace(report, told=_tell(tools, work.attempt, now_ms))


def _attempt(tools: Tools, work: _Work, now_ms: int) -> Report:
    """From what was touched to the seal."""
    attempt, base, tables = work.attempt, work.base, tools.tables
    known = {key: each for key, each in work.defined.items() if key not in work.broken}
    with_groups = bool(plan.uses(known, "group"))
    tables.touch(attempt, base, with_groups=with_groups)
    for part in plan.parts(known, base, is_full=False):
        if base.run and not part.is_full:
            span = (base.instant_ms, attempt.instant_ms)
            tables.touch_edges(attempt, edge_queries(part.wanted, tables.database, part.workspace, span))
    prints = tables.fingerprints()
    if missing := plan.not_loaded(known, prints):
        log.warning("segments name lists that are not there: nobody is on them", lists=missing)
    stale = plan.outdated(known, base.lists, prints) if base.run else set()
    found = tables.found(attempt)
    is_full = attempt.is_full or plan.is_too_many(found.touched, found.people, tools.rules.full_share_max)
    parts = plan.parts(known, base, is_full=is_full, stale=stale)
    if any(not part.is_full for part in parts):
        tables.write_subjects(attempt)
    standings = _standings(tables, work, [*parts, *plan.gone(work.defined, base)], with_groups=with_groups)
    full_ms = attempt.instant_ms if is_full else base.full_ms
    tables.write(
        Step(
            attempt=attempt,
            step=SEALED,
            now_ms=now_ms,
            period_s=tools.rules.period_s,
            found=found,
            full_ms=full_ms,
            lists=prints,
            standings=standings,
        )
    )
    return Report(attempt.run, is_full, 0, found.people, found.touched, standings)


def _standings(
    tables: RefreshTables, work: _Work, parts: Sequence[Part], *, with_groups: bool
) -> dict[Key, Standing]:
    attempt, base = work.attempt, work.base
    for part in parts:
        for piece in _pieces(part, is_apart=work.is_apart):
            _write_changes(tables, attempt, piece)
    if base.run and any(part.is_full and part.wanted for part in parts):
        tables.touch_again(attempt, base, with_groups=with_groups)
    found = {key: plan.failed(base.standings.get(key), error) for key, error in _broken(work).items()}
    for part in parts:
        counts = tables.counts(attempt, part) if part.wanted else {}
        for place, name in enumerate(part.names if part.wanted else ()):
            key = (part.workspace, name)
            counted = counts.get(name, (0, 0, 0))
            found[key] = plan.standing(base.standings.get(key), part, place, counted, attempt.instant_ms)
    return found


def _broken(work: _Work) -> dict[Key, str]:
    unreadable = {key: each.error for key, each in work.defined.items() if each.found is None}
    return {**unreadable, **work.broken}


def _pieces(part: Part, *, is_apart: bool) -> list[Part]:
    return [part.alone(place) for place in range(len(part.names))] if is_apart and part.wanted else [part]


def _write_changes(tables: RefreshTables, attempt: Attempt, part: Part) -> None:
    try:
        tables.write_changes(attempt, part, members_query(part, attempt) if part.wanted else None)
    except DatabaseError as error:
        raise _NotMeasured(part, str(error)) from error


def _without_broken(tools: Tools, work: _Work) -> _Work:
    """The next attempt: each segment is tried alone, and nothing written; where none fails alone, each gets a pass of its own."""
    broken = {}
    for part in plan.parts(work.defined, work.base, is_full=True):
        for piece in _pieces(part, is_apart=True):
            try:
                tools.tables.probe(work.attempt, members_query(piece, work.attempt))
            except DatabaseError as error:
                broken[part.workspace, piece.names[0]] = str(error)[:ERROR_CHARS_MAX]
    attempt = msgspec.structs.replace(work.attempt, attempt=work.attempt.attempt + 1)
    return msgspec.structs.replace(work, attempt=attempt, broken=broken, is_apart=not broken)


def _tell(tools: Tools, attempt: Attempt, now_ms: int) -> int:
    told = tools.log.tell(attempt, tools.tables.untold(attempt))
    _write(tools, attempt, PUBLISHED, now_ms)
    tools.tables.forget_history(attempt)
    return told


def members_query(part: Part, attempt: Attempt) -> Query:
    is_scoped = not part.is_full
    scope = Scope(
        workspace=part.workspace,
        subjects=SUBJECTS if is_scoped else "",
        profiles=TOUCHED if is_scoped else "",
    )
    return compile_members(part.wanted, attempt.instant_ms, scope)


def _write(tools: Tools, attempt: Attempt, step: str, now_ms: int, error: str = "") -> None:
    tools.tables.write(
        Step(attempt=attempt, step=step, now_ms=now_ms, period_s=tools.rules.period_s, error=error)
    )
