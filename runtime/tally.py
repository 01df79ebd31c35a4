"""Counters and a histogram for one thread that counts very often: plain numbers, read only when the metrics are asked for.

prometheus_client's own take a lock and several calls for each count, which is fine once a chunk and too much once a request.
Exposed under the same names and in the same form. Absent: counting from several threads.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import REGISTRY, Collector, CollectorRegistry
from prometheus_client.utils import floatToGoString


class Tally(Collector):
    """A counter: `counts[labels] += n`, with the values of the labels in the order of their names; numbers are shown as text."""

    def __init__(
        self, name: str, documentation: str, labels: Sequence[str], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._described = (name, documentation)
        self._labels = tuple(labels)
        self.counts: defaultdict[tuple[str | int, ...], int] = defaultdict(int)
        self._cells: dict[tuple[str | int, ...], list[int]] = {}
        registry.register(self)

    def cell(self, *labels: str | int) -> list[int]:
        """One number, shown with what is counted of these labels; `cell[0] += n` for whoever counts the same again and again."""
        return self._cells.setdefault(labels, [0])

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(*self._described, labels=self._labels)
        counts = self.counts.copy()
        for values, cell in self._cells.copy().items():
            counts[values] += cell[0]
        for values, count in counts.items():
            family.add_metric(list(map(str, values)), count)
        yield family


class Spread(Collector):
    """A histogram without labels; `bounds` are the upper ends of its buckets, ascending.

    `counts` has a number for each and one for what is beyond, `sums` has one. Who counts very often does so there
    (collector/meter.py).
    """

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._described = (name, documentation)
        self.bounds = tuple(map(float, bounds))
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self.counts = [0] * (len(bounds) + 1)
        self.sums = [0.0]
        registry.register(self)

    def observe(self, value: float) -> None:
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sums[0] += value

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(*self._described)
        below, buckets = 0, []
        for name, count in zip(self._names, self.counts.copy(), strict=True):
            below += count
            buckets.append((name, float(below)))
        family.add_metric([], buckets, self.sums[0])
        yield family
