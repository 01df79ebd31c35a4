"""From the POST to the answer of a query: single events at a steady rate, a tenth of them watched for in ClickHouse.

The watched ones have an event name of their own; a query of the view `events_resolved` asks for their message ids again and
again. So a figure includes up to one pause between two queries, and the query.
"""

import asyncio
import json
import time
import uuid

from tests.bench import traffic
from tests.bench.figures import Figure
from tests.bench.stand import Stand, stand
from tests.bench.steady import Sender, Shape, quantile

RATE = 500
WATCHED_EVERY = 10
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


async def measure(there: Stand) -> Watch:
    run = uuid.uuid4().hex[:8]
    watch = Watch(run)
    sender = Sender(*there.collector)
    await sender.open(CONNECTIONS)
    usual = Shape(RATE * (1 - 1 / WATCHED_EVERY), 1, "/v1/track", lambda number: traffic.call(run, number))
    watched = Shape(RATE / WATCHED_EVERY, 1, "/v1/track", watch.body)
    ignored = Shape(RATE / WATCHED_EVERY, 1, "/v1/track", lambda number: traffic.call(run, number))
    number = await sender.run([usual, ignored], WARM_UP_S, 0)
    is_over = asyncio.Event()
    looking = asyncio.create_task(_look(there, watch, is_over))
    await sender.run([usual, watched], SECONDS, number)
    await sender.settle(SETTLE_S)
    async with asyncio.timeout(SETTLE_S):
        while len(watch.seen) < len(watch.due):
            await asyncio.sleep(PAUSE_S)
    is_over.set()
    await looking  # its last question is answered: a connection asks one at a time
    sender.close()
    assert not sender.tally.refused, f"{sender.tally.refused} events were refused"
    return watch


async def _look(there: Stand, watch: Watch, is_over: asyncio.Event) -> None:
    while not is_over.is_set():
        await asyncio.to_thread(watch.look, there)
        await asyncio.sleep(PAUSE_S)


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
