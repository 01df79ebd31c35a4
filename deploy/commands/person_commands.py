"""The commands that show one person's data: `why` and `export`. Added to the command line by cli.py."""

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

IdOption = Annotated[
    str,
    typer.Argument(
        metavar="ID",
        help="u:42, e:ann@example.org, a:6f1c, x:contact_id:7, a profile id, or a value that events carry.",
    ),
]
Workspace = Annotated[str, typer.Option(help="The workspace to look in.")]
Data = Annotated[
    Path, typer.Option(help="An embedded stack's folder: its hash key names ids that no event carries.")
]


def add_to(app: typer.Typer) -> None:
    for command in (why, export):
        app.command()(command)


def why(
    a: IdOption,
    b: Annotated[
        str, typer.Argument(metavar="[ID]", help="A second id; without one: why the first is its profile's.")
    ] = "",
    workspace: Workspace = "main",
    data: Data = Path("data"),
    json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
) -> None:
    """Say by which events two ids are one person, or what divides them."""
    from deploy.explaining.why import ask
    from deploy.explaining.why_text import text

    found = ask(os.environ, workspace, (a, b or None), data)
    typer.echo(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() if json else text(found))


def export(
    identifier: IdOption,
    to: Annotated[
        Path | None,
        typer.Option(help="A folder that gets one file per section; without it: standard output."),
    ] = None,
    workspace: Workspace = "main",
    data: Data = Path("data"),
) -> None:
    """Write everything that is stored about one person, as JSON lines."""
    from deploy.people.export import run

    counts = run(os.environ, workspace, identifier, (data, to, sys.stdout.buffer))
    told = ", ".join(f"{lines} {name}" for name, lines in counts.items())
    typer.echo(f"lines: {told}", err=True)
