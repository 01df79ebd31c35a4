"""Runs the clients: every client under every fault, each as a source of its own, all of one program at once.

A delivery is one client that makes all calls through a front of its own. A program is a driver, one process, that makes the
deliveries of the clients it drives. Absent: what must come of it.
"""

import importlib.metadata
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Self

import msgspec
import psutil
from msgspec.structs import replace

from deploy.demo.javascript import CHECKOUT, MODULES, node
from tests import browsers
from tests.clients.calls import Call, calls
from tests.clients.front import BURST_EVENTS_MAX, EVENTS_PER_S_MAX, Fault, Front, Fronts
from tests.clients.snippets import Snippet, snippets
from tests.engines import wait_until

FOLDER = Path(__file__).parent
DRIVER_S = 90.0
PATIENCE_S = 60  # of a client with one request: a slow machine is no broken connection
MARK = "STITCHLINE_TEST_DRIVER"
FAULTS = (None, *Fault)
PYTHON = "python_client.py"
BROWSER = "segment_browser.mjs"
BATCHING_BROWSER = "segment-browser-batching"
BATCHING = {"strategy": "batching", "config": {"size": 10, "timeout": 300}}


class Client(msgspec.Struct, frozen=True, kw_only=True):
    """A way to use a library: the package, its driver, the options that it is made with; and how it behaves.

    `library` is what its events call it, `module` where a Python library has its class. `counts`: the faults after which a
    retry has X-Retry-Count. `waits`: the answers whose Retry-After it obeys. docs/clients.md says both in words.
    """

    name: str
    package: str
    driver: str
    library: str
    module: str = ""
    counts: frozenset[Fault] = frozenset()
    waits: frozenset[int] = frozenset()
    options: dict[str, Any] = {}

    def version(self) -> str:
        """Of the package that is installed."""
        if self.driver == PYTHON:
            return importlib.metadata.version(self.package)
        found: str = json.loads((MODULES / self.package / "package.json").read_text())["version"]
        return found


BROKEN = frozenset({Fault.CUT, Fault.LOST})
ALL = frozenset(Fault)
SEGMENT_PYTHON = Client(
    name="segment-python", package="segment-analytics-python", driver=PYTHON, module="segment.analytics.client",
    library="analytics-python", counts=BROKEN, waits=frozenset({429, 503}), options={"timeout": PATIENCE_S},
)  # fmt: skip
RUDDER_PYTHON = Client(
    name="rudder-python",
    package="rudder-sdk-python",
    driver=PYTHON,
    module="rudderstack.analytics.client",
    library="analytics-python",
    options={"timeout": PATIENCE_S},
)
SEGMENT_NODE = Client(
    name="segment-node", package="@segment/analytics-node", driver="segment_node.mjs", library="@segment/analytics-node",
    counts=ALL, waits=frozenset({429}), options={"httpRequestTimeout": PATIENCE_S * 1000},
)  # fmt: skip
RUDDER_NODE = Client(
    name="rudder-node", package="@rudderstack/rudder-sdk-node", driver="rudder_node.mjs", library="analytics-node",
    waits=frozenset({429, 503}),
)  # fmt: skip
SEGMENT_BROWSER = Client(
    name="segment-browser", package="@segment/analytics-next", driver=BROWSER, library="analytics.js",
    counts=ALL, waits=frozenset({429}),
)  # fmt: skip
CLIENTS = (
    SEGMENT_PYTHON,
    replace(SEGMENT_PYTHON, name="segment-python-gzip", options={"timeout": PATIENCE_S, "gzip": True}),
    RUDDER_PYTHON,
    SEGMENT_NODE,
    RUDDER_NODE,
    SEGMENT_BROWSER,
    replace(
        SEGMENT_BROWSER, name=BATCHING_BROWSER, waits=frozenset(),
        options={"integrations": {"Segment.io": {"deliveryStrategy": BATCHING}}},
    ),
)  # fmt: skip


