"""What several workers tell of themselves, added up."""

import asyncio
import os
import socket

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from collector.siblings import PORTS, SOCKET, SiblingSilent, Sums, meeting_siblings, open_meeting


def text(counts: dict[str, int], waiting: int, seconds: list[float]) -> bytes:
    registry = CollectorRegistry()
    counter = Counter("stitchline_events", "Events", ["source"], registry=registry)
    for source, count in counts.items():
        counter.labels(source).inc(count)
    Gauge("stitchline_waiting", "Waiting", registry=registry).set(waiting)
    histogram = Histogram("stitchline_seconds", "Seconds", buckets=(1, 2), registry=registry)
    for value in seconds:
        histogram.observe(value)
    Gauge("process_memory", "Of one process", registry=registry).set(7)
    return generate_latest(registry)


def samples(texts: list[bytes]) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(Sums(texts))
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in (line.rsplit(" ", 1) for line in lines)}


def test_counters_gauges_and_histograms_add_up() -> None:
    found = samples(
        [text({'a"\\\n': 1, "b": 2}, 3, [0.5, 1.5]), text({"b": 5, "c": 7}, 4, [9.0]), text({}, 0, [])]
    )
    assert {name: value for name, value in found.items() if "_created" not in name} == {
        'stitchline_events_total{source="a\\"\\\\\\n"}': 1,
        'stitchline_events_total{source="b"}': 7,
        'stitchline_events_total{source="c"}': 7,
        "stitchline_waiting": 7,
        'stitchline_seconds_bucket{le="1.0"}': 1,
        'stitchline_seconds_bucket{le="2.0"}': 2,
        'stitchline_seconds_bucket{le="+Inf"}': 3,
        "stitchline_seconds_count": 3,
        "stitchline_seconds_sum": 11,
    }


def test_one_text_alone_keeps_its_form() -> None:
    one = text({"a": 1}, 2, [1.0])
    registry = CollectorRegistry()
    registry.register(Sums([one]))
    ours = [line for line in one.splitlines() if b"process_memory" not in line]
    assert generate_latest(registry).splitlines() == ours


def test_workers_hear_each_other_and_one_that_is_silent_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    async def told() -> tuple[bytes, bytes]:
        meeting = open_meeting(2)
        first, second = (inherited(meeting.environment(place)) for place in (0, 1))
        for own in meeting.sockets:
            own.close()  # as the parent's are not the workers'
        async with meeting_siblings(first) as ask_first:
            with monkeypatch.context() as impatient:
                impatient.setattr("collector.siblings.ANSWER_TIMEOUT_S", 0.2)
                with pytest.raises(SiblingSilent):
                    await ask_first()
            async with meeting_siblings(second) as ask_second:
                return await ask_first(), await ask_second()

    first, second = asyncio.run(told())
    assert b"stitchline_collector_queued_events" in first
    assert b"process_" not in first
    assert b"stitchline_collector_queued_events" in second


def inherited(environ: dict[str, str]) -> dict[str, str]:
    """A worker's own copy of its socket."""
    assert set(environ) == {SOCKET, PORTS}
    with socket.socket(fileno=os.dup(int(environ[SOCKET]))) as copy:
        return environ | {SOCKET: str(copy.detach())}


def test_a_single_worker_tells_its_own() -> None:
    async def told() -> bytes:
        async with meeting_siblings({}) as ask:
            return await ask()

    assert b"stitchline_collector_queued_events" in asyncio.run(told())
