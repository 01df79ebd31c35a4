"""How many single-event requests one collector answers: bounded load on 127.0.0.1 from raw sockets. A script, not a test.

    python -m tests.bench.collector --url http://127.0.0.1:8080 --key dev --pid PID --connections 256 --seconds 5

Prints requests/s, the latencies, and with --pid the collector's CPU seconds per 100,000 events. The load takes about as much CPU
as the collector: on a small machine the two share it, and the figure is a floor.
"""

import argparse
import asyncio
import base64
import itertools
import statistics
import sys
import time
from typing import cast
from urllib.parse import urlsplit

import msgspec
import psutil
import uvloop

PADDING = "x" * 60
REQUESTS = 10_000


class Load(asyncio.Protocol):
    """One connection with one request at a time."""

    def __init__(self, requests: "itertools.cycle[bytes]", until: float) -> None:
        self.requests = requests
        self.until = until
        self.seconds: list[float] = []
        self.failures = 0
        self.sent_at = 0.0
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        self.send()

    def send(self) -> None:
        self.sent_at = time.monotonic()
        if self.sent_at > self.until:
            self.transport.close()
            return
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        # Replies are far smaller than a packet, and nothing is pipelined: one piece is one reply.
        self.seconds.append(time.monotonic() - self.sent_at)
        self.failures += not data.startswith(b"HTTP/1.1 200")
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        self.failures += error is not None
        self.done.set_result(None)


def event(number: int) -> dict[str, object]:
    page = {
        "path": "/shop",
        "url": "https://shop.example/shop",
        "title": "Shop",
        "referrer": "https://search.example/",
    }
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
            "note": PADDING,
        },
        "context": {
            "page": page,
            "userAgent": "Mozilla/5.0 (X11; Linux x86_64)",
            "locale": "en-GB",
            "ip": "192.0.2.1",
        },
    }


def request(path: str, key: str, document: object) -> bytes:
    body = msgspec.json.encode(document)
    basic = base64.b64encode(f"{key}:".encode()).decode()
    head = f"POST {path} HTTP/1.1\r\nhost: c\r\nauthorization: Basic {basic}\r\ncontent-type: application/json\r\n"
    return head.encode() + f"content-length: {len(body)}\r\n\r\n".encode() + body


def requests_of(options: argparse.Namespace) -> list[bytes]:
    if options.batch == 1:
        return [request("/v1/track", options.key, event(number)) for number in range(REQUESTS)]
    starts = range(0, REQUESTS, options.batch)
    batches = [[event(start + place) for place in range(options.batch)] for start in starts]
    return [request("/v1/batch", options.key, {"batch": batch}) for batch in batches]


async def run(options: argparse.Namespace, requests: list[bytes]) -> list[Load]:
    address = urlsplit(options.url)
    supply, until = itertools.cycle(requests), time.monotonic() + options.seconds
    loop = asyncio.get_running_loop()
    loads = []
    for _ in range(options.connections):
        _, load = await loop.create_connection(lambda: Load(supply, until), address.hostname, address.port)
        loads.append(load)
    await asyncio.gather(*(load.done for load in loads))
    return loads


def cpu_seconds(pid: int) -> float:
    if not pid:
        return 0.0
    process = psutil.Process(pid)
    return sum(sum(part.cpu_times()[:2]) for part in (process, *process.children()))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--key", default="dev")
    parser.add_argument("--pid", type=int, default=0)
    parser.add_argument("--connections", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1, help="events in a request")
    parser.add_argument("--seconds", type=float, default=5)
    options = parser.parse_args()
    requests = requests_of(options)
    cpu, started = cpu_seconds(options.pid), time.monotonic()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        loads = runner.run(run(options, requests))
    elapsed, cpu = time.monotonic() - started, cpu_seconds(options.pid) - cpu
    report(options, loads, elapsed, cpu)


def report(options: argparse.Namespace, loads: list[Load], elapsed: float, cpu: float) -> None:
    seconds = sorted(value for load in loads for value in load.seconds)
    events = len(seconds) * options.batch
    figures = {
        "requests_per_s": round(len(seconds) / elapsed),
        "events_per_s": round(events / elapsed),
        "p50_ms": round(1000 * statistics.median(seconds), 2),
        "p99_ms": round(1000 * seconds[int(len(seconds) * 0.99)], 2),
        "cpu_s_per_100000_events": round(cpu / events * 100_000, 2) if options.pid else None,
        "failures": sum(load.failures for load in loads),
    }
    sys.stdout.write(msgspec.json.encode(figures).decode() + "\n")


if __name__ == "__main__":
    main()
