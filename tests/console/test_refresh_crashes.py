"""A refresher that dies anywhere: each change is on the topic once, and in the tables once. Real Kafka and ClickHouse."""

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from console.refresh import run_once
from console.refresh_log import Fenced, KafkaRunLog
from console.refresh_plan import Attempt
from runtime.control import write_control
from schemas.segment_tree import key_of
from tests.console.refresh_stage import ALL, HOUR_MS, Died, Fate, Shop, defined, mortal, read_changes
from tests.sinks.stage import START_MS, Tables, Topics

ROOT = Path(__file__).parents[2]
encode = msgspec.json.encode


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> Topics:
    return Topics(kafka, topic_prefix)


@pytest.fixture
def shop(clickhouse: str, database: str) -> Shop:
    return Shop(Tables(clickhouse, database))


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
    for who in range(1, 9):
        shop.view(who, who * 1000)
    fate = Fate()
    run_once(mortal(shop, taken_over(topics), fate), defined(*ALL), START_MS + 60_000)
    at_ms, deaths, last = HOUR_MS // 2, 0, 0
    while last == deaths:  # as long as there was such a step to die after
        at_ms += HOUR_MS // 3
        shop.view(1 + last % 8, at_ms - 1000)
        shop.point(100 + last, 1 + last % 3)
        try:
            run_once(mortal(shop, taken_over(topics), Fate(last)), defined(*ALL), START_MS + at_ms)
        except Died:
            deaths += 1
        last += 1
        run_once(mortal(shop, taken_over(topics), Fate()), defined(*ALL), START_MS + at_ms + 1000)
    assert deaths >= 12
    assert_each_change_once(topics, shop)


@pytest.mark.parametrize("step", ["told one", "tell"])
def test_a_process_that_is_killed_amid_telling_or_right_after_tells_each_change_once(
    step: str, topics: Topics, shop: Shop, tmp_path: Path
) -> None:
    for who in range(1, 6):
        shop.view(who, who * 1000)
    environ = environment(topics, shop)
    killed = [sys.executable, "-m", "tests.console.refresh_process", step, str(START_MS + HOUR_MS // 2)]
    assert (
        subprocess.run(killed, env=environ, cwd=ROOT, timeout=60, check=False).returncode == -signal.SIGKILL
    )
    write_control(topics.settings, {key_of("main", each.segment): encode(each) for each in ALL}, "test")
    once = [sys.executable, "-m", "deploy", "segments", "--once"]
    done = subprocess.run(once, env=environ, cwd=ROOT, timeout=60, check=True, capture_output=True, text=True)
    report = msgspec.json.decode(done.stdout)
    assert (report["drift"], report["failed"], report["segments"]) == (0, {}, len(ALL))
    assert_each_change_once(topics, shop)
    assert shop.members("twice") == set()
    assert shop.members("never") == set(range(1, 6))  # today, nobody has viewed anything lately
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
    attempt = Attempt(1, 1, START_MS, {0: 5})
    first, second, third = taken_over(topics), KafkaRunLog(topics.settings), KafkaRunLog(topics.settings)
    second.take_over()
    with pytest.raises(Fenced):
        first.claim(Attempt(1, 1, START_MS, {0: 7}))
    third.take_over()
    with pytest.raises(Fenced):
        second.tell(attempt, [])
    assert third.read() == (None, 0)
    third.claim(attempt)
    assert third.read() == (attempt, 0)
    third.tell(attempt, [])
    assert third.read() == (attempt, 1)
