"""The command `stitchline webhook`: shows what a payload would become, before its mapping is applied or after."""

import os
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

NOT_WHOLE = 1


def webhook(
    webhook_id: Annotated[str, typer.Argument(metavar="ID", help="The webhook.")],
    payload: Annotated[
        Path, typer.Option("--try", exists=True, dir_okay=False, help="A file with a delivery's body.")
    ],
    file: Annotated[
        Path | None,
        typer.Option(
            "--file", exists=True, dir_okay=False, help="Take the webhook from this file, not from Kafka."
        ),
    ] = None,
    header: Annotated[
        list[str] | None, typer.Option("--header", help="As the sender sends it: 'X-GitHub-Event: push'.")
    ] = None,
    query: Annotated[str, typer.Option("--query", help="What stands behind the ? of the address.")] = "",
) -> None:
    """Print as JSON which events a payload would become; exit 1 when some of it would become a dead letter."""
    from deploy.sources.webhooks import applied_webhook, delivery_of, tried, webhook_of_file
    from runtime.environment.settings import CollectorSettings, KafkaSettings, load

    delivery = delivery_of(payload.read_bytes(), header or [], query)
    if file is not None:
        found = webhook_of_file(file, webhook_id)
    else:
        found = applied_webhook(load(KafkaSettings, os.environ), webhook_id)
    now = time.time_ns() // 1_000_000  # noqa: TID251 - the root's clock
    outcome = tried(found, delivery, load(CollectorSettings, os.environ), now)
    typer.echo(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode())
    if outcome.dead_letters or outcome.remarks:
        sys.exit(NOT_WHOLE)
