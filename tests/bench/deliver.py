"""The sender: webhooks per second to a fast receiver, and what a dead neighbour costs a good destination, in one run.

    python -m tests.bench deliver

The sender is a process of its own, from actions.due on a real Kafka to results on actions.work; the receiver is another, over
connections that are kept. For the rate so many attempts are on their way as a window allows, the next ones sent as results
come. For the neighbours a good destination gets a steady load, three times: alone, beside one that hangs and one that refuses
connections, each with as many attempts, and alone again.
"""

import json
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import quantiles

import psutil

from schemas.actions.action_work import Due
from schemas.actions.requests import WebhookRequest
from tests import engines
from tests.bench.figures import Figure
from tests.bench.meter import Meter
from tests.sinks.deliver_stage import Deployment, due, http

ATTEMPTS = 20_000
WINDOW = 1_000
WARM = 500
CONCURRENCY = 50
TARGET_PER_S = 1_000
STEADY_PER_S = 200
STEADY_S = 10
STEP_S = 0.05
WAIT_S = 120.0
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TEXT = "x" * 900  # a body of one kilobyte


class Bench:
    """A sender with a fast receiver, and two neighbours that are dead in two ways."""

    def __init__(self, deployment: Deployment, port: int, sender: int) -> None:
        self._deployment = deployment
        self._url = f"http://127.0.0.1:{port}"
        self._sender = psutil.Process(sender)
        self._number = 0
        signed = {"signing_secrets": ["env:BENCH_SECRET"], "concurrency_max": CONCURRENCY}
        deployment.define(
            http("fast", f"{self._url}/fast", **signed),
            http("good", f"{self._url}/good", **signed),
            http("hanging", f"{self._url}/hang"),
            http("refusing", f"http://127.0.0.1:{engines.free_port()}/"),
        )

    def rate(self) -> Iterator[Figure]:
        self._through("fast", WARM)
        meter = Meter({"sender": self._sender})
        self._through("fast", ATTEMPTS)
        per_s, cpu_s = ATTEMPTS / meter.seconds, meter.cpu_s()["sender"]
        yield Figure(
            stage="deliver",
            name="signed webhooks to a fast receiver",
            value=per_s,
            unit="/s",
            at_least=TARGET_PER_S,
        )
        cpu = cpu_s / ATTEMPTS * 10_000
        yield Figure(stage="deliver", name="CPU of the sender per 10,000", value=cpu, unit="CPU-s")

    def neighbours(self) -> Iterator[Figure]:
        for name, beside in (
            ("alone", ()),
            ("beside one that hangs and one that refuses", ("hanging", "refusing")),
            ("alone again", ()),
        ):
            yield from self._steady(name, beside)

    def _through(self, destination: str, attempts: int) -> None:
        """Closed loop: no more than WINDOW on their way."""
        results = self._deployment.results
        results.clear()
        sent = 0
        deadline = time.monotonic() + WAIT_S
        while len(results) < attempts:
            room = min(attempts - sent, WINDOW - (sent - len(results)))
            if room > 0:
                self._deployment.send(*(self._due(destination) for _ in range(room)))
                sent += room
            self._deployment.read(0.02)
            assert time.monotonic() < deadline, f"{len(results)} of {attempts} results in time"
        assert all(each.outcome == "delivered" for each in results)

    def _steady(self, name: str, beside: tuple[str, ...]) -> Iterator[Figure]:
        """Open loop: so many a second for each, whatever comes back."""
        self._taken()
        began, wanted = time.monotonic(), 0
        while (elapsed := time.monotonic() - began) < STEADY_S:
            more = int(elapsed * STEADY_PER_S) - wanted
            wanted += more
            self._deployment.send(*(self._due(each) for _ in range(more) for each in ("good", *beside)))
            self._deployment.read(0)
            time.sleep(STEP_S)
        delays: list[float] = []
        deadline = time.monotonic() + WAIT_S
        while len(delays) < wanted and time.monotonic() < deadline:
            delays += self._taken()
        seconds = time.monotonic() - began
        cuts = quantiles(delays, n=100)
        yield _figure(f"a good destination {name}: taken of {wanted:,}", len(delays), "", at_least=wanted)
        yield _figure(f"a good destination {name}: rate", len(delays) / seconds, "/s")
        yield _figure(f"a good destination {name}: from due to receiver, p50", cuts[49], "ms")
        yield _figure(f"a good destination {name}: from due to receiver, p99", cuts[98], "ms")

    def _taken(self) -> list[float]:
        time.sleep(STEP_S)
        with urllib.request.urlopen(f"{self._url}/taken", timeout=WAIT_S) as answer:
            return list(json.load(answer).get("/good", []))

    def _due(self, destination: str) -> Due:
        self._number += 1
        body = json.dumps({"sent_ns": time.monotonic_ns(), "text": TEXT})
        home = self._number % self._deployment.settings.partitions
        return due(f"{uuid.uuid4().hex}", destination, WebhookRequest(body=body), home=home)


def _figure(name: str, value: float, unit: str, at_least: float | None = None) -> Figure:
    return Figure(stage="deliver", name=name, value=value, unit=unit, at_least=at_least)


def run() -> list[Figure]:
    with _bench() as bench:
        return [*bench.rate(), *bench.neighbours()]


@contextmanager
def _bench() -> Iterator[Bench]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        bootstrap = stack.enter_context(engines.kafka_engine(folder, {}, lambda _: None))
        port = engines.free_port()
        receiver = [sys.executable, "-m", "tests.bench.deliver_receiver", str(port)]
        stack.enter_context(engines.running(receiver, folder / "receiver.log"))
        deployment = Deployment(bootstrap, f"bench{uuid.uuid4().hex[:8]}-", folder)
        stack.callback(deployment.close)
        sender = stack.enter_context(deployment.sender({"BENCH_SECRET": SECRET}))
        yield Bench(deployment, port, sender.pid)
