"""What a process answers to whoever watches it."""

import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from runtime.environment.watchdog_settings import WatchdogSettings
from runtime.probes import Probes
from runtime.watch.judgement import Look, Pulse, Survey
from runtime.watch.watchdog import Watchdog
from tests.engines import free_port
from tests.runtime.topic_log import eventually


class Process:
    """Its answers, as they are set."""

    def __init__(self) -> None:
        self.is_ready = False
        self.complaint = ""
        self.port = free_port()

    def asked(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()


@pytest.fixture
def process() -> Iterator[Process]:
    process = Process()
    probes = Probes("127.0.0.1", process.port, lambda: process.is_ready, lambda: process.complaint)
    probes.start()
    yield process
    probes.stop()


def test_a_process_that_complains_ought_to_be_ended(process: Process) -> None:
    assert process.asked("/livez") == (200, "alive\n")
    process.complaint = "event loop: no sign of life"
    assert process.asked("/livez") == (503, "event loop: no sign of life\n")
    process.complaint = ""
    assert process.asked("/livez") == (200, "alive\n")


def test_readiness_is_a_matter_of_its_own(process: Process) -> None:
    assert process.asked("/readyz") == (503, "not ready\n")
    process.is_ready = True
    process.complaint = "anything"
    assert process.asked("/readyz") == (200, "ready\n")


def test_a_suspicion_is_a_complaint_until_things_go_on() -> None:
    """One look counts for a second, so the second look at the same is suspicious, and the third would be final."""
    complaints: list[str] = []
    failures: list[BaseException] = []

    def look() -> Look:
        complaints.append(watchdog.complaint)
        return Look(pulses=[Pulse("thing", max(1, len(complaints) - 1), limit_s=1.1)])

    watchdog = Watchdog(WatchdogSettings(), look, Survey, list, failures.append)
    watchdog.start()
    eventually(lambda: len(complaints) >= 4)
    watchdog.stop()
    assert complaints[:2] == ["", ""]
    assert complaints[2].startswith("thing: no sign of life")
    assert complaints[3] == ""
    assert failures == []
