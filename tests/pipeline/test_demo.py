"""The demonstration itself: the README's first command, on its own engines."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = [sys.executable, "-m", "deploy", "demo"]
pytestmark = pytest.mark.timeout(240)


def test_the_demonstration_shows_people_and_every_number_is_right() -> None:
    ran = subprocess.run(DEMO, capture_output=True, text=True, timeout=200, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr[-4000:]
    assert "by what came later" in ran.stdout
    assert "accepted 303 = stored 262 + duplicates 38 + dead letters 3" in ran.stdout


def test_the_demonstration_refuses_a_folder_that_is_not_new(tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    ran = subprocess.run(
        [*DEMO, "--data", str(tmp_path)], capture_output=True, text=True, timeout=60, check=False
    )
    assert ran.returncode == 2
    assert "is not empty" in ran.stderr


def test_a_demonstration_that_is_stopped_leaves_nothing_behind(tmp_path: Path) -> None:
    process = subprocess.Popen(
        DEMO, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env={"TMPDIR": str(tmp_path)}
    )
    assert process.stderr
    assert "starting" in process.stderr.readline()
    process.send_signal(signal.SIGTERM)
    told = process.stderr.read()
    assert process.wait(60) == 130, told
    process.stderr.close()
    assert "stopped before the end" in told
    assert not list(tmp_path.iterdir())
