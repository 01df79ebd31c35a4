"""The command line `stitchline`. Every command is a few lines: it reads the environment, calls one function, prints.

Stages are imported inside their commands, so that `stitchline --help` is quick and one stage does not load the others.
"""

import asyncio
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deploy.commands import control_commands, person_commands, segment_commands
from deploy.commands.contacts_command import contacts
from deploy.commands.dead_command import dead
from deploy.commands.extract_command import extract
from deploy.commands.link_command import link
from deploy.commands.list_command import list_people
from deploy.commands.profile_command import profile
from deploy.commands.rates_command import rates
from deploy.commands.rule_command import rule
from deploy.commands.rules_command import firing, rules
from deploy.commands.segments_command import segments
from deploy.commands.sources_command import sources
from deploy.commands.webhook_command import webhook
from deploy.errors import told_plainly
from deploy.orders.commands import forget, orders, suppress, unlink
from deploy.ports import without_proxy_for_us
from runtime import logs

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__.splitlines()[0]
)

Data = Annotated[
    Path, typer.Option(help="Folder that keeps everything; a second start carries on where it stopped.")
]
CollectorPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the collector on 127.0.0.1; 0 takes a free one.")
]
ConsolePort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the console on 127.0.0.1; 0 takes a free one.")
]
KafkaPort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the embedded Kafka; 0 takes a free one.")
]
ClickHousePort = Annotated[
    int, typer.Option(min=0, max=65535, help="Port of the embedded ClickHouse; 0 takes a free one.")
]


app.command()(dead)
app.command()(contacts)
app.command()(link)
app.command()(rates)
app.command()(rule)
app.command()(rules)
app.command()(firing)
app.command()(segments)
app.command()(sources)
app.command()(extract)
app.command("list")(list_people)
app.command()(webhook)


def say(line: str) -> None:
    """Progress, on standard error: standard output is for results."""
    typer.echo(line, err=True)


@app.command()
def up(
    data: Data = Path("data"),
    collector_port: CollectorPort = 8080,
    console_port: ConsolePort = 8081,
    kafka_port: KafkaPort = 9092,
    clickhouse_port: ClickHousePort = 8123,
) -> None:
    """Start the whole stack and stay; prints one JSON line of addresses when it is ready."""
    from deploy.stack.extras import require_engines

    require_engines(os.environ)
    from deploy.stack.stack import Ports
    from deploy.stack.up import run

    wanted = Ports(
        collector=collector_port, console=console_port, kafka=kafka_port, clickhouse=clickhouse_port
    )
    asyncio.run(run(data, wanted, os.environ, say))


@app.command()
def demo(
    data: Annotated[
        Path | None, typer.Option(help="Keep the stack's data in this folder (default: a temporary one).")
    ] = None,
    visitors: Annotated[int, typer.Option(min=10, max=5000, help="People in the made traffic.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed makes the same traffic.")] = 7,
) -> None:
    """Start the stack, send a shop's traffic, show what came out; exit 0 only if every number is right."""
    from deploy.stack.extras import require, require_engines

    require("demo")
    require_engines(os.environ)
    from deploy.demo.run import run, wanted_now

    sys.exit(asyncio.run(run(data, wanted_now(visitors, seed), os.environ, say)))


@app.command()
def fetch() -> None:
    """Download what the embedded engines need, into the cache; does nothing when it is there."""
    from deploy.stack.extras import require

    require("embedded")
    from deploy.embedded.kafka import fetch as fetch_kafka
    from runtime.environment.settings import EngineSettings, load

    engine = load(EngineSettings, os.environ)
    fetch_kafka(engine.cache_path, say, engine.jar_registry)


@app.command()
def collector() -> None:
    """Run the collector."""
    from collector.server import run

    sys.exit(run(os.environ))


@app.command()
def processor() -> None:
    """Run one worker of the stream processors."""
    from processors.worker import run

    run(os.environ)


@app.command()
def sink(
    names: Annotated[list[str], typer.Argument(metavar="NAME...", help="events, pointers, dead, ledger")],
) -> None:
    """Run one or more sinks into ClickHouse in this process."""
    from sinks.worker import run

    run(names, os.environ)


@app.command()
def deliver() -> None:
    """Run the sender of what rules do: webhooks, other requests, e-mails, records of topics."""
    from sinks.deliver import run

    run(os.environ)


@app.command()
def console() -> None:
    """Run the console."""
    from console.server import run

    sys.exit(run(os.environ))


@app.command()
def migrate() -> None:
    """Create or upgrade ClickHouse's tables; idempotent."""
    from runtime.environment.settings import ClickHouseSettings, SessionSettings, load
    from sinks.migrating.comments import write_comments
    from sinks.migrating.migrations import migrate as apply_migrations

    settings = load(ClickHouseSettings, os.environ)
    for name in apply_migrations(settings, sessions=load(SessionSettings, os.environ)):
        say(f"applied {name}")
    write_comments(settings)
    say("tables are up to date")


@app.command()
def topics() -> None:
    """Create Kafka's topics; idempotent."""
    from runtime.environment.settings import KafkaSettings, load
    from runtime.kafka import ensure_topics

    for name in ensure_topics(load(KafkaSettings, os.environ)):
        say(f"created {name}")
    say("topics are up to date")


app.command()(profile)
person_commands.add_to(app)
segment_commands.add_to(app)
control_commands.add_to(app)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def query(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A ready query; without one, all of them are listed.")
    ] = "",
) -> None:
    """Ask ClickHouse one of the ready queries and print a table; its parameters are options (`query NAME --list` says which)."""
    from deploy import queries
    from runtime.environment.settings import ClickHouseSettings, load

    if not name:
        typer.echo("\n".join(f"{found:<18} {queries.ready(found).meaning}" for found in queries.names()))
    elif context.args == ["--list"]:
        typer.echo("\n".join(queries.described(queries.ready(name))))
    else:
        now = datetime.now(UTC)  # noqa: TID251 - the root's clock
        given = queries.given(context.args)
        table = queries.ask(load(ClickHouseSettings, os.environ), name, given, now).rstrip()
        typer.echo(table) if table else say(f"no rows: nothing to tell by {name}")


app.command()(unlink)
app.command()(suppress)
app.command()(forget)
app.add_typer(orders, name="orders")


@app.command()
def settings() -> None:
    """Print every setting with its default and meaning."""
    from deploy.pages.settings_page import page

    typer.echo(page())


@app.command()
def doctor(data: Data = Path("data")) -> None:
    """Say what is wrong here and how to mend it; exit 1 when something is."""
    from deploy.doctor import examine

    findings = asyncio.run(examine(data, os.environ))
    for finding in findings:
        typer.echo(finding.line())
    sys.exit(1 if any(finding.is_bad for finding in findings) else 0)


def main() -> None:
    """The entry point: an error that a user can mend is one plain sentence and exit code 2, never a stack."""
    logs.configure("stitchline", logging.WARNING)
    os.environ.update(without_proxy_for_us(os.environ))
    with told_plainly(say):
        app()
