"""A refresher that dies anywhere: each change is on the topic once, and in the tables once. Real Kafka and ClickHouse."""

import os
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from console.refreshing.refresh import run_once
from console.refreshing.refresh_log import Fenced, KafkaRunLog
from console.refreshing.refresh_plan import Attempt
from runtime.control import write_control
from schemas.segments.segment_tree import key_of
from tests import engines
from tests.console.refresh_stage import ALL, HOUR_MS, Died, Fate, Shop, defined, mortal, read_changes
from tests.sinks.stage import START_MS, Tables, Topics

ROOT = Path(__file__).parents[2]
MINUTE_MS = 60_000
STEPS_MAX = 40
encode = msgspec.json.encode


@pytest.fixture(scope="module")
def topics(kafka: str) -> Iterator[Topics]:
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    yield Topics(kafka, prefix)
    engines.delete_topics(kafka, prefix)


@pytest.fixture(scope="module")
def shop(clickhouse: str, module_database: str) -> Shop:
    return Shop(Tables(clickhouse, module_database))


def taken_over(topics: Topics) -> KafkaRunLog:
    log = KafkaRunLog(topics.settings)
    log.take_over()
    return log


def assert_each_change_once(topics: Topics, shop: Shop) -> None:
    told = read_changes(topics)
    assert Counter(each["message_id"] for each in told).most_common(1)[0][1] == 1
    seqs: dict[tuple[str, int], list[int]] = {}
    for each in told:
        seqs.setdefault((each["segment"], each["profile"]), []).append(each["seq"])
    assert all(found == list(range(1, len(found) + 1)) for found in seqs.values())
    stored = shop.tables.rows(
        "SELECT toString(segment), profile, max(seq), argMax(toString(change), seq) FROM segment_changes "
        "WHERE (run, attempt) NOT IN (SELECT run, attempt FROM segment_void_attempts) GROUP BY segment, profile"
    )
    assert {(name, profile): seq for name, profile, seq, _ in stored} == {
        key: found[-1] for key, found in seqs.items()
    }
    last = {(each["segment"], each["profile"]): each["change"] for each in told}
    assert {(name, profile): change for name, profile, _, change in stored} == last


def test_a_refresher_that_dies_after_any_step_tells_each_change_once(topics: Topics, shop: Shop) -> None:
    """Each start finishes what the one before has left, and then dies one step later in a run of its own."""
    for who in range(1, 11):
        shop.view(who, 0)
    run_once(mortal(shop, taken_over(topics), Fate()), defined(*ALL), START_MS + 1000)
    deaths: list[str] = []
    for last in range(STEPS_MAX):
        shop.view(11 + last, 1000, 2000)  # somebody who is to be told of, whatever time it is
        fate = Fate(last)
        with suppress(Died):
            run_once(mortal(shop, taken_over(topics), fate), defined(*ALL), START_MS + (1 + last) * MINUTE_MS)
            break
        deaths.append(fate.steps[-1])
    assert deaths == fate.steps  # those of the run that came to its end
    assert {"claim", "told one", "tell"} <= set(deaths)
    assert_each_change_once(topics, shop)


def test_a_process_that_is_killed_amid_telling_or_right_after_tells_each_change_once(
    topics: Topics, shop: Shop
) -> None:
    environ = environment(topics, shop)
    for number, step in enumerate(("told one", "tell")):
        shop.view(71 + number, 1000, 2000)
        killed = [sys.executable, "-m", "tests.console.refresh_process", step, str(START_MS + HOUR_MS)]
        ended = subprocess.run(killed, env=environ, cwd=ROOT, timeout=60, check=False)
        assert ended.returncode == -signal.SIGKILL
    write_control(topics.settings, {key_of("main", each.segment): encode(each) for each in ALL}, "test")
    once = [sys.executable, "-m", "deploy", "segments", "--once"]
    done = subprocess.run(once, env=environ, cwd=ROOT, timeout=60, check=True, capture_output=True, text=True)
    report = msgspec.json.decode(done.stdout)
    assert (report["drift"], report["failed"], report["segments"]) == (0, {}, len(ALL))
    assert_each_change_once(topics, shop)
    assert {71, 72} <= shop.members("twice") & shop.members("never")  # nobody has viewed anything lately
    assert shop.members("lately") == set()


def environment(topics: Topics, shop: Shop) -> dict[str, str]:
    kafka, clickhouse = topics.settings, shop.tables.settings
    return {
        **os.environ,
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "STITCHLINE_TOPIC_PREFIX": kafka.topic_prefix,
        "STITCHLINE_PARTITIONS": str(kafka.partitions),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "CLICKHOUSE_URL": clickhouse.url,
        "STITCHLINE_DATABASE": clickhouse.database,
        "SEGMENTS_STORED_WAIT_S": "1",
    }


def test_who_was_taken_over_can_neither_claim_nor_tell(topics: Topics) -> None:
    first, second, third = taken_over(topics), KafkaRunLog(topics.settings), KafkaRunLog(topics.settings)
    before, done = first.read()
    attempt = Attempt(done + 1, 1, START_MS, {0: 5})
    second.take_over()
    with pytest.raises(Fenced):
        first.claim(attempt)
    third.take_over()
    with pytest.raises(Fenced):
        second.tell(attempt, [])
    assert third.read() == (before, done)
    third.claim(attempt)
    assert third.read() == (attempt, done)
    third.tell(attempt, [])
    assert third.read() == (attempt, done + 1)
