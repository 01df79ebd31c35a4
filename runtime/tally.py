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
        registry.register(self)

    def collect(self) -> Iterator[Metric]:
        family = CounterMetricFamily(*self._described, labels=self._labels)
        for values, count in self.counts.copy().items():
            family.add_metric(list(map(str, values)), count)
        yield family


class Spread(Collector):
    """A histogram without labels; `bounds` are the upper ends of its buckets, ascending."""

    def __init__(
        self, name: str, documentation: str, bounds: Sequence[float], registry: CollectorRegistry = REGISTRY
    ) -> None:
        self._described = (name, documentation)
        self._bounds = tuple(bounds)
        self._names = [*map(floatToGoString, bounds), "+Inf"]
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(*self._described)
        below, buckets = 0, []
        for name, count in zip(self._names, self._counts.copy(), strict=True):
            below += count
            buckets.append((name, float(below)))
        family.add_metric([], buckets, self._sum)
        yield family
