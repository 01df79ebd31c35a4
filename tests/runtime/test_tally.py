"""Plain numbers are exposed as Prometheus' own counters and histograms are."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from runtime.tally import Spread, Tally

BOUNDS = (0.001, 0.5, 5)
VALUES = (0.0, 0.001, 0.0011, 0.5, 4.9, 5, 70)


def exposed(registry: CollectorRegistry) -> list[str]:
    """All lines but the times at which the metrics were made."""
    return [line for line in generate_latest(registry).decode().splitlines() if "_created" not in line]


def test_a_tally_reads_like_a_counter() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("requests", "Requests", ["path", "status"], ours)
    counter = Counter("requests", "Requests", ["path", "status"], registry=theirs)
    for labels, count in ((("track", "200"), 3), (("other", "404"), 1), (("track", "200"), 2)):
        tally.counts[labels] += count
        counter.labels(*labels).inc(count)
    assert exposed(ours) == exposed(theirs)


def test_a_spread_reads_like_a_histogram() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = Spread("seconds", "Seconds", BOUNDS, ours)
    histogram = Histogram("seconds", "Seconds", buckets=BOUNDS, registry=theirs)
    for value in VALUES:
        spread.observe(value)
        histogram.observe(value)
    assert exposed(ours) == exposed(theirs)


def test_a_cell_is_shown_with_what_else_is_counted_of_its_labels() -> None:
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    tally = Tally("requests", "Requests", ["path", "status"], ours)
    counter = Counter("requests", "Requests", ["path", "status"], registry=theirs)
    cell = tally.cell("track", 200)
    cell[0] += 3
    tally.counts["track", 200] += 1
    tally.cell("track", 200)[0] += 1
    tally.cell("track", 503)[0] += 2
    counter.labels("track", "200").inc(5)
    counter.labels("track", "503").inc(2)
    assert exposed(ours) == exposed(theirs)
