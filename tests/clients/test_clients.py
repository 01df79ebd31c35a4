"""Five client libraries, as they are published, against the whole chain: what each says is in ClickHouse, once and whole,
also when the collector refuses at first, when it forgets to say that it accepted, and when the connection breaks.

One stack for all. Every delivery (a client under a fault) has a front, which records, and a source, whose ledger must agree.
"""

import signal
import uuid
from collections.abc import Iterator
from typing import Any

import clickhouse_connect
import pytest

from runtime.control import write_control
from runtime.settings import KafkaSettings, load
from schemas.control import parse_file
from tests.clients.calls import Call, mark
from tests.clients.deliveries import BROWSER, CLIENTS, FAULTS, Client, Delivery, Programs, key, sources
from tests.clients.expected import SELECT, Row, milliseconds, row, stored
from tests.clients.front import RETRY_AFTER_S, Fault, Fronts
from tests.clients.recording import Sent, first_taken, key_of, sent, told_ok
from tests.engines import delete_topics, wait_until
from tests.pipeline.up import Up, until

pytestmark = pytest.mark.timeout(240)
SETTLE_S = 60.0
LEDGER = "SELECT outcome, sum(events) AS events FROM ledger WHERE source = {source:String} GROUP BY outcome"
COUNT = "SELECT count() AS rows FROM events_resolved WHERE source = {source:String}"

each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
each_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: str(fault or "plain"))


@pytest.fixture(scope="module")
def settings(kafka: str, clickhouse: str) -> Iterator[dict[str, str]]:
    """Of a deployment of its own on the engines that are there."""
    name = uuid.uuid4().hex[:8]
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "CLICKHOUSE_URL": clickhouse,
        "STITCHLINE_TOPIC_PREFIX": f"clients-{name}-",
        "STITCHLINE_DATABASE": f"clients_{name}",
        "STITCHLINE_PARTITIONS": "2",
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "COLLECTOR_RETRY_AFTER_S": str(RETRY_AFTER_S),
    }
    yield settings
    delete_topics(kafka, settings["STITCHLINE_TOPIC_PREFIX"])
    client = clickhouse_connect.get_client(dsn=clickhouse, autogenerate_session_id=False)
    client.command(f"DROP DATABASE IF EXISTS {settings['STITCHLINE_DATABASE']} SYNC")
    client.close()


@pytest.fixture(scope="module")
def up(settings: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    stack = Up(tmp_path_factory.mktemp("clients") / "data", **settings)
    try:
        write_control(load(KafkaSettings, settings), dict(parse_file({"sources": sources()})), "clients")
        for client in CLIENTS:
            for fault in FAULTS:
                _wait_known(stack, key(client, fault))
        yield stack
    finally:
        stack.end(signal.SIGTERM)


def _wait_known(stack: Up, write_key: str) -> None:
    empty = {"batch": [], "writeKey": write_key}
    wait_until(lambda: stack.status("/v1/batch", empty) == 200, SETTLE_S, f"{write_key} is known")


@pytest.fixture(scope="module")
def programs(up: Up) -> Iterator[Programs]:
    with Fronts() as fronts:
        yield Programs(fronts, up.addresses["collector"])


@pytest.fixture
def delivery(
    programs: Programs, client: Client, fault: Fault | None, request: pytest.FixtureRequest
) -> Delivery:
    if client.driver == BROWSER:
        request.getfixturevalue("chromium")
    return programs.delivery(client, fault)


@each_client
@each_fault
def test_a_client_says_what_it_was_told_to_say(delivery: Delivery) -> None:
    """So that what is stored, which is held against the requests, is what the caller meant."""
    said = first_taken(sent(delivery.front.attempts)).values()
    events = {mark(one.event): one.event | {"context": one.event.get("context")} for one in said}
    assert set(events) == {mark(call) for call in delivery.calls}
    for call in delivery.calls:
        assert_says(events[mark(call)], call)


def assert_says(event: dict[str, Any], call: Call) -> None:
    """A client may add to a call, and may put an identify's traits into the context."""
    said = event | {"traits": event.get("traits") or event["context"].get("traits")}
    for name, value in call.items():
        if name == "timestamp":
            assert milliseconds(said[name]) == milliseconds(value)
        else:
            assert includes(said[name], value), name
    assert event["context"]["library"].keys() >= {"name", "version"}


def includes(found: Any, wanted: Any) -> bool:
    """Objects may have more members; everything else is equal."""
    if isinstance(wanted, dict):
        return all(includes(found.get(name), value) for name, value in wanted.items())
    return bool(found == wanted)


@each_client
@each_fault
def test_every_event_is_stored_once_with_its_whole_envelope(up: Up, delivery: Delivery) -> None:
    all_sent = sent(delivery.front.attempts)
    first = first_taken(all_sent)
    assert {one.message_id for one in all_sent} == set(first) == told_ok(all_sent)
    assert len(first) == len(delivery.calls)
    assert {key_of(one.attempt) for one in all_sent} == {delivery.key}
    wait_accounted(up, delivery, all_sent)
    rows = {found["message_id"]: found for found in map(stored, ask(up, delivery, SELECT))}
    assert set(rows) == set(first)
    for message_id, one in first.items():
        found = rows[message_id]
        assert one.attempt.started_at <= found["received_at"] <= one.attempt.ended_at
        assert found == row(one, delivery.key, found["received_at"])


def wait_accounted(up: Up, delivery: Delivery, all_sent: list[Sent]) -> None:
    """Until the ledger has every event that the collector was given, so that no second copy can come later."""
    taken = [one.message_id for one in all_sent if one.attempt.taken == 200]
    once = len(set(taken))
    wanted = {"accepted": len(taken), "resolved": once, "duplicate": len(taken) - once}
    wanted = {outcome: events for outcome, events in wanted.items() if events}
    until(lambda: {line["outcome"]: line["events"] for line in ask(up, delivery, LEDGER)}, wanted)
    until(lambda: ask(up, delivery, COUNT), [{"rows": once}])


def ask(up: Up, delivery: Delivery, sql: str) -> list[Row]:
    return list(up.sql.query(sql, parameters={"source": delivery.key}).named_results())
