"""People's decisions on a running stack, end to end: a link is cut for ever, an identifier is blocked, a person is forgotten in state
and tables, and nothing of it comes back when everything is sent again."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from rocksdict import AccessType, Options, Rdict

from runtime.control import read_control
from runtime.settings import KafkaSettings
from tests.pipeline.up import Up, until

pytestmark = pytest.mark.timeout(240)

Call = dict[str, Any]


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    stack = Up(tmp_path_factory.mktemp("up") / "data")
    yield stack
    stack.end(signal.SIGTERM)


def run(up: Up, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {"KAFKA_BOOTSTRAP_SERVERS": up.addresses["kafka"], "CLICKHOUSE_URL": up.addresses["clickhouse"]}
    command = [sys.executable, "-m", "deploy", *arguments]
    if arguments[0] != "orders":
        command += ["--data", up.addresses["data"]]
    return subprocess.run(
        command, env={**os.environ, **environ, **settings}, capture_output=True, text=True, timeout=90, check=False
    )


def done(up: Up, *arguments: str) -> Any:
    ran = run(up, *arguments)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def at(day: int, hour: int = 10) -> str:
    return f"2026-03-{day:02}T{hour:02}:00:00Z"


def send(up: Up, calls: list[Call], ids: str) -> None:
    """`ids` makes their message ids: with new ones they are no duplicates."""
    numbered = [call | {"messageId": f"{ids}-{number}"} for number, call in enumerate(calls)]
    assert up.post("/v1/batch", {"batch": numbered}) == 200


def people(up: Up, like: str) -> list[Any]:
    """Profile and identifiers of the events with such message ids, as they are now."""
    return up.ask(
        f"SELECT message_id, profile_id FROM events_resolved WHERE message_id LIKE '{like}' ORDER BY message_id"
    )


def profiles(up: Up, like: str) -> int:
    return len({profile for _, profile in people(up, like)})


ANN = [
    {"type": "page", "anonymousId": "anns-phone", "timestamp": at(1)},
    {
        "type": "identify", "anonymousId": "anns-phone", "userId": "ann-1",
        "traits": {"email": "ann@forget.example", "plan": "pro"}, "timestamp": at(2),
    },
    {"type": "page", "anonymousId": "kitchen-tablet", "name": "Anns", "timestamp": at(3)},
    {"type": "identify", "anonymousId": "kitchen-tablet", "userId": "ann-1", "timestamp": at(4)},
]  # fmt: skip
BOB = [
    {"type": "identify", "anonymousId": "kitchen-tablet", "userId": "bob-2", "timestamp": at(6)},
    {"type": "page", "anonymousId": "kitchen-tablet", "name": "Bobs", "timestamp": at(7)},
    {
        "type": "track", "userId": "bob-2", "event": "Invited", "timestamp": at(8),
        "context": {"traits": {"email": "ann@forget.example"}},
    },
]  # fmt: skip
IN_CLEAR = ("ann-1", "ann@forget.example", "anns-phone")


def test_a_forgotten_person_is_gone_and_stays_gone_when_everything_is_sent_again(up: Up) -> None:
    send(up, [*ANN, *BOB, {"type": "nothing", "userId": "ann-1"}], "first")
    until(lambda: (len(people(up, "first-%")), profiles(up, "first-%")), (7, 2))
    until(lambda: up.ask("SELECT count() FROM dead_letters WHERE position(payload, 'ann-1') > 0"), [[1]])

    would = done(up, "forget", "ann@forget.example")
    assert (would["state"], would["deleted"]["events"], len(would["nodes"])) == ("would be done", 4, 3)
    assert len(people(up, "first-%")) == 7, "a dry run does nothing"

    _cut_off(up)
    receipt = done(up, "forget", "u:ann-1", "--yes")
    assert receipt["state"] == "done"
    assert receipt["nodes"] == would["nodes"], "who it was is known from the run that was cut off"
    assert receipt["deleted"] == {"events": 4, "traits": 2, "dead_letters": 1, "identifiers": 3}
    assert {found["why"] for found in receipt["left"]} == {"inside an event that is somebody else's"}
    assert {found["table"] for found in receipt["left"]} == {"events"}
    assert [message_id for message_id, _ in people(up, "first-%")] == ["first-4", "first-5", "first-6"]
    _names_nobody(up)
    _balances(up)

    send(up, ANN, "again")
    until(lambda: up.ask("SELECT sum(events) FROM ledger WHERE stage = 'resolve' AND outcome = 'forgotten'"), [[4]])
    send(up, [{"type": "page", "anonymousId": "anns-phone", "name": "Back"}], "back")
    until(lambda: len(people(up, "back-%")), 1)
    send(up, [{"type": "identify", "anonymousId": "anns-phone", "userId": "ann-1"}], "known")
    until(lambda: up.ask("SELECT events FROM profiles WHERE user_id = 'ann-1'"), [[2]])
    assert people(up, "again-%") == []
    assert profiles(up, "first-%") == 1, "all that is left is Bob's, the tablet's history included"

    until(lambda: up.ask("SELECT emails FROM profiles WHERE user_id = 'ann-1'"), [[[]]])
    second = done(up, "forget", "u:ann-1")
    assert second["deleted"]["events"] == 2, "who came back can be forgotten once more"
    _balances(up)


def _cut_off(up: Up) -> None:
    """A run that ends between its orders and its deletions: the sinks stand still."""
    sinks = next(child for child in up.family if "sink" in child.cmdline())
    _each(sinks, signal.SIGSTOP)
    try:
        ran = run(up, "forget", "ann-1", "--yes", ORDER_ACK_TIMEOUT_S="3")
    finally:
        _each(sinks, signal.SIGCONT)
    assert ran.returncode == 2
    assert "run the same command again" in ran.stderr
    assert "Traceback" not in ran.stderr
    until(lambda: profiles(up, "first-%") > 2, True)  # the person has fallen apart, the rows are there


def _each(process: psutil.Process, number: signal.Signals) -> None:
    for one in (process, *process.children(recursive=True)):
        one.send_signal(number)


def _names_nobody(up: Up) -> None:
    """Neither what is kept of the command, nor what the state of both steps now says."""
    kept = read_control(KafkaSettings(bootstrap_servers=up.addresses["kafka"]), 60).documents
    assert any(key.startswith("forget/") for key in kept)
    written = "\n".join(f"{key} {value.decode()}" for key, value in kept.items())
    assert [word for word in IN_CLEAR if word in written] == []
    values = b"\n".join(_state(up))
    assert values
    assert [word for word in IN_CLEAR if word.encode() in values] == []


def _state(up: Up) -> Iterator[bytes]:
    for partition in range(4):
        for agent in ("resolve", "identity"):
            folder = f"{up.addresses['data']}/state/g1/{agent}/{partition}"
            with_values = Rdict(folder, Options(raw_mode=True), access_type=AccessType.read_only())
            yield from (bytes(value) for value in with_values.values())
            with_values.close()


def _balances(up: Up) -> None:
    sql = (
        "SELECT (SELECT sum(events) FROM ledger WHERE outcome = 'accepted')"
        " + (SELECT count() FROM dead_letters WHERE stage = 'collector')"
        " = (SELECT count() FROM events_resolved) + (SELECT count() FROM dead_letters)"
        " + (SELECT sum(events) FROM ledger WHERE outcome IN ('duplicate', 'forgotten'))"
    )
    until(lambda: up.ask(sql), [[1]])
