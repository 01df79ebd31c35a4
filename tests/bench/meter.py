"""CPU seconds and memory of processes that somebody else started, under names: what a stage costs.

A stage's figure includes its children. CPU seconds hardly depend on what else the machine does; wall-clock figures do.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

import psutil

MIB = 1 << 20
PER = 100_000  # events


class Meter:
    """CPU seconds spent since it was made, by name."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        self._processes = processes
        self._began = {name: cpu_s(process) for name, process in processes.items()}
        self._began_at = time.monotonic()

    def cpu_s(self) -> dict[str, float]:
        return {name: cpu_s(process) - self._began[name] for name, process in self._processes.items()}

    @property
    def seconds(self) -> float:
        return time.monotonic() - self._began_at


def own_cpu_s() -> float:
    """Of this process alone."""
    return sum(psutil.Process().cpu_times()[:2])


def cpu_s(process: psutil.Process) -> float:
    return sum(sum(member.cpu_times()[:2]) for member in _tree(process))


def memory_mib(process: psutil.Process) -> float:
    """PSS, where there is such a thing: a page that several processes share counts once in all of them together."""
    used = 0
    for member in _tree(process):
        with suppress(psutil.NoSuchProcess):
            info = member.memory_full_info()
            used += getattr(info, "pss", info.rss)
    return used / MIB


def _tree(process: psutil.Process) -> Iterator[psutil.Process]:
    yield process
    yield from process.children(recursive=True)