# Those that say the same again often enough to outlive a start of Kafka; RudderStack's give up early, or wait ever longer.
PATIENT = (SEGMENT_PYTHON, SEGMENT_NODE, SEGMENT_BROWSER)
OTHER_KEYS = (
    *(f"{client.name}-away" for client in PATIENT),
    *(snippet.key for snippet in snippets()),
    "curl",
)


class Delivery(msgspec.Struct, frozen=True):
    """`key` is the write key, and also the source's id."""

    client: Client
    fault: Fault | None
    key: str
    calls: list[Call]
    front: Front


def key(client: Client, fault: Fault | None) -> str:
    return f"{client.name}-{fault or 'plain'}"


def sources() -> list[dict[str, Any]]:
    """For a configuration file."""
    limits = {"events_per_s_max": EVENTS_PER_S_MAX, "burst_events_max": BURST_EVENTS_MAX}
    faults = {key(client, fault): fault for client in CLIENTS for fault in FAULTS} | dict.fromkeys(OTHER_KEYS)
    return [
        {"id": name, "write_keys": [name]} | (limits if fault is Fault.LIMITED else {})
        for name, fault in faults.items()
    ]


def prepare(client: Client, name: str, front: Front, fault: Fault | None = None) -> Delivery:
    return Delivery(client, fault, name, calls(name), front)


class Programs:
    """All at once, each in a process of its own: most of their time is waiting."""

    def __init__(self, fronts: Fronts, collector: str, packages: Iterable[str]) -> None:
        self._fronts = fronts
        self._collector = collector
        self._pool = ThreadPoolExecutor(len(CLIENTS))
        self._running = {package: self._pool.submit(self._run, package) for package in packages}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def delivery(self, client: Client, fault: Fault | None) -> Delivery:
        return self._running[client.package].result()[key(client, fault)]

    def _run(self, package: str) -> dict[str, Delivery]:
        deliveries = [
            prepare(client, key(client, fault), self._fronts.open(self._collector, fault), fault)
            for client in CLIENTS
            if client.package == package
            for fault in FAULTS
        ]
        run(deliveries)
        return {delivery.key: delivery for delivery in deliveries}


def run(deliveries: list[Delivery], snippet: str = "") -> None:
    """One program makes them all. Returns when its process has ended, and all that it started."""
    orders = [
        {"url": one.front.url, "key": one.key, "options": one.client.options, "calls": one.calls, "snippet": snippet}
        for one in deliveries
    ]  # fmt: skip
    said = run_to_its_end(command(deliveries[0].client), json.dumps(orders) + "\n")
    assert json.loads(said) == [], "the client's own error callback was called"


def run_snippet(snippet: Snippet, delivery: Delivery) -> None:
    """As a reader would: in Python, in Node, or in a page."""
    code = snippet.at(delivery.front.url)
    if delivery.client.driver == BROWSER:
        run([delivery], code)
    elif delivery.client.driver == PYTHON:
        run_to_its_end([sys.executable, "-"], code)
    else:
        run_to_its_end([str(node()), "--input-type=module", "-"], code)


def run_to_its_end(argv: list[str], text: str) -> str:
    """Its output. The text is its standard input."""
    mark = uuid.uuid4().hex
    done = subprocess.run(
        argv, input=text, cwd=CHECKOUT, env=os.environ | {MARK: mark},
        capture_output=True, text=True, timeout=DRIVER_S, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    wait_until(lambda: not _marked(mark), DRIVER_S, f"{argv} leaves no process behind", every_s=0.1)
    return done.stdout


def command(client: Client) -> list[str]:
    driver = str(FOLDER / client.driver)
    if client.driver == PYTHON:
        return [sys.executable, driver, client.module]
    return [str(node()), driver, *([str(browsers.light())] if client.driver == BROWSER else [])]


def _marked(mark: str) -> list[psutil.Process]:
    """Processes with the mark in their environment, which every descendant inherits."""
    return [
        process
        for process in psutil.process_iter(["environ"])
        if (process.info["environ"] or {}).get(MARK) == mark
    ]
