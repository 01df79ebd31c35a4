"""One stack for all clients, on the engines that the run has: a deployment of its own, with a source for every delivery."""

import signal
from collections.abc import Iterator

import pytest

from runtime.control import write_control
from runtime.environment.settings import KafkaSettings, load
from schemas.configuration.configuration_file import parse_file
from tests import browsers
from tests.clients.deliveries import BROWSER, Client, Delivery, Programs, sources
from tests.clients.front import RETRY_AFTER_S, Fault, Fronts
from tests.engines import wait_until
from tests.pipeline.up import SETTLE_S, Up, deployment


@pytest.fixture(scope="module")
def settings(kafka: str, clickhouse: str) -> Iterator[dict[str, str]]:
    with deployment(kafka, clickhouse) as ours:
        yield ours | {
            "COLLECTOR_RETRY_AFTER_S": str(RETRY_AFTER_S),
            "COLLECTOR_DELIVERY_TIMEOUT_MS": "60000",  # a slow machine is no refusal
        }


@pytest.fixture(scope="module")
def up(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    stack = Up(tmp_path_factory.mktemp("clients") / "data", **settings)
    try:
        _configure(stack, load(KafkaSettings, settings))
        yield stack
    finally:
        stack.end(signal.SIGTERM)


def _configure(stack: Up, kafka: KafkaSettings) -> None:
    """Returns when the collector knows every key."""
    write_control(kafka, dict(parse_file({"sources": sources()})), "clients")
    for source in sources():
        empty = {"batch": [], "writeKey": source["id"]}
        wait_until(lambda body=empty: stack.status("/v1/batch", body) == 200, SETTLE_S, "the keys are known")  # type: ignore[misc]


@pytest.fixture(scope="module")
def fronts() -> Iterator[Fronts]:
    with Fronts() as fronts:
        yield fronts


@pytest.fixture(scope="module")
def programs(up: Up, fronts: Fronts, request: pytest.FixtureRequest) -> Iterator[Programs]:
    """Of those clients that the chosen tests ask for, and that can be run here."""
    asked = [
        item.callspec.params.get("client") for item in request.session.items if hasattr(item, "callspec")
    ]
    clients = [client for client in asked if isinstance(client, Client)]
    packages = {client.package for client in clients if client.driver != BROWSER or browsers.light()}
    with Programs(fronts, up.addresses["collector"], packages) as programs:
        yield programs


@pytest.fixture
def delivery(
    programs: Programs, client: Client, fault: Fault | None, request: pytest.FixtureRequest
) -> Delivery:
    if client.driver == BROWSER:
        request.getfixturevalue("chromium")
    return programs.delivery(client, fault)
