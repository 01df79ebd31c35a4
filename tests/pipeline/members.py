"""Who is in a segment, as a running stack tells it: in SQL, on the command line, and to a stock Avro consumer."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer

from tests.avro import deserialise
from tests.pipeline.asking import stitchline
from tests.pipeline.decisions import done
from tests.pipeline.up import SETTLE_S, Up, until

FANS = """\
segments:
  - segment: fans
    where: {did: {event: Fan Letter Sent, count: {gte: 2}, window: {last: 1d}}}
"""


def people_enter_and_leave(up: Up, folder: Path) -> None:
    """By what they do, and when they are forgotten; each change once."""
    file = folder / "fans.yaml"
    file.write_text(FANS)
    stitchline(up, "apply", str(file))
    for number in range(2):
        letter = {"userId": "fan-1", "event": "Fan Letter Sent", "messageId": f"letter-{number}"}
        assert up.post("/v1/track", letter) == 200
    members = "SELECT count(), countIf(left_at IS NULL) FROM segment_members WHERE segment = 'fans'"
    until(lambda: up.ask(members), [[1, 1]])
    [state] = [json.loads(line) for line in stitchline(up, "segments", "--status", "--json").splitlines()]
    assert (state["segment"], state["size"], state["drift"]) == ("fans", 1, 0)
    assert state["state"] in {"live", "refreshing", "late"}
    assert json.loads(stitchline(up, "segments", "--check"))["drift"] == {}
    assert done(up, "forget", "u:fan-1", "--yes")["state"] == "done"
    until(lambda: up.ask(members), [[1, 0]])
    told = [(each["change"], each["seq"]) for each in _told(up, 2)]
    assert told == [("enter", 1), ("leave", 2)]
    until(lambda: up.ask("SELECT count() FROM segment_changes WHERE segment = 'fans'"), [[1]])


def _told(up: Up, count: int) -> Iterator[dict[str, Any]]:
    """The changes of fans, as they come."""
    consumer = Consumer(
        {"bootstrap.servers": up.addresses["kafka"], "group.id": "b-team", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["segments.membership"])
    try:
        for _ in range(SETTLE_S):
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            change = deserialise(up.addresses["collector"], "segments.membership", message.value())
            if change["segment"] == "fans":
                yield change
                count -= 1
            if not count:
                return
    finally:
        consumer.close()
