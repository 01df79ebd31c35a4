"""What the tests of a running stack ask it: by the command line, and by Avro."""

from typing import Any

from confluent_kafka import Consumer
from structlog.testing import capture_logs
from typer.testing import CliRunner

from deploy.cli import app
from tests.avro import deserialise
from tests.pipeline.up import SETTLE_S, Up

LINK_KEYS = {"STITCHLINE_LINK_KEYS": "2026=env:LINK_SECRET", "LINK_SECRET": "0123456789abcdef" * 4}


def stitchline(up: Up, *arguments: str, **environ: str) -> str:
    """What a command prints; raises what it does. In this process, which saves the second of CPU of starting one."""
    addresses = {
        "KAFKA_BOOTSTRAP_SERVERS": up.addresses["kafka"],
        "CLICKHOUSE_URL": up.addresses["clickhouse"],
    }
    with capture_logs():  # they would stand among the results: a process of its own writes them elsewhere
        ran = CliRunner().invoke(
            app, list(arguments), env=addresses | LINK_KEYS | environ, catch_exceptions=False
        )
    assert ran.exit_code == 0, ran.output
    return ran.stdout


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
