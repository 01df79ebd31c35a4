"""The command `stitchline segment`: definitions that were applied or stand in a file; their SQL, sizes and members."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer


def add_to(app: typer.Typer) -> None:
    app.command()(segment)


def segment(  # noqa: PLR0913 - one option each
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="A segment; without one, all are listed.")
    ] = "",
    sql: Annotated[
        bool, typer.Option("--sql", help="Print its query, to run in any client of ClickHouse.")
    ] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Count it now: size, some members, what it cost.")
    ] = False,
    at: Annotated[
        str, typer.Option(metavar="DATE", help="As of this moment (ISO 8601, UTC); alone: its members then.")
    ] = "",
    known_at: Annotated[
        str, typer.Option(metavar="DATE", help="By what had arrived before this moment alone.")
    ] = "",
    identity: Annotated[
        str, typer.Option(metavar="now|then", help="Who is who now, or who was who when it was known.")
    ] = "now",
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Definitions in YAML, besides those that were applied."
        ),
    ] = None,
    workspace: Annotated[str, typer.Option(help="The workspace of the segment.")] = "main",
) -> None:
    """Show what segments are and whom they hold; nothing is changed."""
    from deploy import segments
    from runtime.settings import ClickHouseSettings, KafkaSettings, SegmentSettings, load

    kafka = load(KafkaSettings, os.environ)
    defined = segments.definitions(kafka, file)
    if not name:
        typer.echo(segments.listed(defined, workspace))
        return
    wanted = segments.chosen(defined, workspace, name)
    asked = segments.moments(at, known_at, identity, segments.now_ms())
    tables, limited = load(ClickHouseSettings, os.environ), load(SegmentSettings, os.environ)
    if sql:
        typer.echo(segments.sql_of(wanted, asked, tables.database))
    elif preview:
        found = segments.preview_of(tables, wanted, asked, limited)
        typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode())
    elif at or known_at:
        for profile in segments.members_of(tables, wanted, asked, limited):
            typer.echo(profile)
        typer.echo(segments.forgotten_note(kafka, asked.at_ms), err=True)
    else:
        typer.echo(segments.shown(wanted))
