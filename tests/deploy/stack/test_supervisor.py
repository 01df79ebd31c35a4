"""Children are started, watched, started again and stopped; real processes throughout."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from deploy.stack.supervisor import LOG_BYTES_MAX, Child, ChildFailed, ChildSpec, next_delay, rotate

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"


def spec(tmp_path: Path, code: str, **changes: float) -> ChildSpec:
    log = tmp_path / "child.log"

    async def ready() -> bool:
        return log.exists() and b"up" in log.read_bytes()

    return ChildSpec(
        name="child",
        argv=[sys.executable, "-c", code],
        environ=dict(os.environ),
        log=log,
        ready=ready,
        **changes,
    )


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not condition():
            await asyncio.sleep(0.02)


def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    async def story() -> None:
        said: list[str] = []
        child = Child(spec(tmp_path, WAITS), said.append)
        await child.start()
        first = child.pid
        assert first
        os.kill(first, signal.SIGKILL)
        await until(lambda: child.pid not in (None, first))
        await child.stop()
        assert child.pid is None
        assert said == [f"child was killed by signal 9; starting it again. Its log: {child.spec.log}"]

    asyncio.run(story())


def test_a_child_that_ends_before_it_is_ready_is_told_with_its_log(tmp_path: Path) -> None:
    async def story() -> None:
        asked = spec(tmp_path, "import sys; sys.exit('no port left')")
        asked.log.write_text("what an earlier start said\n")
        with pytest.raises(ChildFailed, match="no port left") as failed:
            await Child(asked, print).start()
        assert "earlier" not in str(failed.value)

    asyncio.run(story())


def test_a_child_that_is_never_ready_is_told_and_can_be_stopped(tmp_path: Path) -> None:
    async def story() -> None:
        child = Child(spec(tmp_path, "import sys; sys.stdin.read()", ready_s=0.2), print)
        with pytest.raises(ChildFailed, match="not ready"):
            await child.start()
        await child.stop()
        assert child.pid is None

    asyncio.run(story())


def test_a_child_that_ignores_sigterm_is_killed_in_time(tmp_path: Path) -> None:
    async def story() -> None:
        said: list[str] = []
        child = Child(spec(tmp_path, STUBBORN, stop_s=1), said.append)
        await child.start()
        await child.stop()
        assert child.pid is None
        assert said == ["child did not stop within 1 s and is killed"]

    asyncio.run(story())


def test_delays_grow_to_a_limit_and_start_small_after_a_quiet_time() -> None:
    delays = [0.5]
    for _ in range(6):
        delays.append(next_delay(delays[-1], lived_s=1))
    assert delays == [0.5, 1, 2, 4, 8, 10, 10]
    assert next_delay(10, lived_s=61) == 0.5


def test_a_large_log_is_turned_over_and_one_earlier_is_kept(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "x.log"
    rotate(log)
    log.write_bytes(b"small")
    rotate(log)
    assert log.read_bytes() == b"small"
    os.truncate(log, LOG_BYTES_MAX + 1)
    rotate(log)
    assert not log.exists()
    assert (tmp_path / "logs" / "x.log.1").stat().st_size == LOG_BYTES_MAX + 1
