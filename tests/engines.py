"""The real engines that tests run against: Kafka and ClickHouse, never a fake of either.

Chosen for a whole run: those that KAFKA_BOOTSTRAP_SERVERS and CLICKHOUSE_URL name; else containers, where a Docker engine
answers; else the embedded ones, which need neither. STITCHLINE_TEST_ENGINES=embedded (or =containers) decides by hand.
Workers of pytest that run side by side share one of each, which the process above them has started (conftest.py).
Embedded engines end with the test run, however it ends: they are on a leash.
"""

import os
import socket
import subprocess
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from confluent_kafka.admin import AdminClient

from deploy.embedded import clickhouse, kafka
from runtime.environment.settings import EngineSettings, load
from runtime.parent import LEASHED

HOST = "127.0.0.1"
PORTS = range(12_000, 32_000)
WORKERS_MAX = 10
PORTS_PER_WORKER = len(PORTS) // WORKERS_MAX
READY_S = 60
STOP_S = 20
KAFKA_IMAGE = f"apache/kafka:{kafka.VERSION}"
CLICKHOUSE_IMAGE = "clickhouse/clickhouse-server:26.9.6.6"  # as in deploy/compose.yaml
CLICKHOUSE_USER = "stitchline"
DOCKER_SOCKET = Path("/var/run/docker.sock")

# Where the process above pytest's workers says what it has started. Not in the stages' own variables: what tests start must not
# find them.
SHARED_KAFKA, SHARED_CLICKHOUSE = "STITCHLINE_TEST_KAFKA", "STITCHLINE_TEST_CLICKHOUSE"

Say = Callable[[str], None]


def free_port() -> int:
    """A port that nothing listens on now, and that no outgoing connection is given before somebody does: the system
    chooses those from higher ones. Pytest's workers have a range each."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = PORTS.start + worker % WORKERS_MAX * PORTS_PER_WORKER
    for _ in range(PORTS_PER_WORKER):
        port = first + next(_port_numbers) % PORTS_PER_WORKER
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
        return port
    raise OSError(f"none of the ports {first} to {first + PORTS_PER_WORKER - 1} is free")


_port_numbers = count(os.getpid())  # no two runs begin at the same one, as a rule


@contextmanager
def kafka_engine(folder: Path, environ: Mapping[str, str], say: Say) -> Iterator[str]:
    """The bootstrap address."""
    if external := environ.get("KAFKA_BOOTSTRAP_SERVERS") or environ.get(SHARED_KAFKA):
        yield external
    elif wants_containers(environ):
        with _kafka_container() as bootstrap:
            yield bootstrap
    else:
        with embedded_kafka(folder, load(EngineSettings, environ), say) as bootstrap:
            yield bootstrap


@contextmanager
def clickhouse_engine(folder: Path, environ: Mapping[str, str]) -> Iterator[str]:
    """The HTTP address."""
    if external := environ.get("CLICKHOUSE_URL") or environ.get(SHARED_CLICKHOUSE):
        yield external
    elif wants_containers(environ):
        with _clickhouse_container() as url:
            yield url
    else:
        with embedded_clickhouse(folder) as url:
            yield url


@contextmanager
def embedded_kafka(folder: Path, settings: EngineSettings, say: Say) -> Iterator[str]:
    jars = kafka.fetch(settings.cache_path, say, settings.jar_registry)
    broker = kafka.Broker(
        data=folder / "kafka", port=free_port(), controller_port=free_port(), heap_mb=settings.kafka_heap_mb
    )
    kafka.prepare(broker, jars, say)
    with running(kafka.command(broker, jars), folder / "kafka.log"):
        kafka.wait_ready(broker.bootstrap, READY_S)
        yield broker.bootstrap


@contextmanager
def embedded_clickhouse(folder: Path) -> Iterator[str]:
    port = free_port()
    url = f"http://{HOST}:{port}"
    with running(clickhouse.command(folder / "clickhouse", port), folder / "clickhouse.log") as process:
        wait_until(lambda: process.poll() is not None or answers(url), READY_S, "ClickHouse answers")
        yield url


@contextmanager
def running(argv: list[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process on a leash, stopped at the end; what it writes goes to the log."""
    environ = os.environ | {LEASHED: "1"}
    with log.open("ab") as out:
        process = subprocess.Popen(
            argv, stdin=subprocess.PIPE, stdout=out, stderr=out, env=environ, start_new_session=True
        )
    try:
        yield process
    finally:
        process.terminate()
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_until(holds: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.02) -> None:
    """Poll until it holds; `what` says in the failure what was waited for."""
    end = time.monotonic() + timeout_s
    for _ in asking(every_s):
        if holds():
            return
        assert time.monotonic() < end, f"not within {timeout_s} s: {what}"


