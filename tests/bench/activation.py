"""From the POST of an event to the webhook that a rule sends for it: a whole stack, 500 events a second, twenty of them awaited.

    python -m tests.bench activation

Half of those that are awaited fire a rule that asks nothing of the person, half one that asks for a trait and keeps to a cap.
Both wait for ClickHouse, which says whom an event belongs to. The receiver is a thread of this process.
"""

import asyncio
import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import yaml

from deploy.applying.authority import Wish
from deploy.applying.configuration import apply_file
from runtime.environment.settings import KafkaSettings, load
from tests.bench import traffic
from tests.bench.figures import Figure
from tests.bench.stand import Stand, stand
from tests.bench.steady import Sender, Shape, quantile

RATE, AWAITED = 500, 20
SECONDS = 20.0
WARM_UP_S = 5.0
SETTLE_S = 60.0
CONNECTIONS = 64
POLL_S = 0.05
PLAIN, ASKING = "Awaited Plain", "Awaited Asking"
LIMITS: dict[str, dict[str, Any]] = {
    PLAIN: {},
    ASKING: {
        "conditions": {"traits": [{"name": "plan", "op": "missing"}]},
        "limits": {"caps": [{"max": 1_000, "within": "7d"}]},
    },
}


class Awaited:
    """When each event was sent, and when its webhook came."""

    def __init__(self) -> None:
        self.sent: dict[str, float] = {}
        self.came: dict[str, float] = {}

    def body(self, event: str, number: int) -> bytes:
        key = f"{event}/{uuid.uuid4()}"
        self.sent[key] = time.monotonic()
        call = {"type": "track", "event": event, "anonymousId": f"visitor-{number}", "messageId": key}
        return json.dumps(call | {"properties": {"key": key}}).encode()

    def take(self, key: str) -> None:
        """A late one of before the measured time is not awaited."""
        if key in self.sent:
            self.came.setdefault(key, time.monotonic())

    def seconds(self, event: str) -> list[float]:
        return [at - self.sent[key] for key, at in self.came.items() if key.startswith(event)]

    @property
    def is_whole(self) -> bool:
        return self.sent.keys() <= self.came.keys()


@contextmanager
def receiving(awaited: Awaited) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            said = json.loads(self.rfile.read(int(self.headers["content-length"])))
            awaited.take(said["key"])
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """A line for each request says nothing here."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


def applied(there: Stand, url: str) -> None:
    rules = [
        {
            "rule": event.lower().replace(" ", "-"),
            "trigger": {"event": {"event": event}},
            "action": {"webhook": {"destination": "receiver", "body": {"key": "{{ event.properties.key }}"}}},
            **asked,
        }
        for event, asked in LIMITS.items()
    ]
    destination = {"destination": "receiver", "http": {"url": url, "allow_private_addresses": True}}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "rules.yaml")
        file.write_text(yaml.safe_dump({"destinations": [destination], "rules": rules}))
        kafka = load(KafkaSettings, {"KAFKA_BOOTSTRAP_SERVERS": there.up.addresses["kafka"]})
        apply_file(file, kafka, Wish(str(uuid.uuid4())))


async def measure(there: Stand, awaited: Awaited) -> None:
    run = uuid.uuid4().hex[:8]
    sender = Sender(*there.collector)
    await sender.open(CONNECTIONS)
    usual = Shape(RATE - AWAITED, 1, "/v1/track", lambda number: traffic.call(run, number))
    number = await _known(sender, awaited)
    number = await sender.run([usual], WARM_UP_S, number)
    shapes = [_shape(awaited, event) for event in LIMITS]
    await sender.run([usual, *shapes], SECONDS, number)
    await sender.settle(SETTLE_S)
    async with asyncio.timeout(SETTLE_S):
        while not awaited.is_whole:
            await asyncio.sleep(POLL_S)
    sender.close()
    assert not sender.tally.refused, f"{sender.tally.refused} events were refused"


def _shape(awaited: Awaited, event: str) -> Shape:
    return Shape(AWAITED / len(LIMITS), 1, "/v1/track", lambda number: awaited.body(event, number))


async def _known(sender: Sender, awaited: Awaited) -> int:
    """Until both rules have fired: what came before they were known is not awaited. The number of the next event."""
    number = 0
    async with asyncio.timeout(SETTLE_S):
        while not all(awaited.seconds(event) for event in LIMITS):
            number = await sender.run([_shape(awaited, event) for event in LIMITS], 1.0, number)
    await asyncio.sleep(WARM_UP_S)
    awaited.sent.clear()
    awaited.came.clear()
    return number


def figures(there: Stand) -> list[Figure]:
    awaited = Awaited()
    with receiving(awaited) as url:
        applied(there, url)
        asyncio.run(measure(there, awaited))
    found = []
    for event, name in ((PLAIN, "a rule that asks nothing"), (ASKING, "a rule with a trait and a cap")):
        seconds = awaited.seconds(event)
        load_name = f"POST to webhook, {name}"
        found += [
            Figure(stage="rules", name=f"{load_name}: median", value=quantile(seconds, 0.5), unit="s"),
            Figure(stage="rules", name=f"{load_name}: p99", value=quantile(seconds, 0.99), unit="s"),
        ]
    return found


def run() -> list[Figure]:
    with stand() as there:
        return figures(there)
