"""The collector's process ends when it should, and leaves nobody behind."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, suppress

import psutil
import pytest

from runtime.environment.settings import CollectorSettings, SettingsError
from tests.collector.process import (
    WAIT_S,
    Collector,
    answers,
    ask,
    environment,
    post,
    prepare,
    running,
    until,
)
from tests.engines import free_port

REQUESTS = 20  # so many that both workers have some


def test_it_ends_when_its_parent_closes_the_pipe(kafka: str) -> None:
    environ = environment(kafka, STITCHLINE_LEASHED="1")
    prepare(environ)
    with running(environ) as collector:
        assert collector.process.stdin is not None
        collector.process.stdin.close()
        assert collector.process.wait(WAIT_S) == 0


def test_a_stop_waits_for_slow_senders_and_readers_no_longer_than_told(kafka: str) -> None:
    environ = environment(kafka, COLLECTOR_STOP_TIMEOUT_S="1")
    prepare(environ)
    track = b"POST /v1/track HTTP/1.1\r\nhost: c\r\n"
    begun = [
        b"POST /v1/tr",
        track + b"content-length: 60\r\n\r\n{",
        track + b"transfer-encoding: chunked\r\n\r\n",
    ]
    with ExitStack() as held, running(environ) as collector:
        for sent in begun:
            held.enter_context(socket.create_connection(("127.0.0.1", collector.port))).sendall(sent)
        reader = held.enter_context(socket.create_connection(("127.0.0.1", collector.port)))
        reader.settimeout(1)
        with suppress(TimeoutError):  # its answers are never read
            reader.sendall(b"GET /pixel.js HTTP/1.1\r\nhost: c\r\n\r\n" * 100_000)
        collector.process.send_signal(signal.SIGTERM)
        assert collector.process.wait(WAIT_S) == 0


def test_a_body_that_a_stop_does_not_wait_for_is_answered(kafka: str) -> None:
    environ = environment(kafka, COLLECTOR_STOP_TIMEOUT_S="1")
    prepare(environ)
    with running(environ) as collector:
        with socket.create_connection(("127.0.0.1", collector.port)) as sender:
            sender.settimeout(WAIT_S)
            sender.sendall(b"POST /v1/track HTTP/1.1\r\nhost: c\r\ncontent-length: 60\r\n\r\n{")
            assert answers(collector, "/ready")  # behind it: the head is there
            collector.process.send_signal(signal.SIGTERM)
            answer = b"".join(iter(lambda: sender.recv(4_096), b""))
        assert answer.startswith(b"HTTP/1.1 408 "), answer
        assert b'"code":"body_too_slow"' in answer
        assert collector.process.wait(WAIT_S) == 0


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shares a port between processes evenly")
def test_workers_share_the_port_and_leave_no_orphan(kafka: str) -> None:
    environ = environment(kafka, COLLECTOR_WORKERS="2")
    prepare(environ)
    with running(environ) as collector:
        workers = psutil.Process(collector.process.pid).children()
        assert len(workers) == 2
        until(lambda: all(listens(worker, collector.port) for worker in workers))
        until(lambda: statuses(collector) == {200})  # only one worker said that it is ready
        before = accepted(collector)
        assert statuses(collector) == {200}
        assert {accepted(collector) for _ in range(10)} == {before + REQUESTS}, (
            "each worker tells the sum of all"
        )
        collector.process.send_signal(signal.SIGKILL)
        collector.process.wait(10)
        until(lambda: not any(worker.is_running() for worker in workers))


def listens(worker: psutil.Process, port: int) -> bool:
    """Until it does, the kernel gives it no connection."""
    found = worker.net_connections("tcp")
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in found)


def accepted(collector: Collector) -> float:
    """Told by a worker that the kernel chooses, since each connection is a new one."""
    answer = ask(collector, "GET", "/metrics")
    assert answer.status_code == 200, answer.text
    name = 'stitchline_collector_accepted_events_total{source="shop"}'
    return sum(float(line.split()[1]) for line in answer.text.splitlines() if line.startswith(name))


def statuses(collector: Collector) -> set[int]:
    return {post(collector, "/v1/track", {"anonymousId": "a"}).status_code for _ in range(REQUESTS)}


def test_a_worker_that_dies_ends_all(kafka: str) -> None:
    environ = environment(kafka, COLLECTOR_WORKERS="2")
    prepare(environ)
    with running(environ) as collector:
        psutil.Process(collector.process.pid).children()[0].kill()
        assert collector.process.wait(WAIT_S) != 0
        assert not answers(collector, "/healthz")


def test_a_setting_that_cannot_work_is_named_before_anything_starts() -> None:
    environ = os.environ | {"COLLECTOR_PACK_BYTES_MAX": "2048", "COLLECTOR_PORT": str(free_port())}
    done = subprocess.run(
        [sys.executable, "-m", "collector"], env=environ, capture_output=True, text=True, timeout=WAIT_S
    )
    assert done.returncode == 1
    assert "COLLECTOR_PACK_BYTES_MAX is 2048, and must be at least" in done.stderr


def test_the_default_settings_fit_together() -> None:
    from collector.server import check

    check(CollectorSettings())
    with pytest.raises(SettingsError):
        check(CollectorSettings(body_bytes_max=10_000_000))


def test_a_collector_without_kafka_knows_its_sources_from_the_snapshot(kafka: str, tmp_path) -> None:
    snapshot = tmp_path / "control"
    environ = environment(kafka, COLLECTOR_CONTROL_SNAPSHOT=str(snapshot))
    prepare(environ)
    with running(environ) as collector:
        assert post(collector, "/v1/track", {"anonymousId": "a"}).status_code == 200
    away = environ | {"KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}"}
    with running(away, ready=False) as collector:
        for key in ("test-key", "perhaps-newer-than-the-snapshot"):
            answer = post(collector, "/v1/track", {"anonymousId": "a"}, key=key)
            assert (answer.status_code, answer.json()["code"]) == (503, "kafka_unavailable")
            assert int(answer.headers["retry-after"]) > 0
        missing = ask(collector, "GET", "/ready").json()["missing"]
        assert any("Kafka" in text for text in missing)
