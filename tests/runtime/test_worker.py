"""Whole workers as processes on a real broker: killed, stopped, joined by another, started without their state."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from runtime.kafka import TopicMismatch, ensure_topics, require_topics
from runtime.settings import KafkaSettings, load
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED, IDENTITY_FACTS
from tests.engines import free_port
from tests.runtime.topic_log import eventually, read_topic, write_topic
from tests.runtime.toy_worker import FORGOTTEN, HOPS, POISON
from tests.runtime.workers import worker

KEYS = 23
BATCH = 600


FAUST, PLAIN = "faust", "plain"


@pytest.fixture(params=[FAUST, PLAIN])
def environ(environ: dict[str, str], request: pytest.FixtureRequest) -> dict[str, str]:
    own = {"PROCESSOR_METRICS_PORT": str(free_port()), "PROCESSOR_CHUNK_RECORDS_MAX": "40"}
    return {**environ, **own, "PROCESSOR_DELIVERY": request.param}


class Traffic:
    """What was written to events.raw, and what must have come of it."""

    def __init__(self, settings: KafkaSettings) -> None:
        self.settings = settings
        self.written: list[tuple[int, bytes]] = []

    def write(self, count: int = BATCH) -> None:
        start = len(self.written)
        new = [self._event(index) for index in range(start, start + count)]
        write_topic(self.settings, EVENTS_RAW.name, new)
        self.written += new

    def _event(self, index: int) -> tuple[int, bytes]:
        partition = index % self.settings.partitions
        if index % 11 == 0:
            return partition, b"%s%d" % (FORGOTTEN, index % 3)
        return partition, b"k%d" % (index % KEYS)

    def is_done(self) -> bool:
        facts = len(read_topic(self.settings, IDENTITY_FACTS.name))
        return facts >= len(self.written) * (HOPS + 1) and self.resolved() >= len(self.written)

    def resolved(self) -> int:
        return len(read_topic(self.settings, EVENTS_RESOLVED.name))

    def expected_outputs(self) -> list[tuple[int, bytes]]:
        """(partition, value) in order: every record numbered per partition and key; forgotten keys begin anew."""
        offsets: Counter[int] = Counter()
        numbers: Counter[tuple[int, bytes]] = Counter()
        outputs = []
        for partition, key in self.written:
            number = numbers[partition, key] = numbers[partition, key] + 1
            if key.startswith(FORGOTTEN):
                del numbers[partition, key]
            outputs.append((partition, b"%s %d %d" % (key, number, offsets[partition])))
            offsets[partition] += 1
        return sorted(outputs, key=lambda output: output[0])

    def check(self) -> None:
        eventually(self.is_done, 60)
        outputs = read_topic(self.settings, EVENTS_RESOLVED.name)
        assert [(record.partition, record.value) for record in outputs] == self.expected_outputs()
        facts = Counter(
            (record.partition, record.value) for record in read_topic(self.settings, IDENTITY_FACTS.name)
        )
        assert set(facts.values()) == {1}
        assert len(facts) == len(self.written) * (HOPS + 1)
        self._check_state(len(facts))

    def _check_state(self, facts: int) -> None:
        """The changelog, folded by key, is the state that the outputs tell of."""
        state = {(r.partition, r.key): r.value for r in read_topic(self.settings, "g1-resolve-changelog")}
        counts: dict[tuple[int, bytes], bytes | None] = {}
        for partition, value in self.expected_outputs():
            key, number, _ = value.split()
            counts[partition, b"\x01" + key] = None if key.startswith(FORGOTTEN) else number
        assert {key: value for key, value in state.items() if key[1] != b"\x00next"} == counts
        seen = {
            r.partition: r.value
            for r in read_topic(self.settings, "g1-identity-changelog")
            if r.key == b"\x01seen"
        }
        assert sum(int(value or b"0") for value in seen.values()) == facts


def half_done(traffic: Traffic) -> bool:
    return traffic.resolved() > len(traffic.written) - BATCH // 2


def test_killed_workers_lose_nothing_and_double_nothing(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    environ = {**environ, "PROCESSOR_INSTANCE_ID": "one"}
    traffic = Traffic(settings)
    for _ in range(2):
        with worker(environ, tmp_path / "log") as process:
            traffic.write()
            process.wait_ready()
            eventually(lambda: half_done(traffic))
            process.kill()
    environ["PROCESSOR_STATE_DIR"] = str(tmp_path / "wiped")
    with worker(environ, tmp_path / "log") as process:
        traffic.write()
        traffic.check()
        assert process.stop() == 0


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
            eventually(lambda: half_done(traffic))
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
