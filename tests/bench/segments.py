"""What questions about people cost: segments, one and fifty, beside the plain ways to ask them; their refresh; bytes on disk.

On the ten million events of people.py; what refreshes of before left there goes first. The plain ways ask for the same people,
and must find as many: with a join of the pointers, with FINAL, with properties read from JSON.
"""

import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TypeVar

import yaml
from clickhouse_connect.driver.client import Client

from console.refreshing.refresh import Rules, Tools, note_edited, run_once
from console.refreshing.refresh_log import KafkaRunLog
from console.refreshing.refresh_plan import Key, defined_by
from console.refreshing.refresh_tables import RefreshTables
from console.segments.segment_compiler import compile_members
from console.segments.segment_query import Limits, ask_members
from console.segments.segment_scope import Scope
from runtime.clickhouse import connect
from runtime.environment.settings import KafkaSettings
from runtime.kafka import ensure_topics
from schemas.segments.segment_reading import read_segment
from schemas.segments.segment_tree import Inlined, inlined, key_of
from schemas.segments.segments import Segment
from tests import engines
from tests.bench import people
from tests.bench.figures import Figure

T = TypeVar("T")

RUNS = 5
HOUR_MS = 3_600_000
FIFTY = 50
TYPICAL = """
segment: lapsed-buyers
where:
  all:
    - did:
        event: Order Completed
        window: {last: 90d}
        where: [{any: {path: products, where: [{path: category, op: in, value: [shoes, shirts]}]}}]
    - not: {did: {event: Order Completed, window: {last: 30d}}}
    - trait: {name: plan, op: in, value: [pro, team]}
"""
NAMES = ("Product Viewed", "Product Added", "Order Completed", "Signed Up")
WINDOWS = ("7d", "30d", "60d")
PLANS = ("free", "pro", "team")

_AT = "toDateTime64('2026-10-30', 3, 'UTC')"
_TRAITS = """\
    SELECT
        {person} AS person, 0 AS known, 0 AS bought, 0 AS lately,
        argMax(value, (timestamp, message_id, value)) IN ('"pro"', '"team"') AS is_pro
    FROM traits {joined} WHERE name = 'plan' GROUP BY person"""
_PLAIN = """\
SELECT count() FROM
(
    SELECT person FROM
    (
        SELECT {person} AS person,
            countIf(person != subject OR subject_type NOT IN ('a', 'm')) > 0 AS known,
            countIf({is_shoes}) > 0 AS bought, countIf(timestamp >= AT - INTERVAL 30 DAY) > 0 AS lately, 0 AS is_pro
        FROM events {final} {joined}
        WHERE workspace = 'main' AND event = 'Order Completed'
          AND timestamp >= AT - INTERVAL 90 DAY AND timestamp < AT AND NOT device.is_bot
        GROUP BY person
        UNION ALL
{traits}
    )
    GROUP BY person HAVING max(known) AND max(bought) AND NOT max(lately) AND max(is_pro)
)"""
_LOOKED_UP = (
    "dictGetOrDefault('{database}.idr_root', 'root', "
    "dictGetOrDefault('{database}.idr_segment', 'owner', subject, toUnixTimestamp64Milli(timestamp), subject) AS held, held)"
)
_JOINED = """\
LEFT JOIN (SELECT node, owner, segments FROM identity_pointers FINAL) AS pointer ON pointer.node = subject"""
_BY_JOIN = """\
multiIf(
    notEmpty(segments), arrayFirst(s -> s.valid_from <= timestamp AND timestamp < s.valid_to, segments).owner,
    pointer.node != 0, pointer.owner,
    subject)"""
_TYPED = "hasAny(items.category, ['shoes', 'shirts'])"
_JSON = """\
arrayExists(
    each -> JSONExtractString(each, 'category') IN ('shoes', 'shirts'),
    JSONExtractArrayRaw(toJSONString(properties), 'products'))"""
