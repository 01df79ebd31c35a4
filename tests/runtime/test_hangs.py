"""A worker that hangs ends itself and says where; one that is slow, or was frozen, does not."""

import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from msgspec import json

from runtime.environment.settings import KafkaSettings
from schemas.topics import EVENTS_RAW, EVENTS_RESOLVED
from tests.engines import free_port
from tests.runtime import toy_worker
from tests.runtime.topic_log import eventually, read_topic, write_topic
from tests.runtime.workers import WorkerProcess, worker

LIMIT_S = 2
FAUST, PLAIN = {"PROCESSOR_DELIVERY": "faust"}, {"PROCESSOR_DELIVERY": "plain"}
HANGS = 70


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    return {
        **environ,
        "PROCESSOR_METRICS_PORT": str(free_port()),
        "PROCESSOR_SESSION_TIMEOUT_S": "30",
        "PROCESSOR_CHUNK_RECORDS_MAX": "1",
        "WATCHDOG_STALL_S_MAX": str(LIMIT_S),
        "WATCHDOG_LOOP_S_MAX": str(LIMIT_S),
        "WATCHDOG_SURVEY_S": "0.5",
    }


def last_words(log: Path) -> dict[str, Any]:
    """What the watchdog wrote when it ended the process."""
    lines = [line for line in log.read_text().splitlines() if '"this process hangs, and ends"' in line]
    return json.decode(lines[-1], type=dict[str, Any])


def test_a_step_without_end_ends_the_process_and_its_stack_is_in_the_log(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(2, b"fine"), (2, toy_worker.ENDLESS)])
    with worker({**environ, **PLAIN}, tmp_path / "log") as process:
        assert process.wait(60) == HANGS
    said = last_words(tmp_path / "log")
    assert f"{EVENTS_RAW.name}[2]: no sign of life from its chunk" in said["cause"]
    [stack] = [lines for lines in said["threads"].values() if any("dawdle" in line for line in lines)]
    assert stack[0].endswith("_bootstrap")
    assert any("toy_worker.py" in line and line.endswith("count") for line in stack)
    assert any("lane.py" in line for tasks in said["tasks"] for lines in tasks.values() for line in lines)


def test_a_blocked_event_loop_ends_the_process(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    with worker({**environ, **FAUST}, tmp_path / "log") as process:
        process.wait_ready()
        process.signal(toy_worker.BLOCK_LOOP)
        assert process.wait(60) == HANGS
    said = last_words(tmp_path / "log")
    assert said["cause"].startswith("event loop: no sign of life")
    [stack] = [lines for name, lines in said["threads"].items() if name.startswith("MainThread")]
    assert "toy_worker.py" in stack[-1]


def test_records_that_nobody_reads_end_the_process(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    with worker({**environ, **FAUST}, tmp_path / "log") as process:
        process.wait_ready()
        write_topic(settings, EVENTS_RAW.name, [(0, toy_worker.DEAF)])
        eventually(lambda: read_topic(settings, EVENTS_RESOLVED.name))
        write_topic(settings, EVENTS_RAW.name, [(1, b"unheard")] * 10)
        assert process.wait(60) == HANGS
    assert "nothing is read although records wait" in last_words(tmp_path / "log")["cause"]


def test_a_slow_worker_that_was_frozen_is_not_judged_by_the_time_it_was(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    patient = {
        **environ,
        **PLAIN,
        "WATCHDOG_STALL_S_MAX": str(2 * LIMIT_S),
        "WATCHDOG_LOOP_S_MAX": str(2 * LIMIT_S),
    }
    count = 15
    with worker(patient, tmp_path / "log") as process:
        process.wait_ready()
        write_topic(settings, EVENTS_RAW.name, [(3, toy_worker.SLOW)] * count)
        eventually(lambda: read_topic(settings, EVENTS_RESOLVED.name))
        process.signal(signal.SIGSTOP)
        thawed_at = time.monotonic() + 3 * LIMIT_S
        eventually(lambda: time.monotonic() > thawed_at)
        process.signal(signal.SIGCONT)
        eventually(lambda: len(read_topic(settings, EVENTS_RESOLVED.name)) == count, 60)
        eventually(lambda: is_at_rest(process), 60)
        assert process.stop() == 0


def is_at_rest(process: WorkerProcess) -> bool:
    """Every partition runs, none is behind, and what could expire has its week."""
    place = frozenset({("agent", "resolve"), ("partition", "3")})
    running = frozenset({("agent", "resolve"), ("phase", "running")})
    return (
        process.metric("stitchline_partitions").get(running) == 4
        and process.metric("stitchline_lag_records").get(place) == 0
        and process.metric("stitchline_lag_seconds").get(place) == 0
        and process.metric("stitchline_retention_left_seconds").get(place) == 7 * 86_400
        and process.metric("stitchline_state_bytes").get(place, 0) > 0
    )
