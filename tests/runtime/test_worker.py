"""Whole workers as processes on a real broker: killed, stopped, joined by another, started without their state."""

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import pytest

from processors.stage import BUSY_BYTES_MIN
from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import TopicMismatch, ensure_topics, require_topics
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED, IDENTITY_FACTS
from tests.engines import free_port
from tests.runtime.topic_log import Record, eventually, read_topic, write_topic
from tests.runtime.toy_worker import HOPS, POISON
from tests.runtime.traffic import BATCH, Traffic
from tests.runtime.workers import worker

FAUST, PLAIN = "faust", "plain"
HELD_S = 1.0  # five times as long as a fetch waits


@pytest.fixture(params=[FAUST, PLAIN])
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    own = {"PROCESSOR_METRICS_PORT": str(free_port()), "PROCESSOR_CHUNK_RECORDS_MAX": "40"}
    return {**environ, **own, "PROCESSOR_DELIVERY": request.param}


def test_killed_workers_lose_nothing_and_double_nothing(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    environ = {**environ, "PROCESSOR_INSTANCE_ID": "one"}
    traffic = Traffic(settings)
    for _ in range(2):
        with worker(environ, tmp_path / "log") as process:
            traffic.write()
            process.wait_ready()
            eventually(lambda: traffic.is_half_done())
            process.kill()
    environ["PROCESSOR_STATE_DIR"] = str(tmp_path / "wiped")
    with worker(environ, tmp_path / "log") as process:
        traffic.write()
        traffic.check()
        assert process.stop() == 0
    assert "not left in order" not in (tmp_path / "log").read_text()


def test_a_worker_killed_while_it_waits_for_more_loses_nothing_and_doubles_nothing(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    environ = {**environ, "PROCESSOR_INSTANCE_ID": "one"}
    much = [b"%d" % number * (BUSY_BYTES_MIN // 2) for number in range(3)]
    write_topic(settings, EVENTS_RAW.name, [(0, value) for value in much])
    for beside in (b"first", b"second"):
        with worker({**environ, "PROCESSOR_BUSY_WAIT_MS_MAX": "600000"}, tmp_path / "log") as process:
            process.wait_ready()
            write_topic(settings, EVENTS_RAW.name, [(1, beside)])
            eventually(partial(_is_resolved, settings, beside))
            time.sleep(HELD_S)  # what is read and not held is processed by then
            assert {record.partition for record in _resolved(settings)} == {1}
            process.kill()
    with worker(environ, tmp_path / "log") as process:
        eventually(lambda: any(record.partition == 0 for record in _resolved(settings)))
        assert process.stop() == 0
    held = [record for record in _resolved(settings) if record.partition == 0]
    assert [record.value for record in held] == [b"%s 1 %d" % (value, at) for at, value in enumerate(much)]
    facts = Counter(
        record.value for record in read_topic(settings, IDENTITY_FACTS.name) if not record.partition
    )
    assert {facts[b"%d %d" % (at, HOPS)] for at in range(len(much))} == {1}


def test_partitions_move_between_workers_with_their_state_whichever_delivery_each_has(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    traffic = Traffic(settings)
    with worker(environ, tmp_path / "log") as one:
        traffic.write()
        one.wait_ready()
        # The port is looked for when the first worker listens: else it may be the same one.
        own = {"PROCESSOR_STATE_DIR": str(tmp_path / "second"), "PROCESSOR_METRICS_PORT": str(free_port())}
        other = {"PROCESSOR_DELIVERY": PLAIN if environ["PROCESSOR_DELIVERY"] == FAUST else FAUST}
        second = {**environ, **own, **other}
        with worker(second, tmp_path / "log2") as two:
            traffic.write()
            two.wait_ready()
            traffic.write()
            traffic.check()
            assert one.stop() == 0
            traffic.write()
            traffic.check()


def test_what_delivery_drops_repeats_and_delays_costs_a_seek(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    traffic = Traffic(settings)
    with worker({**environ, "TOY_FAULTS": "5"}, tmp_path / "log") as process:
        process.wait_ready()
        for _ in range(3):
            traffic.write(BATCH // 2)
            eventually(lambda: traffic.is_half_done())
        traffic.check()
        seeks = process.metric("stitchline_delivery_seeks_total")
    assert {"gap", "hole"} <= {cause for sample in seeks for label, cause in sample if label == "cause"}


def test_a_bug_in_a_step_ends_the_process_with_its_stack_in_the_log(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, b"fine"), (0, POISON)])
    with worker(environ, tmp_path / "log") as process:
        assert process.wait() == 70
    assert "a step's bug" in (tmp_path / "log").read_text()
    assert read_topic(settings, EVENTS_RESOLVED.name) == []


# With Faust the two take the partitions from each other for ever: aiokafka joins again.
@pytest.mark.parametrize("environ", [PLAIN], indirect=True)
def test_of_two_workers_with_one_name_the_first_one_ends(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    named = {**environ, "PROCESSOR_INSTANCE_ID": "one"}
    with worker(named, tmp_path / "log") as first:
        first.wait_ready()
        own = {"PROCESSOR_STATE_DIR": str(tmp_path / "second"), "PROCESSOR_METRICS_PORT": str(free_port())}
        with worker({**named, **own}, tmp_path / "log2") as second:
            assert first.wait() == 70
            second.wait_ready()
    assert "fenced" in (tmp_path / "log").read_text()


def test_a_leashed_worker_stops_with_its_parent(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    with worker({**environ, "STITCHLINE_LEASHED": "1"}, tmp_path / "log") as process:
        process.wait_ready()
        assert process.let_go() == 0


def test_a_missing_topic_stops_the_start(kafka: str, topic_prefix: str) -> None:
    found = {"KAFKA_BOOTSTRAP_SERVERS": kafka, "STITCHLINE_TOPIC_PREFIX": topic_prefix}
    one = {"STITCHLINE_REPLICATION_FACTOR": "1", "STITCHLINE_MIN_INSYNC_REPLICAS": "1"}
    settings = load(KafkaSettings, found | one)
    with pytest.raises(TopicMismatch, match=r"no topic .*events\.raw"):
        require_topics(settings)
    ensure_topics(settings)
    require_topics(settings)


def _is_resolved(settings: KafkaSettings, key: bytes) -> bool:
    return any(record.key == key for record in _resolved(settings))


def _resolved(settings: KafkaSettings) -> list[Record]:
    return read_topic(settings, EVENTS_RESOLVED.name)
