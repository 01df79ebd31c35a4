"""The command `stitchline extract`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer


class FormName(StrEnum):
    parquet = "parquet"
    arrow = "arrow"


class By(StrEnum):
    day = "day"


def extract(
    what: Annotated[
        str, typer.Argument(metavar="TABLE_OR_QUERY", help="A table or view (docs/data.md), or a SELECT.")
    ],
    out: Annotated[Path, typer.Option(help="The file; with --by day a folder that gets one for each day.")],
    form: Annotated[
        FormName, typer.Option("--format", help="Arrow is the file form, also known as Feather.")
    ] = FormName.parquet,
    since: Annotated[str, typer.Option("--from", help="From this day or time on, UTC without a zone.")] = "",
    until: Annotated[str, typer.Option("--to", help="Before this day or time.")] = "",
    time: Annotated[
        str, typer.Option(help="The column of time; by default the table's own, else `timestamp`.")
    ] = "",
    by: Annotated[
        By | None, typer.Option(help="One file for each day (UTC); days that are there are left alone.")
    ] = None,
    again: Annotated[bool, typer.Option("--again", help="With --by day: write all days anew.")] = False,
    segment: Annotated[str, typer.Option(help="Only rows of the members of this segment.")] = "",
    workspace: Annotated[str, typer.Option(help="The segment's workspace.")] = "main",
) -> None:
    """Write a table or a query to Parquet or Arrow files; prints one JSON line of what was written."""
    from deploy.files.extract import FORMS, Wanted, run
    from deploy.files.extract_sql import Cut, moment

    cut = Cut(
        time=time,
        since=moment(since, "--from"),
        until=moment(until, "--to"),
        segment=segment,
        workspace=workspace,
    )
    wanted = Wanted(what=what, form=FORMS[form], out=out, cut=cut, by_day=by is not None, again=again)
    typer.echo(msgspec.json.encode(run(os.environ, wanted)).decode())
