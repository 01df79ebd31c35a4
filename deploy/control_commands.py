"""Commands around what is applied: `schema`."""

from typing import Annotated

import typer

What = Annotated[
    str, typer.Argument(metavar="[WHAT]", help="rules, destinations, segments, or the kind of an action.")
]


def add_to(app: typer.Typer) -> None:
    app.command()(schema)


def schema(what: What = "rules") -> None:
    """Print the JSON Schema (2020-12) of what is written in configuration files, for editors and other programs."""
    from deploy.schema_pages import schema_text

    typer.echo(schema_text(what), nl=False)
