"""A worker with a million keys is killed: how long until it answers `/readyz`, and until events flow on in every partition.

Twice: with its folder kept, and with the folder wiped, so that everything is read from the changelog. The worker is our keyed
contender (keyed/ours.py) with the settings that are shipped, static membership included. The changelog is not compacted yet:
it has a record for each key and one more for each of the keys that were touched again. A trickle of events goes on all the time.
"""

import os
import shutil
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import msgspec
import psutil

from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import ensure_topics
from tests import engines
from tests.bench.figures import Figure
from tests.bench.keyed import broker, task
from tests.bench.keyed.contenders import Process, environment, names, start_ours, stop
from tests.bench.meter import memory_mib

KEYS = 1_000_000
AGAIN = 500_000  # so many of them are changed a second time
SIZE = 100
TRICKLE_S = 0.1
WAIT_S = 180.0
BACK_S = 20.0
RECORDS_PER_S = 200_000
KEPT, WIPED = "folder kept", "folder wiped"


class Recovered(msgspec.Struct, frozen=True):
    """Seconds since the kill; `records` were read from the changelog in `span_s`, all partitions together."""

    ready_s: float
    flowing_s: float
    records: int
    span_s: float
    memory_mib: float


def distinct(first: int, count: int) -> Iterator[task.Made]:
    """Each a user of its own, as far as `count` reaches."""
    for number in range(first, first + count):
        user = number % KEYS
        yield task.Made(user, 1, task.TEMPLATE % (number, user, 1, user % 997, number % 40, user % 997))


@contextmanager
def trickle(run: broker.Run) -> Iterator[None]:
    """One small pack for each partition every tenth of a second."""
    ended = threading.Event()

    def send() -> None:
        number = KEYS
        while not ended.wait(TRICKLE_S):
            broker.send(run, task.messages(distinct(number, task.PARTITIONS), task.PACK, 1))
            number += task.PARTITIONS

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def killed(process: Process, run: broker.Run, folder: Path, *, wipe: bool) -> tuple[Process, Recovered]:
    """The process that took its place, and how it came back."""
    process.popen.kill()
    process.popen.wait()
    began = time.monotonic()
    if wipe:
        shutil.rmtree(folder / "g1")
    ends = broker.ends(run)
    successor = start_ours(task.PACK, run, folder, 0)
    engines.wait_until(successor.is_ready, WAIT_S, "the worker is ready again")
    ready_s = time.monotonic() - began
    engines.wait_until(
        lambda: all(now > then for now, then in zip(broker.ends(run), ends, strict=True)),
        WAIT_S,
        "every partition flows again",
    )
    flowing_s = time.monotonic() - began
    memory = memory_mib(psutil.Process(successor.popen.pid))
    return successor, Recovered(ready_s, flowing_s, *read_log(successor.log), memory)


def read_log(log: Path) -> tuple[int, float]:
    """Records, and the seconds from the first partition's begin to the last one's end, as the worker logged them."""
    lines = (msgspec.json.decode(line) for line in log.read_bytes().splitlines() if line.startswith(b"{"))
    opened = [line for line in lines if line.get("event") == "part opened"]
    ends = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in opened]
    begins = [end - line["seconds"] for end, line in zip(ends, opened, strict=True)]
    return sum(line["recovered"] for line in opened), max(ends) - min(begins)


def measure(bootstrap: str, folder: Path) -> dict[str, Recovered]:
    run = names("ours", bootstrap, f"recovery{uuid.uuid4().hex[:8]}-")
    ensure_topics(load(KafkaSettings, environment(run, folder, 0)))
    found: dict[str, Recovered] = {}
    process = start_ours(task.PACK, run, folder, 0)
    try:
        engines.wait_until(process.is_ready, WAIT_S, "the worker is ready")
        broker.send(run, task.messages(distinct(0, KEYS), task.PACK, SIZE))
        broker.watch(run, KEYS, tuple, WAIT_S)
        broker.send(run, task.messages(distinct(0, AGAIN), task.PACK, SIZE))
        broker.watch(run, KEYS + AGAIN, tuple, WAIT_S)
        with trickle(run):
            for name in (KEPT, WIPED):
                process, found[name] = killed(process, run, folder, wipe=name == WIPED)
    finally:
        stop(process)
        broker.delete_topics(run)
    return found


def figures(found: dict[str, Recovered]) -> list[Figure]:
    wiped = found[WIPED]
    rows = [figure for name, recovered in found.items() for figure in _figures(name, recovered)]
    return [
        *rows,
        Figure(stage="recovery", name="records read from the changelog", value=wiped.records, unit="records"),
        Figure(stage="recovery", name="rate, all partitions together", value=round(wiped.records / wiped.span_s),
               unit="records/s", at_least=RECORDS_PER_S),
        Figure(stage="recovery", name="memory after it (PSS)", value=round(wiped.memory_mib), unit="MiB"),
    ]  # fmt: skip


def _figures(name: str, recovered: Recovered) -> list[Figure]:
    load = f"SIGKILL with a million keys, {name}"
    return [
        Figure(stage="recovery", name=f"{load}: ready", value=round(recovered.ready_s, 1), unit="s", at_most=BACK_S),
        Figure(stage="recovery", name=f"{load}: all partitions flow", value=round(recovered.flowing_s, 1), unit="s",
               at_most=BACK_S),
    ]  # fmt: skip


def run() -> list[Figure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engines.kafka_engine(folder, os.environ, lambda text: None) as bootstrap:
            return figures(measure(bootstrap, folder / "state"))
