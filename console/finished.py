"""Which attempt counts of runs that are done, in memory: none follows the one that was published, so it is asked for once. Pure.

A run concerns everybody, so whoever is looked up asks of the same few. Runs that are not done are asked for each time.
"""

from collections.abc import Collection, Mapping

RUNS_MAX = 10_000  # a week of refreshes, one a minute


class Finished:
    """By run the attempt that counts, of the runs that were learnt last. Safe for threads: of what two learn at one moment one's
    may be lost, and is asked for again."""

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._runs_max = runs_max
        self._counts: dict[int, int] = {}

    def of(self, runs: Collection[int]) -> dict[int, int]:
        """Those of them that are known."""
        counts = self._counts
        return {run: counts[run] for run in runs if run in counts}

    def learn(self, counts: Mapping[int, int]) -> None:
        if counts:
            learnt = {**self._counts, **counts}
            self._counts = dict(list(learnt.items())[-self._runs_max :])
