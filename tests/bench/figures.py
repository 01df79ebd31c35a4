"""What a benchmark found, as one table and one JSON file. Pure but for writing that file.

A figure may have a target, and a peer's figure beside it. A target that is missed is marked, never an error: these are scripts,
not tests.
"""

import platform
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec
import psutil

COLUMNS = ("stage", "figure", "value", "unit", "target", "", "for comparison")
ADDITIONS = 10_000_000
ROOT = Path(__file__).resolve().parents[2]


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """`at_most` and `at_least` are targets; `peer` is what others did on another machine (docs/benchmarks.md)."""

    stage: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    peer: str = ""

    @property
    def target(self) -> str:
        if self.at_most is not None:
            return f"<= {_number(self.at_most)}"
        return "" if self.at_least is None else f">= {_number(self.at_least)}"

    @property
    def verdict(self) -> str:
        if not self.target:
            return ""
        too_much = self.at_most is not None and self.value > self.at_most
        too_little = self.at_least is not None and self.value < self.at_least
        return "missed" if too_much or too_little else "ok"


class Machine(msgspec.Struct, frozen=True):
    """`yardstick_s`: CPU seconds of ten million additions in Python. The same machine takes half as long again on another day:
    figures of two days compare by it."""

    cpu: str
    cores: int
    memory_mib: int
    system: str
    python: str
    yardstick_s: float


class Report(msgspec.Struct, frozen=True):
    commit: str
    machine: Machine
    load_average: float  # of the last minute before: figures of a busy machine are worth little
    figures: list[Figure]


def machine() -> Machine:
    return Machine(
        cpu=_cpu_name(),
        cores=psutil.cpu_count() or 0,
        memory_mib=psutil.virtual_memory().total >> 20,
        system=platform.platform(),
        python=platform.python_version(),
        yardstick_s=_yardstick_s(),
    )


def _yardstick_s() -> float:
    """The least of three."""
    found = []
    for _ in range(3):
        total, started = 0, time.process_time()
        for number in range(ADDITIONS):
            total += number
        found.append(time.process_time() - started)
    return min(found)


def commit() -> str:
    """With a + when the working tree differs from it."""
    argv = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def table(figures: Sequence[Figure]) -> str:
    rows = [COLUMNS, *(_row(figure) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    return "".join(_line(row, widths) for row in rows)


def heading(report: Report) -> str:
    found = report.machine
    return (
        f"commit {report.commit}; {found.cpu}, {found.cores} cores, {found.memory_mib} MiB; Python {found.python}, "
        f"ten million additions {found.yardstick_s:.2f} CPU-s; "
        f"load average {report.load_average:.1f} at the start\n"
    )


def write(report: Report, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def _row(figure: Figure) -> tuple[str, ...]:
    value = _number(figure.value)
    return (figure.stage, figure.name, value, figure.unit, figure.target, figure.verdict, figure.peer)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = [
        cell.rjust(width) if column == COLUMNS.index("value") else cell.ljust(width)
        for column, (cell, width) in enumerate(zip(row, widths, strict=True))
    ]
    return "  ".join(cells).rstrip() + "\n"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
