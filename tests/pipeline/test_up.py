"""`stitchline up` as a user runs it: an event goes in by HTTP and is a person in SQL; a killed start carries on and leaves
nothing behind."""

import itertools
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.pipeline.up import Up, until

pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


JOURNEY = """
SELECT type, anonymous_id, user_id FROM events_resolved
WHERE profile_id = (SELECT profile_id FROM profiles WHERE user_id = 'ann') ORDER BY timestamp"""


def test_a_stack_survives_its_own_death_and_keeps_what_it_accepted(data: Path) -> None:
    up = Up(data)
    assert set(up.addresses) == {"collector", "console", "clickhouse", "kafka", "write_key", "data"}
    assert (
        up.post("/v1/page", {"anonymousId": "d1", "name": "Home", "timestamp": "2026-01-01T10:00:00Z"}) == 200
    )
    assert (
        up.post("/v1/identify", {"anonymousId": "d1", "userId": "ann", "timestamp": "2026-01-02T10:00:00Z"})
        == 200
    )
    until(lambda: up.ask(JOURNEY), [["page", "d1", ""], ["identify", "d1", "ann"]])

    for number in range(200):  # some are on their way when everything is killed
        assert up.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": f"m{number}"}) == 200
    up.end(signal.SIGKILL)

    again = Up(data)
    until(lambda: again.ask("SELECT count(), uniqExact(message_id) FROM events_resolved"), [[202, 202]])
    assert again.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": "m7"}) == 200
    assert again.post("/v1/track", {"userId": "ann", "event": "Clicked Again", "messageId": "m200"}) == 200
    until(lambda: again.ask("SELECT count() FROM events_resolved WHERE event = 'Clicked Again'"), [[1]])
    assert again.ask("SELECT count() FROM events_resolved") == [[203]], "what was sent again is a duplicate"
    again.end(signal.SIGTERM)

    third = Up(data)
    assert third.ask("SELECT count() FROM events_resolved") == [[203]]
    assert third.post("/v1/page", {"anonymousId": "d1", "name": "Home"}) == 200
    until(lambda: third.ask("SELECT events FROM profiles WHERE user_id = 'ann'"), [[204]])
    third.end(signal.SIGINT)


def test_kills_under_load_lose_nothing_and_double_nothing(data: Path) -> None:
    """Everything dies at once, in the middle of requests, transactions and inserts, three times over."""
    accepted: set[str] = set()
    for number in range(3):
        up = Up(data)
        senders = [threading.Thread(target=_send, args=(up, f"{number}-{k}", accepted)) for k in range(6)]
        for sender in senders:
            sender.start()
        time.sleep(1.5)
        up.process.kill()
        for sender in senders:
            sender.join()
        up.end(signal.SIGKILL)
    up = Up(data)
    until(lambda: accepted <= {row[0] for row in up.ask("SELECT message_id FROM events_resolved")}, True)
    assert up.ask("SELECT count() = uniqExact(message_id) FROM events_resolved") == [[1]]
    assert len(accepted) > 300
    up.end(signal.SIGTERM)


def _send(up: Up, name: str, accepted: set[str]) -> None:
    """Batches that give state, facts and pointers work, until nobody answers."""
    for number in itertools.count():
        events = [
            {
                "type": "identify",
                "messageId": f"{name}-{number}-{k}",
                "anonymousId": f"d{number % 500}",
                "userId": f"u{number % 300}",
            }
            for k in range(5)
        ]
        try:
            if up.post("/v1/batch", {"batch": events}) == 200:
                accepted.update(event["messageId"] for event in events)
        except OSError:
            return


def test_a_child_that_is_killed_is_started_again_and_loses_nothing(data: Path) -> None:
    up = Up(data)
    for number, stage in enumerate(("processor", "sink", "collector")):
        victim = next(p for p in up.family if p.is_running() and stage in p.cmdline())
        victim.kill()
        until(lambda stage=stage, number=number: _accepted(up, f"{stage}-{number}"), True)  # type: ignore[misc]
    until(lambda: up.ask("SELECT count() FROM events_resolved"), [[3]])
    up.family = psutil.Process(up.process.pid).children(recursive=True)
    up.end(signal.SIGTERM)


def _accepted(up: Up, message_id: str) -> bool:
    try:
        return up.post("/v1/track", {"userId": "ann", "event": "Clicked", "messageId": message_id}) == 200
    except OSError:
        return False
