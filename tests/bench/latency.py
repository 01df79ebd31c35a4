"""From the POST to the answer of a query: single events at a steady rate, a tenth of them watched for in ClickHouse.

The watched ones have an event name of their own; a query of the view `events_resolved` asks for their message ids again and
again. So a figure includes up to one pause between two queries, and the query. `busy` does the same beside the chain's load,
with what waits for more (docs/decisions/0074) and without, by turns.
"""

import asyncio
import json
import time
import uuid
from collections.abc import Sequence

from tests.bench import chain, traffic
from tests.bench.figures import Figure
from tests.bench.stand import Stand, stand
from tests.bench.steady import Sender, Shape, quantile

RATE = 500
WATCHED_PER_S = 50
BUSY_PAUSE_S = 0.1  # a query that finds nothing new is a load of its own
BUSY_RATES = (4_000, chain.RATE)
SECONDS = 20.0
WARM_UP_S = 5.0
PAUSE_S = 0.02
SETTLE_S = 30.0
CONNECTIONS = 64
SQL = "SELECT message_id FROM events_resolved WHERE workspace = 'main' AND event = '{name}'"


class Watch:
    """When each watched event was due, and when it was first seen."""

    def __init__(self, run: str) -> None:
        self.name = f"Watched {run}"
        self.due: dict[str, float] = {}
        self.seen: dict[str, float] = {}

    def body(self, number: int) -> bytes:
        message_id = f"{self.name}-{number}"
        self.due[message_id] = time.monotonic()
        visitor = f"visitor-{number % traffic.VISITORS}"
        call = {"type": "track", "event": self.name, "messageId": message_id, "anonymousId": visitor}
        return json.dumps(call | {"properties": {"number": number}}).encode()

    def look(self, there: Stand) -> None:
        found = there.up.ask(SQL.format(name=self.name))
        now = time.monotonic()
        for (message_id,) in found:
            self.seen.setdefault(message_id, now)

    @property
    def seconds(self) -> list[float]:
        return [at - self.due[message_id] for message_id, at in self.seen.items()]


async def measure(there: Stand, rate: float = RATE, pause_s: float = PAUSE_S) -> Watch:
    run = uuid.uuid4().hex[:8]
    watch = Watch(run)
    sender = Sender(*there.collector)
    await sender.open(CONNECTIONS)
    usual = _usual(run, rate)
    watched = Shape(WATCHED_PER_S, 1, "/v1/track", watch.body)
    ignored = Shape(WATCHED_PER_S, 1, "/v1/track", lambda number: traffic.call(run, number))
    number = await sender.run([*usual, ignored], WARM_UP_S, 0)
    is_over = asyncio.Event()
    looking = asyncio.create_task(_look(there, watch, pause_s, is_over))
    await sender.run([*usual, watched], SECONDS, number)
    await sender.settle(SETTLE_S)
    async with asyncio.timeout(SETTLE_S):
        while len(watch.seen) < len(watch.due):
            await asyncio.sleep(PAUSE_S)
    is_over.set()
    await looking  # its last question is answered: a connection asks one at a time
    sender.close()
    assert not sender.tally.refused, f"{sender.tally.refused} events were refused"
    return watch


def _usual(run: str, rate: float) -> Sequence[Shape]:
    """What is not watched: single events, or at high rates the chain's requests."""
    if rate > RATE:
        return chain.shapes(run, rate - WATCHED_PER_S)
    return [Shape(rate - WATCHED_PER_S, 1, "/v1/track", lambda number: traffic.call(run, number))]


async def _look(there: Stand, watch: Watch, pause_s: float, is_over: asyncio.Event) -> None:
    while not is_over.is_set():
        await asyncio.to_thread(watch.look, there)
        await asyncio.sleep(pause_s)


def figures(there: Stand) -> list[Figure]:
    seconds = asyncio.run(measure(there)).seconds
    load = f"POST to queryable, {RATE} events/s"
    return [
        Figure(stage="chain", name=f"{load}: median", value=quantile(seconds, 0.5), unit="s", at_most=1),
        Figure(stage="chain", name=f"{load}: p99", value=quantile(seconds, 0.99), unit="s", at_most=3),
    ]


def run() -> list[Figure]:
    with stand() as there:
        return figures(there)


def busy() -> list[Figure]:
    found = []
    for rate in BUSY_RATES:
        for wait_ms in ("0", "250"):
            with stand(PROCESSOR_BUSY_WAIT_MS_MAX=wait_ms) as there:
                seconds = asyncio.run(measure(there, rate, BUSY_PAUSE_S)).seconds
            load = f"POST to queryable, {rate} events/s, waiting {wait_ms} ms for more"
            for name, share in (("median", 0.5), ("p99", 0.99)):
                value = round(quantile(seconds, share), 2)
                found.append(Figure(stage="busy latency", name=f"{load}: {name}", value=value, unit="s"))
    return found
