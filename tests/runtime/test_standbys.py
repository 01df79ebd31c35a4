"""A worker with warm copies takes over what another one owned, with almost nothing left to recover."""

from collections.abc import Mapping
from pathlib import Path

from runtime.environment.settings import KafkaSettings
from tests.engines import free_port
from tests.runtime.topic_log import eventually, read_topic
from tests.runtime.traffic import Traffic
from tests.runtime.workers import WorkerProcess, worker

AGENTS = 2
LEFT_MAX = 50  # records: what a copy may be behind when its owner's session has ended


def own(environ: Mapping[str, str], folder: Path, delivery: str) -> dict[str, str]:
    """What one of several workers has for itself."""
    return {
        **environ,
        "PROCESSOR_DELIVERY": delivery,
        "PROCESSOR_STATE_DIR": str(folder),
        "PROCESSOR_METRICS_PORT": str(free_port()),
    }


def total(process: WorkerProcess, name: str) -> float:
    return sum(process.metric(name).values())


def test_a_killed_workers_partitions_are_taken_over_warm(
    environ: dict[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    environ |= {"PROCESSOR_STANDBYS": "1", "PROCESSOR_CHUNK_RECORDS_MAX": "40"}
    traffic = Traffic(settings)
    with worker(own(environ, tmp_path / "one", "faust"), tmp_path / "log1") as one:
        one.wait_ready()
        with worker(own(environ, tmp_path / "two", "plain"), tmp_path / "log2") as two:
            two.wait_ready()
            traffic.write()
            traffic.check()
            half = settings.partitions // 2
            eventually(lambda: is_warm(one, half) and is_warm(two, half))
            traffic.write()
            traffic.check()
            eventually(lambda: is_warm(two, half))
            before = total(two, "stitchline_recovered_records_total")
            one.kill()
            traffic.write()
            traffic.check()
            assert total(two, "stitchline_recovered_records_total") - before <= LEFT_MAX
            assert len(read_topic(settings, "g1-resolve-changelog")) > 20 * LEFT_MAX
            eventually(lambda: total(two, "stitchline_standby_partitions") == 0)
            assert two.stop() == 0


def is_warm(process: WorkerProcess, partitions: int) -> bool:
    copies = total(process, "stitchline_standby_partitions")
    return copies == partitions * AGENTS and total(process, "stitchline_standby_lag_offsets") == 0
