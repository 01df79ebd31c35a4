"""A deployment's own steps in their process: whatever they do costs one event."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from runtime.environment.settings import SettingsError, UserStepSettings
from runtime.user_steps import UserSteps, user_steps
from schemas.events.reasons import Reason
from schemas.events.user_steps import DROPPED, UNCHANGED, Answer
from tests.engines import wait_until
from tests.runtime.own_steps import ODD, install

PATIENT = UserStepSettings(ms_max=30_000, chunk_s_max=120, memory_mb_max=512)
HASTY = UserStepSettings(ms_max=3_000, chunk_s_max=120)


@pytest.fixture(scope="module")
def steps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[UserSteps]:
    environ = install(tmp_path_factory.mktemp("steps"), {"odd": "odd"}, ODD)
    running = UserSteps(PATIENT, environ)
    yield running
    running.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[UserSteps]:
    running = UserSteps(HASTY, install(tmp_path / "steps", {"odd": "odd"}, ODD))
    yield running
    running.close()


def document(do: str = "", **properties: Any) -> bytes:
    event = {"user_id": "ann", "traits": {}, "context": {"locale": "de"}, "stamps": {}}
    return json.dumps({**event, "properties": {"do": do, **properties}}).encode()


def has_ended(process: psutil.Process) -> bool:
    """A zombie too: who reaps it is not ours to say."""
    with suppress(psutil.NoSuchProcess):
        return process.status() == psutil.STATUS_ZOMBIE
    return True


def failed(what: str, step: str = "odd") -> Answer:
    return Answer(reason=Reason.USER_STEP_FAILED, detail=f"step {step}: {what}")


def test_what_says_nothing_changes_nothing(steps: UserSteps):
    assert steps([document(), document("print")]) == [UNCHANGED, UNCHANGED]
    assert steps([]) == []


def test_a_change_is_added_to_what_is_there(steps: UserSteps):
    (answer,) = steps([document("change", colour="red")])
    assert {name: json.loads(text) for name, text in answer.changes.items()} == {
        "properties": {"do": "change", "colour": "red", "price": 12.5, "seen": "ann"},
        "traits": {"plan": "gold"},
        "context": {"locale": "de", "shop": 1},
    }


def test_an_event_can_be_dropped(steps: UserSteps):
    assert steps([document("drop"), document()]) == [DROPPED, UNCHANGED]


def test_what_is_raised_is_that_events_failure_and_says_its_type_alone(steps: UserSteps):
    assert steps([document(), document("raise"), document("leave"), document()]) == [
        UNCHANGED,
        failed("ValueError"),
        failed("SystemExit"),
        UNCHANGED,
    ]


@pytest.mark.parametrize(
    "answer", [7, "drop", [], {"properties": 7}, {"properties": [1]}, {"event": "x"}, {"context": "x"}]
)
def test_an_answer_that_is_none_is_a_failure(steps: UserSteps, answer: Any):
    assert steps([document("answer", **{"with": answer})]) == [failed("BadAnswer")]


@pytest.mark.parametrize("answer", [None, {}, {"drop": False}, {"properties": None}])
def test_an_answer_that_says_nothing_changes_nothing(steps: UserSteps, answer: Any):
    assert steps([document("answer", **{"with": answer})]) == [UNCHANGED]


def test_an_answer_that_is_no_json_is_a_failure(steps: UserSteps):
    assert steps([document("unwritable"), document()]) == [failed("TypeError"), UNCHANGED]


def test_a_document_that_cannot_be_read_is_a_failure(steps: UserSteps):
    (first, second) = steps([b"[" * 5_000, document()])
    assert first.reason == Reason.USER_STEP_FAILED
    assert second == UNCHANGED


def test_the_end_of_the_process_costs_one_event(steps: UserSteps):
    asked = [document(), document("exit"), document("drop"), document("exit"), document()]
    ended = failed("its process ended: exit code 7")
    assert steps(asked) == [UNCHANGED, ended, DROPPED, ended, UNCHANGED]


def test_memory_without_end_costs_one_event(steps: UserSteps):
    assert steps([document(), document("grow"), document(), document("drop")]) == [
        UNCHANGED,
        failed("MemoryError"),
        UNCHANGED,
        DROPPED,
    ]


def test_a_loop_without_end_costs_one_event(hasty: UserSteps):
    slow = Answer(reason=Reason.USER_STEP_TOO_SLOW, detail="step odd: no answer within 3000 ms")
    assert hasty([document(), document("loop"), document("drop")]) == [UNCHANGED, slow, DROPPED]


def test_a_process_that_was_killed_between_chunks_costs_nothing(steps: UserSteps):
    assert steps([document()]) == [UNCHANGED]
    child = steps._child
    assert child is not None
    child._process.kill()
    child._process.wait()
    assert steps([document("drop"), document()]) == [DROPPED, UNCHANGED]


def test_a_chunk_that_takes_too_long_leaves_its_rest_as_dead_letters(tmp_path: Path):
    settings = UserStepSettings(ms_max=60_000, chunk_s_max=1)
    environ = install(tmp_path / "steps", {"slow": "slow"}, "import time\ndef slow(event): time.sleep(0.3)")
    running = UserSteps(settings, environ)
    running.open()
    answers = running([document()] * 20)
    running.close()
    slow = Answer(
        reason=Reason.USER_STEP_TOO_SLOW, detail="steps took 1 s for a chunk before they came to this event"
    )
    assert len(answers) == 20
    assert answers[-1] == slow
    assert all(answer in (UNCHANGED, slow) for answer in answers)


def test_steps_follow_each_other_by_name_and_see_what_the_last_one_made(tmp_path: Path):
    source = """
