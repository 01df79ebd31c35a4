"""The command `stitchline contacts`: lists of contacts changed, exported and counted (contacts.py)."""

import os
import sys
from pathlib import Path
from typing import Annotated

import msgspec
import typer

PROGRESS_EVERY = 10  # batches


def contacts(
    name: Annotated[
        str, typer.Argument(metavar="[LIST]", help="The list; without it, all are counted.")
    ] = "",
    add: Annotated[str, typer.Option(metavar="ADDRESS", help="Put this address on the list.")] = "",
    delete: Annotated[str, typer.Option(metavar="ADDRESS", help="Take this address off the list.")] = "",
    file: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="FILE",
            exists=True,
            dir_okay=False,
            help="Put all addresses of a CSV file on the list: a column email, phone or address, or the first; also mailer, at.",
        ),
    ] = None,
    remove: Annotated[bool, typer.Option(help="With --import: take them off the list instead.")] = False,
    dry_run: Annotated[bool, typer.Option(help="With --import: check the file, and change nothing.")] = False,
    mailer: Annotated[str, typer.Option(help="With --add and --delete: by which mailer it came.")] = "",
    export: Annotated[bool, typer.Option(help="Write who is on the list, as CSV.")] = False,
    status: Annotated[
        bool, typer.Option(help="Count who is on the list (what happens without options).")
    ] = False,
    workspace: Annotated[str, typer.Option(help="The workspace of the list.")] = "main",
) -> None:
    """Change lists of contacts and opt-out lists, export and count them."""
    from deploy.people.contacts import CannotChange
    from schemas.contacts.contact_facts import ADDED, DELETED

    wanted = [bool(each) for each in (add, delete, file, export, status)]
    if sum(wanted) > 1 or (any(wanted[:4]) and not name):
        raise CannotChange("give a list, and one of --add, --delete, --import, --export, --status")
    if (remove or dry_run) and file is None:
        raise CannotChange("--remove and --dry-run are for --import")
    if file is not None:
        _load(workspace, name, file, DELETED if remove else ADDED, is_dry=dry_run)
    elif add or delete:
        _change(workspace, name, (ADDED, add) if add else (DELETED, delete), mailer)
    else:
        _show(workspace, name, is_export=export)


def _change(workspace: str, name: str, change: tuple[str, str], mailer: str) -> None:
    from deploy.people.contacts import Changing
    from schemas.contacts.contact_changes import Stated

    Changing(workspace, name, "api").change(Stated(*change, mailer))
    _say({"list": name, "change": change[0], "taken": 1})


def _load(workspace: str, name: str, file: Path, change: str, *, is_dry: bool) -> None:
    from deploy.people.contact_files import Counted
    from deploy.people.contacts import Changing

    counted = Counted()
    changing = Changing(workspace, name, "file")
    for number, counted in enumerate(changing.load_file(file, change, _tell, is_dry=is_dry), 1):
        if number % PROGRESS_EVERY == 0:
            typer.echo(f"{counted.lines} lines", err=True)
    _say({"list": name, "change": change, "dry_run": is_dry, **msgspec.structs.asdict(counted)})


def _show(workspace: str, name: str, *, is_export: bool) -> None:
    from deploy.orders.tables import answered
    from deploy.people.contacts import export, status
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings, load

    with answered():
        client = connect(load(ClickHouseSettings, os.environ))
        try:
            if is_export:
                export(client, workspace, name, sys.stdout)
                return
            shown = status(client, workspace, name)
        finally:
            client.close()
    for each in shown:
        _say(msgspec.to_builtins(each))
    if name and not shown:
        typer.echo(f"no address is or was on a list {name} of workspace {workspace}", err=True)


def _tell(number: int, why: str) -> None:
    typer.echo(f"line {number}: {why}", err=True)


def _say(what: object) -> None:
    typer.echo(msgspec.json.encode(what).decode())