def asking(at_least_s: float = 0.05, *, it_stays: bool = False) -> Iterator[None]:
    """Once for each time to ask, for ever. Whoever asks a database over and over takes the CPU that what is waited for needs: so
    a pause lasts three times as long as what was asked. Where what is waited for stays, and need not be met in passing, it lasts
    a tenth of what was waited already, too, up to a second."""
    first = time.monotonic()
    while True:
        began = time.monotonic()
        yield
        ended = time.monotonic()
        waited_s = ended - first if it_stays else 0.0
        time.sleep(max(at_least_s, 3 * (ended - began), min(1.0, waited_s / 10)))


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/ping", timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def delete_topics(bootstrap: str, prefix: str) -> None:
    """So that a run's topics do not pile up; not waited for."""
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    mine = [name for name in admin.list_topics(timeout=10).topics if name.startswith(prefix)]
    if mine:
        admin.delete_topics(mine)
        admin.poll(0)


def wants_containers(environ: Mapping[str, str]) -> bool:
    """Whether a Docker engine answers, unless it was said by hand."""
    chosen = environ.get("STITCHLINE_TEST_ENGINES", "")
    if chosen:
        return chosen == "containers"
    return ("DOCKER_HOST" in environ or DOCKER_SOCKET.exists()) and _docker_answers()


def _docker_answers() -> bool:
    import docker  # type: ignore[import-untyped]

    try:
        client = docker.from_env(timeout=2)
    except docker.errors.DockerException:
        return False
    try:
        return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False
    finally:
        client.close()


@contextmanager
def _container(image: str, port: int, environ: Mapping[str, str], bind: int) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # testcontainers' own
        from testcontainers.core.container import DockerContainer

        container: Any = DockerContainer(image).with_bind_ports(port, bind)
        for name, value in environ.items():
            container = container.with_env(name, value)
        with container:
            yield


@contextmanager
def _kafka_container() -> Iterator[str]:
    port = free_port()
    bootstrap = f"{HOST}:{port}"
    broker = kafka.Broker(data=Path("/tmp/kafka"), port=port, controller_port=19093)  # noqa: S108 - inside the container
    settings = kafka.server_properties(broker) | {
        "listeners": f"PLAINTEXT://:{port},CONTROLLER://:{broker.controller_port}"
    }
    environ = {"KAFKA_" + name.upper().replace(".", "_"): value for name, value in settings.items()}
    with _container(KAFKA_IMAGE, port, environ, port):
        kafka.wait_ready(bootstrap, READY_S)
        yield bootstrap


@contextmanager
def _clickhouse_container() -> Iterator[str]:
    port = free_port()
    environ = {
        "CLICKHOUSE_USER": CLICKHOUSE_USER,
        "CLICKHOUSE_PASSWORD": CLICKHOUSE_USER,
        "CLICKHOUSE_DEFAULT_ACCESS_MANAGEMENT": "1",
    }
    with _container(CLICKHOUSE_IMAGE, 8123, environ, port):
        wait_until(lambda: answers(f"http://{HOST}:{port}"), READY_S, "ClickHouse in its container answers")
        yield f"http://{CLICKHOUSE_USER}:{CLICKHOUSE_USER}@{HOST}:{port}"