def first(event):
    return {"properties": {"n": 1}}

def second(event):
    if event["properties"]["n"] != 1:
        raise AssertionError
    return {"properties": {"n": 2}} if event["user_id"] == "ann" else 1 / 0
"""
    running = UserSteps(PATIENT, install(tmp_path / "steps", {"b": "second", "a": "first"}, source))
    (ann,) = running([document()])
    (bob,) = running([document().replace(b"ann", b"bob")])
    running.close()
    assert json.loads(ann.changes["properties"])["n"] == 2
    assert bob == failed("ZeroDivisionError", "b")


def test_a_step_that_cannot_be_loaded_stops_the_start(tmp_path: Path):
    running = UserSteps(PATIENT, install(tmp_path / "steps", {"odd": "nothing"}, ODD))
    with pytest.raises(SettingsError, match="user steps: AttributeError"):
        running.open()


def test_a_process_that_never_takes_an_event_is_not_started_for_ever(tmp_path: Path):
    source = "import threading, os\nthreading.Timer(0, os._exit, [1]).start()\nimport time\ntime.sleep(60)"
    running = UserSteps(PATIENT, install(tmp_path / "steps", {"odd": "odd"}, source))
    with pytest.raises(SettingsError, match="did not start"):
        running([document()])


def test_without_steps_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with user_steps(PATIENT, {}) as none:
        assert none is None
    environ = install(tmp_path / "steps", {"odd": "odd"}, ODD)
    monkeypatch.syspath_prepend(str(tmp_path / "steps"))
    with user_steps(PATIENT, environ) as some:
        assert some is not None
        assert some([document("drop")]) == [DROPPED]


def test_the_process_ends_with_its_worker_also_in_the_middle_of_a_loop(tmp_path: Path):
    source = """
import os, sys
def endless(event):
    print(os.getpid(), file=sys.stderr, flush=True)
    while True:
        pass
"""
    environ = install(tmp_path / "steps", {"endless": "endless"}, source)
    worker = """
import os
from runtime.environment.settings import UserStepSettings
from runtime.user_steps import UserSteps
UserSteps(UserStepSettings(ms_max=600_000, chunk_s_max=600), os.environ)([b"{}"])
"""
    command = [sys.executable, "-c", worker]
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as running:
        assert running.stderr is not None
        child = psutil.Process(int(running.stderr.readline()))
        running.kill()
        running.wait()
        wait_until(lambda: has_ended(child), 60, "the end of the steps' process")


def test_steps_are_not_told_our_secrets(tmp_path: Path):
    source = "import os\ndef own(event): return {'traits': {'names': sorted(os.environ)}}"
    environ = install(tmp_path / "steps", {"own": "own"}, source)
    running = UserSteps(PATIENT, {**environ, "STITCHLINE_HASH_KEY": "0" * 32, "SHOP_MODE": "x"})
    (answer,) = running([document()])
    running.close()
    names = json.loads(answer.changes["traits"])["names"]
    assert "SHOP_MODE" in names
    assert "STITCHLINE_HASH_KEY" not in names
