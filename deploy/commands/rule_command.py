"""The command `stitchline rule`: one rule, what became of its firings, and what it would have done with what is stored."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

Name = Annotated[str, typer.Argument(metavar="NAME", help="A rule.")]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="How often it would have fired, for whom, and why not: nothing is sent."),
]
From = Annotated[
    str,
    typer.Option(
        "--from", metavar="DATE", help="Of what was received since then (ISO 8601, UTC); else yesterday."
    ),
]
To = Annotated[str, typer.Option("--to", metavar="DATE", help="And before then.")]
File = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A configuration file that has the rule.")
]
Workspace = Annotated[str, typer.Option(help="The workspace of the rule.")]
Data = Annotated[
    Path, typer.Option(help="An embedded stack's folder: its hash key tells genuine events of contacts.")
]
Json = Annotated[bool, typer.Option("--json", help="With --dry-run: the whole answer as JSON.")]


def rule(  # noqa: PLR0913 - one option each
    name: Name,
    dry_run: DryRun = False,
    since: From = "",
    until: To = "",
    file: File = None,
    workspace: Workspace = "main",
    data: Data = Path("data"),
    json: Json = False,
) -> None:
    """Show a rule: its definition, what became of its firings, or what it would have done."""
    from deploy.orders.tables import answered
    from deploy.rules import rule_shown
    from runtime.control import read_control
    from runtime.environment.settings import ClickHouseSettings, KafkaSettings, RehearsalSettings, load

    kafka = load(KafkaSettings, os.environ)
    state = read_control(kafka, kafka.answer_timeout_s)
    state = rule_shown.with_file(state, file) if file else state
    wanted = rule_shown.chosen(state, name, workspace)
    with answered():
        if not dry_run:
            counts = rule_shown.counts_of(load(ClickHouseSettings, os.environ), wanted)
            typer.echo(rule_shown.shown(wanted, counts), nl=False)
            return
        span = rule_shown.span_of(since, until, load(RehearsalSettings, os.environ).events_max)
        report = rule_shown.dry_run(rule_shown.with_key(os.environ, data), state, wanted, span)
    typer.echo(msgspec.json.encode(report).decode() if json else rule_shown.told(report))
