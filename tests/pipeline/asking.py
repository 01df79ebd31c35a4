"""What the tests of a running stack ask it: by the command line, and by Avro."""

import os
import subprocess
import sys
from typing import Any

from confluent_kafka import Consumer

from tests.avro import deserialise
from tests.pipeline.up import SETTLE_S, Up

LINK_KEYS = {"STITCHLINE_LINK_KEYS": "2026=env:LINK_SECRET", "LINK_SECRET": "0123456789abcdef" * 4}


def stitchline(up: Up, *arguments: str) -> str:
    addresses = {
        "KAFKA_BOOTSTRAP_SERVERS": up.addresses["kafka"],
        "CLICKHOUSE_URL": up.addresses["clickhouse"],
    }
    environ = addresses | LINK_KEYS
    command = [sys.executable, "-m", "deploy", *arguments]
    return subprocess.run(
        command, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=True
    ).stdout


def resolved(up: Up, message_id: str) -> dict[str, Any]:
    """The event as a stock Avro consumer reads it, with the collector as its schema registry."""
    consumer = Consumer(
        {"bootstrap.servers": up.addresses["kafka"], "group.id": "a-team", "auto.offset.reset": "earliest"}
    )
    consumer.subscribe(["events.resolved"])
    try:
        for _ in range(SETTLE_S):
            message = consumer.poll(1)
            if message is None or message.error():
                continue
            event = deserialise(up.addresses["collector"], "events.resolved", message.value())
            if event["message_id"] == message_id:
                return event
    finally:
        consumer.close()
    raise AssertionError(f"{message_id} did not arrive")
