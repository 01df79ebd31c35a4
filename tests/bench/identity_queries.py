"""What the mapping of events to people costs a query, and how soon a merge shows in one.

Queries: five million events of half a million subjects, a fifth of them linked and some devices contested; the best of
several runs each, on the embedded engine.
Merges: a million linked ids in the tables, then ten; a pointer goes onto the topic, and the pointers' sink, as shipped, brings
it in. Dictionaries of ten million ids take some gigabytes while they are loaded.
"""

import os
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import msgspec
import psutil

from runtime.environment.settings import SinkSettings
from sinks.migrating.functions import function_name
from sinks.storing.tables import DICTIONARIES
from tests import engines
from tests.bench.figures import Figure
from tests.bench.meter import cpu_s
from tests.sinks.stage import Stage, Tables, Topics, pointer

EVENTS = 5_000_000
SUBJECTS = 500_000
LINKED = 100_000
CONTESTED = 2_000
RUNS = 5
REPEATS = 3  # processes count their CPU in hundredths
LINKS = (1_000_000, 10_000_000)
MERGES = 3
PARTITIONS = 4
VISIBLE_S = 240.0
ROOT = 1 << 62  # owners: numbers that no subject has
TARGETS = {1_000_000: 15.0}

EVENTS_SQL = """\
INSERT INTO events (workspace, message_id, type, event, timestamp, received_at, subject)
SELECT 'main', toString(number), 'track', ['Viewed', 'Added', 'Ordered'][number % 3 + 1],
       toDateTime64('2026-01-01', 3, 'UTC') + number % 7776000, now64(3), number * 7919 % {subjects} + 1
FROM numbers({events})"""
LINKED_SQL = """\
INSERT INTO pointers_in (workspace, node, owner, version, updated_at)
SELECT 'main', number * 5 + 1, {root} + intDiv(number, 2), 1, now64(3) FROM numbers({linked})"""
CONTESTED_SQL = """\
INSERT INTO pointers_in (workspace, node, owner, segments, version, updated_at)
SELECT 'main', number * 5 + 2, number * 5 + 2,
       [(toDateTime64(0, 3, 'UTC'), toDateTime64('2026-02-01', 3, 'UTC'), {root} + number),
        (toDateTime64('2026-02-01', 3, 'UTC'), toDateTime64('2100-01-01', 3, 'UTC'), {root} + number + 1)], 1, now64(3)
FROM numbers({contested})"""
LINKS_SQL = """\
INSERT INTO pointers_in (workspace, node, owner, version, updated_at)
SELECT 'main', number + 1, {root} + intDiv(number, 4), 1, now64(3) FROM numbers({first}, {count})"""

ONE_HOP = "dictGetOrDefault('{database}.idr_root', 'root', subject, subject)"
QUERIES = {
    "people, no mapping": "SELECT uniqExact(subject) FROM events",
    "people, one hop": "SELECT uniqExact({one_hop}) FROM events",
    "people, idr_profile": "SELECT uniqExact({function}(subject, timestamp)) FROM events",
    "segment, no mapping": "SELECT count() FROM (SELECT subject AS person FROM events {segment})",
    "segment, one hop": "SELECT count() FROM (SELECT {one_hop} AS person FROM events {segment})",
    "segment, idr_profile": "SELECT count() FROM (SELECT {function}(subject, timestamp) AS person FROM events {segment})",
}
SEGMENT = "GROUP BY person HAVING countIf(event = 'Added') >= 2 AND countIf(event = 'Ordered') = 0"


def fill(tables: Tables, events: int, subjects: int, linked: int, contested: int) -> None:
    sizes = {"events": events, "subjects": subjects, "linked": linked, "contested": contested, "root": ROOT}
    for sql in (EVENTS_SQL, LINKED_SQL, CONTESTED_SQL):
        tables.client.command(sql.format(**sizes))
    tables.reload(DICTIONARIES)


def queries(tables: Tables, runs: int) -> Iterator[Figure]:
    database = tables.settings.database
    places = {
        "one_hop": ONE_HOP.format(database=database),
        "function": function_name(database),
        "segment": SEGMENT,
    }
    took = _best(tables, {name: sql.format(**places) for name, sql in QUERIES.items()}, runs)
    for name, (seconds, spent) in took.items():
        yield _figure(name, seconds, "s")
        yield _figure(f"{name}: CPU", spent, "s")
        base = took[f"{name.split(',')[0]}, no mapping"]
        if base is not took[name]:
            at_most = 2.0 if name.endswith("one hop") else None
            yield _figure(f"{name}: CPU, times the query without", spent / base[1], "", at_most)


