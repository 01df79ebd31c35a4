"""What one collector does with single events and with batches: requests a second, CPU, latencies, memory. A script, not a test.

    python -m tests.bench.collector [--seconds 5] [--connections 32 256 1024] [--batch 1] [--json]

Starts a collector on the Kafka that the environment names, else on an embedded one. Every request is a real one of some 610
bytes an event, checked in full and answered after acks=all. Load, collector and broker share the machine, so that requests a
second are a floor; CPU seconds for 100,000 events hardly depend on what else runs.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import psutil

from runtime import logs
from tests import engines
from tests.bench.http_load import Load, load
from tests.bench.meter import MIB, PER, cpu_s
from tests.bench.steady import post
from tests.collector import process as collectors

EVENTS = 10_000  # made beforehand, then sent again and again
PARTITIONS = "4"  # of the embedded deployment, which is what this measures
WARM_UP_S = 1.0


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One measurement. CPU is in seconds per 100,000 events; the broker's is None when it is not ours to look at."""

    connections: int
    batch: int
    requests_per_s: int
    events_per_s: int
    p50_ms: float
    p99_ms: float
    collector_cpu_s: float
    broker_cpu_s: float | None
    load_cpu_s: float
    collector_mib: int
    failures: int


class Stand(msgspec.Struct, frozen=True):
    """What is measured; `broker` is None when it was there before."""

    collector: psutil.Process
    address: tuple[str, int]
    broker: psutil.Process | None


def event(number: int) -> dict[str, object]:
    """As the pixel sends it: 610 bytes of JSON."""
    return {
        "type": "track",
        "event": "Product Viewed",
        "anonymousId": f"visitor-{number % 5_000}",
        "messageId": f"message-{number}-{time.monotonic_ns()}",
        "timestamp": "2026-01-02T03:04:05.678Z",
        "properties": {
            "product_id": "507f1f77",
            "price": 18.99,
            "name": "Monopoly",
            "category": "Games",
            "note": "x" * 160,
        },
        "context": {
            "page": {
                "path": "/shop",
                "url": "https://shop.example/shop",
                "title": "Shop",
                "referrer": "https://search.example/",
            },
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
            "locale": "en-GB",
            "ip": "192.0.2.1",
        },
    }


def request(path: str, document: object) -> bytes:
    return post(path, msgspec.json.encode(document), collectors.KEY)


def requests_of(batch: int) -> list[bytes]:
    if batch == 1:
        return [request("/v1/track", event(number)) for number in range(EVENTS)]
    return [
        request("/v1/batch", {"batch": [event(number) for number in range(start, start + batch)]})
        for start in range(0, EVENTS, batch)
    ]


def stand(cleanup: ExitStack) -> Stand:
    folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory()))
    bootstrap = cleanup.enter_context(engines.kafka_engine(folder, os.environ, lambda text: None))
    environ = collectors.environment(bootstrap) | {"STITCHLINE_PARTITIONS": PARTITIONS}
    collectors.prepare(environ)
    cleanup.callback(engines.delete_topics, bootstrap, environ["STITCHLINE_TOPIC_PREFIX"])
    collector = cleanup.enter_context(collectors.running(environ))
    return Stand(
        collector=psutil.Process(collector.process.pid),
        address=("127.0.0.1", collector.port),
        broker=_broker(),
    )


def _broker() -> psutil.Process | None:
    """Kafka's Java process, when it is a descendant of ours; it runs under a leash."""
    mine = psutil.Process().children(recursive=True)
    return next((child for child in mine if child.name().startswith("java")), None)


def _cpu_s(stand: Stand) -> tuple[float, float]:
    """Of the collector and of the broker."""
    return cpu_s(stand.collector), cpu_s(stand.broker) if stand.broker else 0.0


def measure(stand: Stand, connections: int, batch: int, seconds: float) -> Row:
    requests = requests_of(batch)
    load(stand.address, requests, connections, WARM_UP_S)
    before = _cpu_s(stand)
    seen = load(stand.address, requests, connections, seconds)
    after = _cpu_s(stand)
    return row(stand, connections, batch, seen, (after[0] - before[0], after[1] - before[1]))


def row(stand: Stand, connections: int, batch: int, seen: Load, spent: tuple[float, float]) -> Row:
    events = seen.requests * batch
    return Row(
        connections=connections,
        batch=batch,
        requests_per_s=round(seen.requests / seen.elapsed_s),
        events_per_s=round(events / seen.elapsed_s),
        p50_ms=round(seen.latency_ms(0.5), 2),
        p99_ms=round(seen.latency_ms(0.99), 2),
        collector_cpu_s=round(spent[0] / events * PER, 2),
        broker_cpu_s=round(spent[1] / events * PER, 2) if stand.broker else None,
        load_cpu_s=round(seen.cpu_s / events * PER, 2),
        collector_mib=round(stand.collector.memory_info().rss / MIB),
        failures=seen.failures,
    )


def rows(connections: list[int], batches: list[int], seconds: float) -> Iterator[Row]:
    with ExitStack() as cleanup:
        found = stand(cleanup)
        for batch in batches:
            for count in connections:
                yield measure(found, count, batch, seconds)


def table(found: list[Row]) -> str:
    names = Row.__struct_fields__
    lines = [names, *([str(getattr(row, name)) for name in names] for row in found)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(names))]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, nargs="+", default=[32, 256, 1024])
    parser.add_argument("--batch", type=int, nargs="+", default=[1], help="events in a request")
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    logs.configure("bench", logging.WARNING)
    found = list(rows(options.connections, options.batch, options.seconds))
    text = msgspec.json.encode(found).decode() if options.json else table(found)
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
