"""Which attempt counts of runs that are done, in memory: no attempt follows the one that was published, so it is asked for once.

A run concerns everybody, so whoever is looked up asks of the same few. Runs that are not done are asked for each time.
"""

from collections.abc import Collection, Mapping
from threading import Lock

RUNS_MAX = 10_000  # a week of refreshes, one a minute


class Finished:
    """By run the attempt that counts, of the runs that were learnt last. Safe for threads."""

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._runs_max = runs_max
        self._counts: dict[int, int] = {}
        self._lock = Lock()

    def of(self, runs: Collection[int]) -> dict[int, int]:
        """Those of them that are known."""
        with self._lock:
            return {run: self._counts[run] for run in runs if run in self._counts}

    def learn(self, counts: Mapping[int, int]) -> None:
        with self._lock:
            for run, attempt in counts.items():
                self._counts.pop(run, None)
                self._counts[run] = attempt
            while len(self._counts) > self._runs_max:
                del self._counts[next(iter(self._counts))]
