"""The tally of a long run: a JSON file that every round adds to, so that a run can be stopped and taken up again.

Pure but for `load` and `save`.
"""

import os
import statistics
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec

FILE = "tally.json"


class Injected(msgspec.Struct, frozen=True):
    """One fault; `recovered_s` from its beginning until every partition flowed again."""

    kind: str
    recovered_s: float


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One fleet's life: the faults that it met, and what was found afterwards. `wrongs`: in words."""

    seed: int
    number: int
    shape: str
    faults: list[Injected]
    events: int
    attempts: int
    failures: int
    lost: int
    doubled: int
    wrongs: list[str] = []
    exits: list[str] = []  # processes that ended by themselves, and were started again
    seconds: float = 0.0

    @property
    def is_right(self) -> bool:
        return not (self.lost or self.doubled or self.wrongs)


class Tally(msgspec.Struct):
    rounds: list[Round] = []

    @property
    def faults(self) -> list[Injected]:
        return [fault for one in self.rounds for fault in one.faults]

    @property
    def is_right(self) -> bool:
        return all(one.is_right for one in self.rounds)

    def next_number(self, seed: int) -> int:
        return 1 + max((one.number for one in self.rounds if one.seed == seed), default=-1)


def load(folder: Path) -> Tally:
    path = folder / FILE
    return msgspec.json.decode(path.read_bytes(), type=Tally) if path.exists() else Tally()


def save(tally: Tally, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    fresh = folder / f"{FILE}.new"
    fresh.write_bytes(msgspec.json.format(msgspec.json.encode(tally), indent=1))
    os.replace(fresh, folder / FILE)


def table(tally: Tally) -> str:
    """Markdown: a line by kind of fault, then the sums."""
    by_kind: dict[str, list[float]] = defaultdict(list)
    for fault in tally.faults:
        by_kind[fault.kind].append(fault.recovered_s)
    lines = ["| fault | times | seconds to recover, median | most |", "|---|---|---|---|"]
    lines += [f"| {kind} | {len(found)} | {_two(found)} |" for kind, found in sorted(by_kind.items())]
    every = [seconds for found in by_kind.values() for seconds in found]
    lines.append(f"| **all** | **{len(every)}** | {_two(every)} |")
    return "\n".join([*lines, "", *_sums(tally)])


def _two(seconds: list[float]) -> str:
    return f"{statistics.median(seconds):.1f} | {max(seconds):.1f}" if seconds else "- | -"


def _sums(tally: Tally) -> Iterable[str]:
    rounds = tally.rounds
    total = {name: sum(getattr(one, name) for one in rounds) for name in ("events", "attempts", "failures")}
    yield f"{len(rounds)} fleets, {len(tally.faults)} faults, {total['events']:,} events accepted;"
    yield f"{total['attempts']:,} requests, {total['failures']:,} of them not answered with 200;"
    yield f"lost {sum(one.lost for one in rounds)}, doubled {sum(one.doubled for one in rounds)},"
    yield f"other contradictions {sum(len(one.wrongs) for one in rounds)}."
    for one in rounds:
        for wrong in one.wrongs:
            yield f"- seed {one.seed}, round {one.number}: {wrong}"
