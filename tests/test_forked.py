"""A forked process is what one of its own would be, and nothing outlives the tests."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.engines import wait_until
from tests.forked import ROOT, Forked

WAIT_S = 60
WAITING = "json.tool"  # reads its standard input to the end

CLIENT = f"""\
import os, subprocess, sys, time
from tests.forked import Forked
waiting = Forked({WAITING!r}, env=os.environ, stdin=subprocess.PIPE)
print(waiting.pid, flush=True)
time.sleep({WAIT_S})
"""


@pytest.mark.parametrize("arguments", [["link", "https://shop.example/"], ["nosuch"], ["sink", "nosuch"]])
def test_it_says_and_returns_what_a_process_of_its_own_does(tmp_path: Path, arguments: list[str]) -> None:
    environ = {"PATH": os.environ["PATH"]}
    own = subprocess.run(
        [sys.executable, "-m", "deploy", *arguments],
        env=environ, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert own.returncode != 0
    with (tmp_path / "said").open("wb") as out:
        forked = Forked("deploy", *arguments, env=environ, stdout=out)
    assert forked.wait(WAIT_S) == own.returncode
    assert (tmp_path / "said").read_bytes() == own.stdout


def test_its_end_is_told_whatever_ended_it(tmp_path: Path) -> None:
    with (tmp_path / "said").open("wb") as out:
        killed, left = (
            Forked(WAITING, env=os.environ, stdin=subprocess.PIPE, stdout=out, start_new_session=True)
            for _ in range(2)
        )
    assert killed.poll() is None
    assert os.getsid(killed.pid) == killed.pid
    with pytest.raises(subprocess.TimeoutExpired):
        killed.wait(0.01)
    killed.kill()
    assert killed.wait(WAIT_S) == -signal.SIGKILL == killed.poll()
    assert left.poll() is None
    assert left.stdin is not None
    left.stdin.write(b"[1]")
    left.stdin.close()
    assert left.wait(WAIT_S) == 0
    assert (tmp_path / "said").read_text().split() == ["[", "1", "]"]
    assert killed.stdin is not None
    killed.stdin.close()


def test_two_that_start_one_after_the_other_have_different_seeds_of_hashes(tmp_path: Path) -> None:
    said = []
    for name in ("one", "other"):
        with (tmp_path / name).open("wb") as out:
            forked = Forked("timeit", "-n1", "-r1", "print(hash('a'))", env=os.environ, stdout=out)
        assert forked.wait(WAIT_S) == 0
        said.append(int((tmp_path / name).read_text().split()[0]))
    assert said[0] != said[1]


def test_what_is_forked_and_what_forks_end_with_a_client_that_is_killed() -> None:
    client = subprocess.Popen([sys.executable, "-c", CLIENT], cwd=ROOT, stdout=subprocess.PIPE)
    assert client.stdout is not None
    child = psutil.Process(int(client.stdout.readline()))
    source = child.parent()
    assert source is not None
    assert source.ppid() == client.pid
    client.kill()
    client.wait()
    client.stdout.close()
    wait_until(lambda: not (child.is_running() or source.is_running()), WAIT_S, "both have ended")
