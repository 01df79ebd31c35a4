"""Whole workers as processes on a real broker: killed, stopped, joined by another, started without their state."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import TopicMismatch, ensure_topics, require_topics
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED
from tests.engines import free_port
from tests.runtime.topic_log import eventually, read_topic, write_topic
from tests.runtime.toy_worker import POISON
from tests.runtime.traffic import BATCH, Traffic
from tests.runtime.workers import worker

FAUST, PLAIN = "faust", "plain"


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
