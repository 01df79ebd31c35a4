"""The pipeline of driver.py on workers that crash: chunks that come to nothing, state that is read back from its changelog,
changelogs that lost their end.

What a step puts out, what it changed and how far it read are one transaction, so a crash loses all three or none. A changelog
that lost its end (as a cluster may that was told to go on without its newest replica) takes the position back with it: the
same records are read once more, in other chunks, and their outputs are there twice.
"""

from collections import defaultdict
from typing import Any

from tests.processors.driver import Pipeline

Place = tuple[str, int]
Change = tuple[int, dict[bytes, bytes | None]]  # position behind the chunk; what it wrote


class UnsteadyPipeline(Pipeline):
    """`losses`: how many changelogs may lose their end, over all."""

    def __init__(self, partitions: int = 3, seed: int = 0, *, losses: int = 0) -> None:
        super().__init__(partitions, seed)
        self.changelogs: dict[Place, list[Change]] = defaultdict(list)
        self.losses = losses
        self.crashes = 0

    def _work(self, topic: str, partition: int) -> None:
        place = topic, partition
        if self.random.random() < 0.3:
            self._restart(place)
        if self.random.random() < 0.3:  # before its transaction was committed: nobody sees anything of it
            self.steps[topic](partition, self._chunk(place), dict(self.states[place]))
            self.crashes += 1
            return
        before = dict(self.states[place])
        super()._work(topic, partition)
        after = self.states[place]
        written = {
            key: after.get(key) for key in before.keys() | after.keys() if before.get(key) != after.get(key)
        }
        self.changelogs[place].append((self.positions[place], written))

    def _restart(self, place: Place) -> None:
        """Another worker takes over: state and position are what the changelog says."""
        changelog = self.changelogs[place]
        if self.losses and changelog and self.random.random() < 0.3:
            self.losses -= 1
            del changelog[self.random.randrange(len(changelog)) :]
        state: dict[bytes, bytes] = {}
        for _, written in changelog:
            for key, value in written.items():
                if value is None:
                    state.pop(key, None)
                else:
                    state[key] = value
        self.states[place] = state
        self.positions[place] = changelog[-1][0] if changelog else 0

    def _point(self, record: dict[str, Any]) -> None:
        """A row of a later version stands, whenever it comes; of the same version the one that came last."""
        known = self.pointers.get(record["node"])
        if known is None or known["version"] <= record["version"]:
            self.pointers[record["node"]] = record
