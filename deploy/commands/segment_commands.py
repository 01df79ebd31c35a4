"""The command `stitchline segment`: definitions that were applied or stand in a file; their SQL, sizes, members, and why."""

import os
from pathlib import Path
from typing import Annotated

import msgspec
import typer

Name = Annotated[str, typer.Argument(metavar="[NAME]", help="A segment; without one, all are listed.")]
Sql = Annotated[bool, typer.Option("--sql", help="Print its query, to run in any client of ClickHouse.")]
Preview = Annotated[bool, typer.Option("--preview", help="Count it now: size, some members, what it cost.")]
Why = Annotated[
    str, typer.Option(metavar="PERSON", help="Why somebody is in it or not: u:42, a profile id, a:6f1c ..")
]
At = Annotated[
    str, typer.Option(metavar="DATE", help="As of this moment (ISO 8601, UTC); alone: its members then.")
]
KnownAt = Annotated[str, typer.Option(metavar="DATE", help="By what had arrived before this moment alone.")]
Identity = Annotated[
    str, typer.Option(metavar="now|then", help="Who is who now, or who was who when it was known.")
]
File = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="Definitions in YAML, besides those that were applied."),
]
Expression = Annotated[
    str,
    typer.Option(
        metavar="LINE", help="A condition as one line, of nobody's segment yet; NAME is what to call it."
    ),
]
Line = Annotated[bool, typer.Option("--line", help="Print its condition as one line.")]
Workspace = Annotated[str, typer.Option(help="The workspace of the segment.")]
Data = Annotated[
    Path, typer.Option(help="An embedded stack's folder: its hash key names ids that no event carries.")
]
Json = Annotated[bool, typer.Option("--json", help="With --why: print the whole answer as JSON.")]


def add_to(app: typer.Typer) -> None:
    app.command()(segment)


def segment(  # noqa: PLR0913 - one option each
    name: Name = "",
    sql: Sql = False,
    preview: Preview = False,
    why: Why = "",
    at: At = "",
    known_at: KnownAt = "",
    identity: Identity = "now",
    file: File = None,
    expression: Expression = "",
    line: Line = False,
    workspace: Workspace = "main",
    data: Data = Path("data"),
    json: Json = False,
) -> None:
    """Show what segments are, whom they hold and why; nothing is changed."""
    from deploy.segments import segment_text, segments
    from runtime.environment.settings import ClickHouseSettings, KafkaSettings, SegmentSettings, load

    kafka = load(KafkaSettings, os.environ)
    own = [segments.of_line(expression, name, workspace)] if expression else []
    defined = segments.definitions(kafka, file, own)
    if not (name or own):
        typer.echo(segments.listed(defined, workspace))
        return
    tables, limited = load(ClickHouseSettings, os.environ), load(SegmentSettings, os.environ)
    wanted = segments.chosen(defined, workspace, own[0].segment if own else name, limited.zone)
    asked = segments.moments(at, known_at, identity, segments.now_ms())
    if (preview or why or at or known_at) and (note := segments.lists_note(tables, wanted, limited)):
        typer.echo(note, err=True)
    if sql:
        typer.echo(segments.sql_of(wanted, asked, tables.database))
    elif preview:
        typer.echo(_pretty(segments.preview_of(tables, wanted, asked, limited)))
    elif why:
        told = segments.why_of(tables, wanted, asked, why, data)
        typer.echo(_pretty(told) if json else segment_text.text(told))
    elif at or known_at:
        for profile in segments.members_of(tables, wanted, asked, limited):
            typer.echo(profile)
        typer.echo(segments.forgotten_note(kafka, asked.at_ms), err=True)
    else:
        typer.echo(segments.shown_as_line(wanted) if line else segments.shown(wanted))


def _pretty(found: msgspec.Struct) -> str:
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode()
