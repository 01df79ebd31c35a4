"""The leash: whatever ends the parent ends the program, and the program's own end is reported."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

LEASH = [sys.executable, "-m", "deploy.leash"]
SLEEP = [sys.executable, "-c", "import os, sys, time; print(os.getpid(), flush=True); time.sleep(300)"]
STUBBORN = [
    sys.executable,
    "-c",
    (
        "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(os.getpid(), flush=True); time.sleep(300)"
    ),
]
PARENT = """
import subprocess, sys, time
subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE)
time.sleep(300)
"""
OURS = """
import os, threading
from runtime.parent import watch_parent
done = threading.Event()
watch_parent(done.set, 20)
print(os.getpid(), flush=True)
done.wait()
print("ended in order", flush=True)
"""


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[bytes]]]:
    """Processes of a test, ended with it."""
    processes: list[subprocess.Popen[bytes]] = []
    yield processes
    for process in processes:
        process.kill()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()
        process.wait(10)


def start(started: list[subprocess.Popen[bytes]], argv: list[str]) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and the pid that the innermost program printed."""
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    started.append(process)
    assert process.stdout
    return process, int(process.stdout.readline())


def gone(pid: int, timeout_s: float = 60) -> bool:
    end = time.monotonic() + timeout_s
    try:
        while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
    except psutil.NoSuchProcess:  # at any moment
        pass
    return True


def test_a_program_ends_when_its_parent_was_killed(started: list[subprocess.Popen[bytes]]) -> None:
    parent, pid = start(started, [sys.executable, "-c", PARENT, *LEASH, "--", *SLEEP])
    parent.kill()
    assert gone(pid)


def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(
    started: list[subprocess.Popen[bytes]],
) -> None:
    leash, pid = start(started, [*LEASH, "--grace-s", "0.3", "--", *STUBBORN])
    assert leash.stdin
    leash.stdin.close()
    assert gone(pid)
    assert leash.wait(60) == 128 + signal.SIGKILL


def test_sigterm_to_the_leash_ends_the_program(started: list[subprocess.Popen[bytes]]) -> None:
    leash, pid = start(started, [*LEASH, "--", *SLEEP])
    leash.terminate()
    assert leash.wait(60) == 128 + signal.SIGTERM
    assert gone(pid)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its killed parent")
def test_a_killed_leash_leaves_no_orphan(started: list[subprocess.Popen[bytes]]) -> None:
    leash, pid = start(started, [*LEASH, "--", *SLEEP])
    leash.kill()
    assert gone(pid)


def test_the_exit_code_is_the_programs() -> None:
    assert (
        subprocess.run([*LEASH, "--", sys.executable, "-c", "raise SystemExit(7)"], check=False).returncode
        == 7
    )


def test_a_program_that_does_not_exist_is_named() -> None:
    ran = subprocess.run([*LEASH, "--", "/no/such/program"], capture_output=True, check=False)
    assert ran.returncode == 127
    assert b"/no/such/program" in ran.stderr


def test_an_inherited_descriptor_reaches_the_program(tmp_path: Path) -> None:
    with (tmp_path / "lock").open("w") as held:
        code = f"import os; os.write({held.fileno()}, b'mine')"
        subprocess.run([*LEASH, "--", sys.executable, "-c", code], pass_fds=[held.fileno()], check=True)
    assert (tmp_path / "lock").read_text() == "mine"


def test_a_process_of_ours_is_told_that_its_parent_ended(started: list[subprocess.Popen[bytes]]) -> None:
    process, pid = start(started, [sys.executable, "-c", OURS])
    assert process.stdin
    process.stdin.close()
    assert gone(pid)
    assert process.stdout
    assert process.stdout.read() == b"ended in order\n"


def test_input_that_is_no_pipe_is_not_watched() -> None:
    with open(os.devnull) as nothing:
        ran = subprocess.run(
            [*LEASH, "--", sys.executable, "-c", "print('ran')"],
            stdin=nothing,
            capture_output=True,
            check=True,
        )
    assert ran.stdout == b"ran\n"