def _best(tables: Tables, queries: Mapping[str, str], runs: int) -> dict[str, tuple[float, float]]:
    """Seconds and CPU seconds of each; other work can only make a run longer, and they take turns so that it hits all alike."""
    found: dict[str, list[tuple[float, float]]] = {}
    engine = _engine()
    for _ in range(runs):
        for name, sql in queries.items():
            began, before = time.perf_counter(), cpu_s(engine)
            for _ in range(REPEATS):
                tables.row(sql)
            took = time.perf_counter() - began, cpu_s(engine) - before
            found.setdefault(name, []).append((took[0] / REPEATS, took[1] / REPEATS))
    return {
        name: (min(wall for wall, _ in times), min(cpu for _, cpu in times)) for name, times in found.items()
    }


def _engine() -> psutil.Process:
    """The embedded one: these figures are its own."""
    children = psutil.Process().children()
    return next(child for child in children if "deploy.embedded.clickhouse" in child.cmdline())


def merges(stage: Stage, links: int, count: int) -> Iterator[Figure]:
    """Each merge moves a linked id to another root; they come at no particular moment of the sink's rounds."""
    began = time.perf_counter()
    stage.tables.reload(DICTIONARIES)
    yield _figure(f"{links:,} linked ids: load of the dictionaries", time.perf_counter() - began, "s")
    waits = []
    for number in range(count):
        waits.append(_merge(stage, links // (count + 1) * (number + 1), (1 << 61) + links + number))
        time.sleep(number / count)
    at_most = TARGETS.get(links)
    yield _figure(f"{links:,} linked ids: a merge shows, median", median(waits), "s", at_most)
    yield _figure(f"{links:,} linked ids: a merge shows, longest", max(waits), "s", at_most)


def _merge(stage: Stage, node: int, root: int) -> float:
    """Seconds until a query knows."""
    function = function_name(stage.tables.settings.database)

    def shows() -> bool:
        return stage.tables.row(f"SELECT {function}(toUInt64({node}), now64(3))") == (root,)

    began = time.perf_counter()
    stage.topics.send("identity.pointers", [pointer(node, root, 2)])
    engines.wait_until(shows, VISIBLE_S, "the merge shows")
    return time.perf_counter() - began


def as_shipped() -> dict[str, str]:
    """The sink's own times; a stage of the tests has shorter ones."""
    sink, names = (
        SinkSettings(),
        {field.name: field.encode_name for field in msgspec.structs.fields(SinkSettings)},
    )
    times = ("block_age_ms_max", "busy_age_ms_max", "reload_ms_min", "retry_s_max")
    return {names[time]: str(getattr(sink, time)) for time in times}


@contextmanager
def engine() -> Iterator[tuple[str, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engines.embedded_clickhouse(folder) as url:
            yield url, folder


def run_queries(
    events: int = EVENTS, subjects: int = SUBJECTS, linked: int = LINKED, contested: int = CONTESTED
) -> list[Figure]:
    with engine() as (url, _), ExitStack() as stack:
        tables = _tables(url, stack)
        fill(tables, events, subjects, linked, contested)
        return list(queries(tables, RUNS))


def run_merges(links: tuple[int, ...] = LINKS, count: int = MERGES) -> list[Figure]:
    found: list[Figure] = []
    with engine() as (url, folder), ExitStack() as stack:
        (folder / "kafka").mkdir()
        bootstrap = stack.enter_context(engines.kafka_engine(folder / "kafka", os.environ, lambda text: None))
        tables = _tables(url, stack)
        prefix = f"{tables.settings.database}-"
        stage = Stage(Topics(bootstrap, prefix, PARTITIONS), tables, folder)
        stack.callback(engines.delete_topics, bootstrap, prefix)
        stack.enter_context(stage.sink("pointers", **as_shipped()))
        _merge(stage, 1, 2)  # the sink has started
        first = 0
        for size in links:
            tables.client.command(LINKS_SQL.format(first=first, count=size - first, root=ROOT))
            found += merges(stage, size, count)
            first = size
    return found


def _tables(url: str, stack: ExitStack) -> Tables:
    name = f"b_{uuid.uuid4().hex[:8]}"
    tables = Tables(url, name)
    stack.callback(tables.client.command, f"DROP DATABASE {name}")
    stack.callback(tables.client.command, f"DROP FUNCTION IF EXISTS {function_name(name)}")
    return tables


def _figure(name: str, value: float, unit: str, at_most: float | None = None) -> Figure:
    return Figure(stage="identity", name=name, value=round(value, 3), unit=unit, at_most=at_most)
