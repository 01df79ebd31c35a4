"""The command `stitchline link`: options in, one of four calls of links.py, lines out."""

import csv as csv_format
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from deploy.sources.links import Signer

PROBLEMS_TOLD_MAX = 20

Template = Annotated[str, typer.Option(help="Print links for a mail tool: mailchimp, klaviyo or hubspot.")]
Redirect = Annotated[
    str, typer.Option(help="Count the click: the collector's address with /r/ and the source's id.")
]
KeyId = Annotated[str, typer.Option(help="The key to sign with; without: the first.")]
Workspace = Annotated[str, typer.Option(help="The workspace in which the link counts.")]
Name = Annotated[str, typer.Option(help="With --redirect: what reports call the link.")]


def link(
    url: Annotated[
        str, typer.Argument(metavar="[URL]", help="The page; with --check a link or a token.")
    ] = "",
    contact: Annotated[str, typer.Option(help="The recipient's contact id.")] = "",
    email: Annotated[str, typer.Option(help="The recipient's e-mail; the link holds its hash.")] = "",
    csv: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help="Print this file of contacts with a token in each row."
        ),
    ] = None,
    template: Template = "",
    redirect: Redirect = "",
    name: Name = "",
    check: Annotated[bool, typer.Option(help="Say what a link is worth; exit 1 if nothing.")] = False,
    workspace: Workspace = "main",
    expires_days: Annotated[
        int, typer.Option(min=0, max=3_650, help="How many days after today the link counts.")
    ] = 90,
    key_id: KeyId = "",
) -> None:
    """Make signed links, which tell who opened them and cannot be made by others (docs/links.md)."""
    from deploy.sources import links
    from runtime.environment.settings import LinkSettings, load
    from runtime.link_keys import link_keys
    from schemas.events.links import PARAMETER
    from schemas.events.remarks import Remark

    url = links.counted(url, redirect, name)
    if template:
        typer.echo("\n".join(links.templates(url, template)))
        return
    if redirect and not (contact or email or csv or check):
        return typer.echo(url)
    keys = link_keys(load(LinkSettings, os.environ), os.environ)
    now = datetime.now(UTC)  # noqa: TID251 - the root's clock
    key = links.signing_key(keys, key_id)
    if check:
        found = links.check(url, workspace, keys, now)
        typer.echo(msgspec.json.encode(found).decode())
        sys.exit(0 if found.remark == Remark.LINK_SIGNED else 1)
    signer = links.Signer(key, workspace, links.last_day(now, expires_days))
    if csv is not None:
        _print_csv(csv, url, signer)
    elif bool(contact) == bool(email) or not url:
        raise links.BadLink("give an address and either --contact or --email (or --csv, --template, --check)")
    else:
        typer.echo(links.with_parameter(url, PARAMETER, signer.token(contact, email)))


def _print_csv(file: Path, url: str, signer: "Signer") -> None:
    from deploy.files.csv_file import delimiter_of, opened
    from deploy.sources.links import BadLink, signed_rows

    problems: list[str] = []
    try:
        with opened(file) as contacts:
            delimiter = delimiter_of(contacts.readline())
            contacts.seek(0)
            writer = csv_format.writer(sys.stdout, delimiter=delimiter, lineterminator="\n")
            # Strict: a quote that nothing closes would otherwise make one field of all contacts behind it, and say nothing.
            rows = csv_format.reader(contacts, delimiter=delimiter, strict=True)
            for row in signed_rows(rows, url, signer, problems.append):
                writer.writerow(row)
    except csv_format.Error as error:
        raise BadLink(f"{file} is no CSV up to line {rows.line_num}: {error}") from error
    for problem in problems[:PROBLEMS_TOLD_MAX]:
        typer.echo(problem, err=True)
    if problems:
        typer.echo(
            f"{len(problems)} of the rows {'has' if len(problems) == 1 else 'have'} no token", err=True
        )
