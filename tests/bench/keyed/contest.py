"""Kafka Streams, Quix Streams and our stream core at one task, on one broker, in one run: interleaved rounds, medians.

    python -m tests.bench.keyed.contest [--rounds N] [--events N] [--processes 1 2] [--only ours streams quix] [--shapes ...]

Each run has topics and state of its own. The contender works off a warm-up first; then it is stopped (SIGSTOP) while the backlog
is written, and let run. The end is when the last answer is visible to a committed reader. After every run all answers are read:
each user's count and total must be what the events say, or the run fails. CPU is of all processes of a contender; the broker's
is shown apart.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from itertools import chain
from pathlib import Path

import msgspec
import psutil

from tests import engines
from tests.bench.figures import Figure
from tests.bench.keyed import broker, task
from tests.bench.keyed.contenders import ALO, EOS, Entry, contender, names, prepare
from tests.bench.keyed.task import ARRAY, PACK, SINGLE
from tests.bench.meter import PER, cpu_s, memory_mib

ROUNDS = 3
EVENTS = 300_000
WARM_UP_EVENTS = 100_000
PACK_EVENTS = 100
SETTLE_S = 3.0
WAIT_S = 180.0
SHARE_MIN = 0.2  # of two processes each does at least so much of the work, or they were no two
TITLES = {"ours": "ours", "streams": "Kafka Streams", "quix": "Quix Streams"}
TARGET = Entry("ours", PACK, PACK_EVENTS, EOS, 2)


class Result(msgspec.Struct, frozen=True):
    rate: float  # events a second
    cpu_s: float  # per 100,000 events, all processes of the contender
    broker_cpu_s: float  # the same of the broker
    memory_mib: float


def entries(who: Sequence[str], shapes: Sequence[str], processes: Sequence[int]) -> list[Entry]:
    """The peers read single events as they are built for, and the arrays that everybody reads; ours the packs too."""
    sizes = {PACK: PACK_EVENTS, ARRAY: PACK_EVENTS, SINGLE: 1}
    found = []
    for count in processes:
        for shape in shapes:
            if "ours" in who:
                found.append(Entry("ours", shape, sizes[shape], EOS, count))
            if shape != PACK:
                peers = [name for name in ("streams", "quix") if name in who]
                found += [
                    Entry(name, shape, sizes[shape], word, count) for name in peers for word in (EOS, ALO)
                ]
    return found


def measure(entry: Entry, bootstrap: str, kafka: psutil.Process | None, folder: Path, events: int) -> Result:
    run = names(entry.who, bootstrap, f"keyed{uuid.uuid4().hex[:8]}-")
    folder = folder / run.prefix
    try:
        with contender(entry, run, folder) as processes:
            time.sleep(SETTLE_S)  # the last one's partitions are on their way to it
            watched = [*processes, *([kafka] if kafka else [])]
            sample = lambda: tuple(map(cpu_s, watched))  # noqa: E731 - a name for the two uses below
            broker.send(run, task.messages(task.made(0, WARM_UP_EVENTS), entry.shape, entry.size))
            broker.watch(run, WARM_UP_EVENTS, sample, WAIT_S)
            result = _backlog(entry, run, processes, sample, events)
        _check(entry, run, events)
    finally:
        broker.delete_topics(run)
    return result


def _backlog(
    entry: Entry,
    run: broker.Run,
    processes: list[psutil.Process],
    sample: Callable[[], tuple[float, ...]],
    events: int,
) -> Result:
    for process in processes:
        process.suspend()
    broker.send(run, task.messages(task.made(WARM_UP_EVENTS, events), entry.shape, entry.size))
    before, began = sample(), time.monotonic()
    for process in processes:
        process.resume()
    end = broker.watch(run, WARM_UP_EVENTS + events, sample, WAIT_S)
    memory = sum(map(memory_mib, processes))
    spent = [after - at for at, after in zip(before, end.cpu_s, strict=True)]
    own = spent[: len(processes)]
    assert min(own) >= SHARE_MIN * max(own), (
        f"{TITLES[entry.who]}: one process did nearly all of the work: {own}"
    )
    per = PER / events
    return Result(events / (end.at - began), sum(own) * per, sum(spent[len(processes) :]) * per, memory)


def _check(entry: Entry, run: broker.Run, events: int) -> None:
    wanted: task.Totals = {}
    task.expected(chain(task.made(0, WARM_UP_EVENTS), task.made(WARM_UP_EVENTS, events)), wanted)
    found: task.Totals = {}
    answers = list(broker.read(run))
    task.last_answers(answers, found)
    assert found == wanted, f"{TITLES[entry.who]}: the users' counts are wrong"
    assert len(answers) == WARM_UP_EVENTS + events, f"{TITLES[entry.who]}: {len(answers)} answers"


def title(entry: Entry) -> str:
    shape = {PACK: f"packs of {entry.size}", ARRAY: f"arrays of {entry.size}", SINGLE: "single events"}[
        entry.shape
    ]
    word = "exactly once" if entry.guarantee == EOS else "at least once"
    processes = "one process" if entry.processes == 1 else f"{entry.processes} processes"
    return f"{TITLES[entry.who]}, {shape}, {word}, {processes}"


def rounds(chosen: Sequence[Entry], count: int, events: int) -> dict[Entry, list[Result]]:
    found: dict[Entry, list[Result]] = {entry: [] for entry in chosen}
    prepare([entry.who for entry in chosen], say)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engines.kafka_engine(folder, os.environ, say) as bootstrap:
            for number in range(1, count + 1):
                for entry in chosen:
                    result = measure(entry, bootstrap, broker_process(bootstrap), folder, events)
                    found[entry].append(result)
                    say(f"{number}/{count} {_line(title(entry), result)}")
    return found


def broker_process(bootstrap: str) -> psutil.Process | None:
    """The embedded broker is a child of ours; a foreign one's CPU is not ours to know."""
    port = bootstrap.rpartition(":")[2]
    children = psutil.Process().children(recursive=True)
    for child in children:
        if any(
            found.laddr.port == int(port) and found.status == "LISTEN" for found in child.net_connections()
        ):
            return child
    return None