_SIZES = """\
SELECT sum(bytes_on_disk) / sumIf(rows, table = 'events'), sumIf(bytes_on_disk, table = 'events') / sumIf(rows, table = 'events')
FROM system.parts WHERE active AND database = currentDatabase()"""
_OF_REFRESHES = (
    "segment_runs", "segment_changes", "segment_versions", "segment_owners", "segment_touched", "segment_subjects",
    "segment_forgotten",
)  # fmt: skip
_HOW_MANY = "SELECT count() FROM (\nMEMBERS)"
_HOW_MANY_EACH = "SELECT arrayJoin(members) AS place, count() FROM (\nMEMBERS) GROUP BY place ORDER BY place"


def typical() -> Inlined:
    return inlined(read_segment(yaml.safe_load(TYPICAL)), {})


def fifty() -> list[Segment]:
    """Of three leaves each, as a team has them: the same few events, windows and traits, over and over."""
    return [
        read_segment(
            {
                "segment": f"s{number}",
                "where": {
                    "all": [
                        {
                            "did": {
                                "event": NAMES[number % 4],
                                "window": {"last": WINDOWS[number % 3]},
                                "count": {"gte": number % 5 + 1},
                            }
                        },
                        {
                            "not": {
                                "did": {
                                    "event": NAMES[(number + 1) % 4],
                                    "window": {"last": WINDOWS[number // 3 % 3]},
                                }
                            }
                        },
                        {"trait": {"name": "plan", "op": "eq", "value": PLANS[number % 3]}},
                    ]
                },
            }
        )
        for number in range(FIFTY)
    ]


def best(call: Callable[[], T], runs: int = RUNS) -> tuple[float, T]:
    """Seconds of the fastest run, and its answer: other work can only make one longer."""
    found: list[tuple[float, T]] = []
    for _ in range(runs):
        began = time.perf_counter()
        answer = call()
        found.append((time.perf_counter() - began, answer))
    return min(found, key=lambda run: run[0])


def one(client: Client, database: str) -> Iterator[Figure]:
    query = compile_members([typical()], people.UNTIL_MS, Scope())

    def ours() -> int:
        sql = _HOW_MANY.replace("MEMBERS", query.sql)
        return int(client.query(sql, parameters=query.parameters).result_rows[0][0])

    took, members = best(ours)
    yield _figure("a behavioural segment", took, "s", 1.0)
    yield _figure("its members", members, "people")
    for name, plain in plain_ways(database).items():
        seconds, found = best(partial(_count, client, plain))
        yield _figure(f"the same, {name}", seconds, "s")
        yield _figure(f"the same, {name}: times ours", seconds / took, "")
        if found != members:
            raise AssertionError(f"{name}: {found} people, ours are {members}")


def _count(client: Client, sql: str) -> int:
    return int(client.query(sql).result_rows[0][0])


def plain_ways(database: str) -> dict[str, str]:
    looked_up = {"person": _LOOKED_UP.format(database=database), "joined": ""}
    joined = {"person": _BY_JOIN, "joined": _JOINED}
    return {
        "by hand, with the dictionaries": _plain(looked_up, _TYPED),
        "with a LEFT JOIN of the pointers": _plain(joined, _TYPED),
        "with FINAL": _plain(looked_up, _TYPED, "FINAL"),
        "with properties from JSON": _plain(looked_up, _JSON),
    }


def _plain(person: Mapping[str, str], is_shoes: str, final: str = "") -> str:
    return _PLAIN.format(traits=_TRAITS.format(**person), is_shoes=is_shoes, final=final, **person).replace(
        "AT", _AT
    )


def many(client: Client) -> Iterator[Figure]:
    wanted = [inlined(each, {}) for each in fifty()]

    def ask(some: list[Inlined]) -> list[tuple[int, int]]:
        query = compile_members(some, people.UNTIL_MS, Scope())
        sql = _HOW_MANY_EACH.replace("MEMBERS", query.sql)
        return [(place, count) for place, count in client.query(sql, parameters=query.parameters).result_rows]

    def one_by_one() -> list[tuple[int, int]]:
        return [(place, rows[0][1]) for place, each in enumerate(wanted) if (rows := ask([each]))]

    together, found = best(partial(ask, wanted), 3)
    apart, alone = best(one_by_one, 1)
    if found != alone:
        raise AssertionError("fifty in one pass have other members than one by one")
    yield _figure(f"{FIFTY} segments in one pass", together, "s")
    yield _figure(f"{FIFTY} segments one by one", apart, "s")
    yield _figure("one pass, of the time one by one", together / apart, "", 1 / 6)


def capped(client: Client) -> Iterator[Figure]:
    """The same people with less and less memory: past the cap the question is split."""
    wanted = [typical()]
    for mebibytes in (2_000, 100, 50):
        limits = Limits(memory_bytes_max=mebibytes << 20)
        seconds, members = best(partial(_members, client, wanted, limits), 1)
        yield _figure(f"a behavioural segment, {mebibytes} MiB at most", seconds, "s")
        yield _figure(f"its members, {mebibytes} MiB at most", members, "people")


def _members(client: Client, wanted: list[Inlined], limits: Limits) -> int:
    return sum(1 for _ in ask_members(client, wanted, people.UNTIL_MS, Scope(), limits))


def refreshes(client: Client, database: str, bootstrap: str) -> Iterator[Figure]:
    """Of fifty segments: all people, then an hour in which nothing arrived, then nothing to do, then all again."""
    kafka = KafkaSettings(
        bootstrap_servers=bootstrap,
        topic_prefix=f"b{uuid.uuid4().hex[:6]}-",
        partitions=4,
        replication_factor=1,
        min_insync_replicas=1,
    )
    ensure_topics(kafka)
    segments = {key_of(each.workspace, each.segment): each for each in fifty()}
    defined = defined_by(segments, "UTC")
    names: dict[Key, str] = dict.fromkeys(defined, "{}")
    log = KafkaRunLog(kafka)
    log.take_over()
    tables = RefreshTables(client, database)
    tools = Tools(tables, log, lambda: dict.fromkeys(range(4), 1 << 40), Rules(full_hour=-1))
    try:
        start = people.UNTIL_MS - 2 * HOUR_MS
        note_edited(tables, defined, names, start)
        for name, at_ms, is_full, at_most in (
            ("the first of all people", start, True, None),
            ("an hour later", start + HOUR_MS, False, 10.0),
            ("a minute after that", start + HOUR_MS + 60_000, False, 10.0),
            ("of all people again", start + HOUR_MS + 60_000, True, None),
        ):
            seconds, report = best(partial(run_once, tools, defined, at_ms, is_full=is_full), 1)
            yield _figure(f"refresh of {FIFTY} segments, {name}", seconds, "s", at_most)
            yield _figure(f"refresh, {name}: people looked at", report.touched, "people")
            yield _figure(f"refresh, {name}: changes told", report.told, "")
    finally:
        log.close()


def sizes(client: Client) -> Iterator[Figure]:
    everything, events = client.query(_SIZES).result_rows[0]
    yield _figure("bytes on disk an event: table events", events, "B")
    yield _figure("bytes on disk an event: all tables", everything, "B")


def _figure(name: str, value: float, unit: str, at_most: float | None = None) -> Figure:
    return Figure(stage="people", name=name, value=round(value, 3), unit=unit, at_most=at_most)


def run() -> list[Figure]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        settings = stack.enter_context(people.stored(os.environ))
        client = connect(settings)
        stack.callback(client.close)
        client.set_client_setting(
            "use_query_condition_cache", 0
        )  # or a second run is told what the first one found
        for table in _OF_REFRESHES:
            client.command(f"TRUNCATE TABLE {table}")
        bootstrap = stack.enter_context(engines.kafka_engine(folder / "kafka", os.environ, lambda text: None))
        return [
            *sizes(client),
            *one(client, settings.database),
            *many(client),
            *capped(client),
            *refreshes(client, settings.database, bootstrap),
        ]
