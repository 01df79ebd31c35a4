"""A broker that is away, comes, goes and comes again: nobody waits long, nothing that was answered 200 is missing."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.embedded import kafka as embedded
from runtime.environment.settings import EngineSettings, load
from tests.collector.process import (
    KEY,
    WAIT_S,
    Collector,
    answers,
    environment,
    post,
    prepare,
    raw_events,
    running,
    until,
)
from tests.engines import free_port

DELIVERY_S = 4.0  # how long Kafka is waited for
QUICK_S = 3.0  # who is answered so soon was not waited for
LATE_S = 20.0  # what a busy machine may add; a client waits longer


class Sender(threading.Thread):
    """One request after the other, until told to stop; remembers what was answered 200."""

    def __init__(self, collector: Collector) -> None:
        super().__init__(daemon=True)
        self._collector = collector
        self.stopped = threading.Event()
        self.accepted: set[str] = set()
        self.statuses: set[int] = set()
        self.slowest_s = 0.0

    def run(self) -> None:
        with httpx.Client(auth=(KEY, ""), timeout=WAIT_S) as client:
            number = 0
            while not self.stopped.wait(0.005):
                number += 1
                self._send(client, number)

    def _send(self, client: httpx.Client, number: int) -> None:
        event = {"anonymousId": f"a{number % 10}", "messageId": f"sent-{number}"}
        started = time.monotonic()
        try:
            answer = client.post(self._collector.url + "/v1/track", json=event)
        except (
            httpx.TransportError
        ):  # a busy machine let the connection be cut: a client goes on with another
            return
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - started)
        self.statuses.add(answer.status_code)
        if answer.status_code == 200:
            self.accepted.add(f"sent-{number}")


@contextmanager
def up(broker: embedded.Broker, classpath: list[Path]) -> Iterator["subprocess.Popen[bytes]"]:
    embedded.prepare(broker, classpath, lambda _: None)
    process = subprocess.Popen(embedded.command(broker, classpath), stdin=subprocess.PIPE)
    try:
        embedded.wait_ready(broker.bootstrap, 60)
        yield process
    finally:
        assert process.stdin is not None
        process.stdin.close()  # the leash: the broker ends
        process.wait(WAIT_S)


@pytest.fixture
def broker(tmp_path: Path) -> embedded.Broker:
    return embedded.Broker(data=tmp_path, port=free_port(), controller_port=free_port(), heap_mb=256)


def test_a_broker_that_goes_and_comes_costs_no_accepted_event_and_no_long_wait(
    broker: embedded.Broker,
) -> None:
    classpath = embedded.fetch(load(EngineSettings, os.environ).cache_path, lambda _: None)
    environ = environment(broker.bootstrap, COLLECTOR_DELIVERY_TIMEOUT_MS=f"{DELIVERY_S * 1000:.0f}")
    with running(environ, ready=False) as collector:
        refused = post(collector, "/v1/track", {"anonymousId": "a"})
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        with up(broker, classpath):
            settings = prepare(environ)
            until(lambda: answers(collector, "/ready"))
            sender = Sender(collector)
            sender.start()
            until(lambda: len(sender.accepted) > 50)
        until(lambda: not answers(collector, "/ready"))
        until(lambda: 503 in sender.statuses)
        assert_quick(collector)
        before = len(sender.accepted)
        with up(broker, classpath):
            until(lambda: len(sender.accepted) > before + 50)
            sender.stopped.set()
            sender.join()
            assert sender.accepted <= {event.message_id for event in raw_events(settings)}
    assert sender.statuses == {200, 503}
    assert sender.slowest_s < DELIVERY_S + LATE_S


def _refused_in_s(collector: Collector) -> float:
    started = time.monotonic()
    assert post(collector, "/v1/track", {"anonymousId": "a"}).status_code == 503
    return time.monotonic() - started


def assert_quick(collector: Collector) -> None:
    """The quickest of three: the machine may be busy, and a wait for Kafka would delay each."""
    assert min(_refused_in_s(collector) for _ in range(3)) < QUICK_S
    unknown = post(collector, "/v1/track", {"anonymousId": "a"}, key="perhaps-new")
    assert (unknown.status_code, unknown.json()["code"]) == (503, "kafka_unavailable")
    assert unknown.headers["retry-after"]


def is_frozen(pid: int) -> bool:
    """All of its threads: on a busy machine one may run on for a while, and answer."""
    return all(" T " in path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat"))


def test_a_frozen_broker_is_waited_for_no_longer_than_told(broker: embedded.Broker) -> None:
    classpath = embedded.fetch(load(EngineSettings, os.environ).cache_path, lambda _: None)
    environ = environment(
        broker.bootstrap,
        COLLECTOR_DELIVERY_TIMEOUT_MS=f"{DELIVERY_S * 1000:.0f}",
        COLLECTOR_QUEUE_EVENTS_MAX="5",
    )
    with up(broker, classpath) as leash:
        settings = prepare(environ)
        (java,) = psutil.Process(leash.pid).children()
        with running(environ) as collector:
            full = post(collector, "/v1/batch", {"batch": [{"type": "track"}] * 6})
            assert (full.status_code, full.json()["code"]) == (503, "overloaded")
            java.suspend()
            try:
                until(lambda: is_frozen(java.pid))
                started = time.monotonic()
                assert post(collector, "/v1/track", {"anonymousId": "a"}).status_code == 503
                assert time.monotonic() - started < DELIVERY_S + LATE_S
                until(lambda: not answers(collector, "/ready"))
                assert_quick(collector)
            finally:
                java.resume()
            until(lambda: post(collector, "/v1/track", {"messageId": "after"}).status_code == 200)
            assert "after" in {event.message_id for event in raw_events(settings)}
            for _ in range(2):  # a retry of what may be in Kafka already, and an event that is equal to it
                assert post(collector, "/v1/track", {"anonymousId": "a"}).status_code == 200
            ids = [event.message_id for event in raw_events(settings) if event.routing == b"main|a:a"]
            assert len(set(ids)) == 2