def median(results: Sequence[Result]) -> Result:
    columns = zip(*(msgspec.structs.astuple(result) for result in results), strict=True)
    return Result(*map(statistics.median, columns))


def figures(found: dict[Entry, list[Result]]) -> list[Figure]:
    return [figure for entry, results in found.items() for figure in _figures(entry, median(results))]


def _figures(entry: Entry, result: Result) -> list[Figure]:
    name, targeted = title(entry), entry == TARGET
    return [
        Figure(stage="keyed", name=f"{name}: rate", value=round(result.rate), unit="events/s",
               at_least=100_000 if targeted else None),
        Figure(stage="keyed", name=f"{name}: CPU", value=round(result.cpu_s, 2), unit="s/100,000",
               at_most=1.5 if targeted else None),
        Figure(stage="keyed", name=f"{name}: the broker's CPU", value=round(result.broker_cpu_s, 2), unit="s/100,000"),
        Figure(stage="keyed", name=f"{name}: memory (PSS)", value=round(result.memory_mib), unit="MiB"),
    ]  # fmt: skip


def run() -> list[Figure]:
    chosen = entries(("ours", "streams", "quix"), (PACK, SINGLE), (2,))
    return figures(rounds(chosen, ROUNDS, EVENTS))


def _line(name: str, result: Result) -> str:
    figures = f"{result.rate:>9,.0f} events/s  {result.cpu_s:5.2f} CPU-s  broker {result.broker_cpu_s:5.2f}"
    return f"{name:<62}{figures}  {result.memory_mib:5.0f} MiB"


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--events", type=int, default=EVENTS)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--only", nargs="+", default=["ours", "streams", "quix"])
    parser.add_argument("--shapes", nargs="+", default=[PACK, SINGLE])
    options = parser.parse_args()
    chosen = entries(options.only, options.shapes, options.processes)
    for entry, results in rounds(chosen, options.rounds, options.events).items():
        sys.stdout.write(_line(title(entry), median(results)) + "\n")


if __name__ == "__main__":
    main()
