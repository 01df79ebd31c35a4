"""`stitchline up` as a user runs it: an event goes in by HTTP and is a person in SQL; a killed start carries on and leaves
nothing behind."""

import itertools
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.pipeline.up import Up, until

pytestmark = pytest.mark.timeout(300)

JOURNEY = """
SELECT type, anonymous_id, user_id FROM events_resolved
WHERE profile_id = (SELECT profile_id FROM profiles WHERE user_id = 'ann') ORDER BY timestamp"""
COUNTS = "SELECT count(), uniqExact(message_id) FROM events_resolved"


def test_a_stack_that_is_killed_under_load_and_stopped_keeps_what_it_accepted_once(tmp_path: Path) -> None:
    """Everything dies at once, in the middle of requests, transactions and inserts; then it stops in order, and starts again."""
    data = tmp_path / "data"
    accepted = {"first", "known"}
    up = Up(data)
    assert set(up.addresses) == {
        "collector",
        "console",
        "clickhouse",
        "kafka",
        "write_key",
        "server_key",
        "data",
    }
    visit = {
        "messageId": "first",
        "anonymousId": "anns-phone",
        "name": "Home",
        "timestamp": "2026-01-01T10:00:00Z",
    }
    assert up.post("/v1/page", visit) == 200
    known = {
        "messageId": "known",
        "anonymousId": "anns-phone",
        "userId": "ann",
        "timestamp": "2026-01-02T10:00:00Z",
    }
    assert up.post("/v1/identify", known) == 200
    until(lambda: up.ask(JOURNEY), [["page", "anns-phone", ""], ["identify", "anns-phone", "ann"]])
    _kill_under_load(up, accepted)

    up = Up(data)
    until(lambda: accepted <= {row[0] for row in up.ask("SELECT message_id FROM events_resolved")}, True)
    [[rows, ids]] = up.ask(COUNTS)
    assert rows == ids >= len(accepted) > 150
    assert up.post("/v1/identify", known) == 200
    assert up.post("/v1/track", {"messageId": "last", "userId": "ann", "event": "Clicked"}) == 200
    until(lambda: up.ask("SELECT count() FROM events_resolved WHERE event = 'Clicked'"), [[1]])
    assert up.ask(COUNTS) == [[rows + 1, ids + 1]], "what was sent again is a duplicate"
    up.end(signal.SIGTERM)

    up = Up(data, KAFKA_SECURITY_PROTOCOL="SASL_SSL")  # of some other Kafka: ours asks for nothing
    assert up.ask(COUNTS) == [[rows + 1, ids + 1]]
    assert up.post("/v1/page", {"anonymousId": "anns-phone", "name": "Home"}) == 200
    until(lambda: up.ask("SELECT events FROM profiles WHERE user_id = 'ann'"), [[4]])
    up.end(signal.SIGINT)


def _kill_under_load(up: Up, accepted: set[str]) -> None:
    senders = [threading.Thread(target=_send, args=(up, f"load-{k}", accepted)) for k in range(6)]
    for sender in senders:
        sender.start()
    time.sleep(1.5)
    up.process.kill()
    for sender in senders:
        sender.join()
    up.end(signal.SIGKILL)


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
