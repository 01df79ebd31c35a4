"""The command `stitchline list`: a file of identifiers in, checked; a list replaced, shown or deleted (lists.py)."""

import csv
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from clickhouse_connect.driver.client import Client

    from deploy.identifiers.many_ids import Line


def list_people(  # noqa: PLR0913 - one option each
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The list; without it, all are shown.")] = "",
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FILE]",
            exists=True,
            dir_okay=False,
            help="One identifier a line, or CSV: u:42, e:ann@example.org, a:6f1c, x:contact_id:7, or what events carry.",
        ),
    ] = None,
    column: Annotated[
        str, typer.Option(help="The column with this heading; without it, the first, no heading.")
    ] = "",
    kind: Annotated[
        str, typer.Option("--as", metavar="KIND", help="What bare values are: u, e, a, or x:TYPE.")
    ] = "",
    skip: Annotated[
        bool, typer.Option(help="Leave out lines that name nobody; without it, all must.")
    ] = False,
    delete: Annotated[bool, typer.Option(help="Delete the list, unless a segment uses it.")] = False,
    workspace: Annotated[str, typer.Option(help="The workspace of the list.")] = "main",
    data: Annotated[
        Path, typer.Option(help="An embedded stack's folder: its hash key names ids that no event carries.")
    ] = Path("data"),
) -> None:
    """Load a list of people for segments (in_list): the file takes the place of what the list held."""
    from deploy.orders.tables import answered
    from deploy.people.lists import BadList, check_name, kept
    from runtime.clickhouse import connect
    from runtime.environment.settings import ClickHouseSettings, load

    if name:
        check_name(name)
    if (file or delete) and (not name or (file and delete)):
        raise BadList("a list is loaded with its name and a file, and deleted with its name and --delete")
    lines = _read(file, column, kind) if file else []
    with answered():
        client = connect(load(ClickHouseSettings, os.environ), has_long_values=True)
        if delete:
            _delete(client, workspace, name)
        left_out = _load(client, (workspace, name), (lines, skip, data)) if file else 0
        shown = kept(client, workspace, name)
        client.close()
    for each in shown:
        typer.echo(msgspec.json.encode(msgspec.structs.replace(each, left_out=left_out)).decode())


def _read(file: Path, column: str, kind: str) -> "list[Line]":
    from deploy.files.csv_file import delimiter_of, opened
    from deploy.people.lists import BadList, as_kind, read_lines

    try:
        with opened(file) as text:
            delimiter = delimiter_of(text.readline())
            text.seek(0)
            lines = read_lines(csv.reader(text, delimiter=delimiter, strict=True), column)
            return as_kind(lines, kind) if kind else lines
    except csv.Error as error:
        raise BadList(f"{file} is no CSV: {error}") from error


def _load(client: "Client", of: tuple[str, str], given: "tuple[list[Line], bool, Path]") -> int:
    """How many lines were left out."""
    from deploy.identifiers.ids import hash_key_at_hand
    from deploy.identifiers.many_ids import resolve
    from deploy.people.lists import PROBLEMS_TOLD_MAX, refuse_problems, replace

    lines, skip, data = given
    found = resolve(client, of[0], lines, hash_key_at_hand(os.environ, data))
    refuse_problems(found, skip=skip)
    replace(client, *of, found.nodes, int(time.time() * 1000))  # noqa: TID251 - the root's clock
    for number, what in [*found.problems.items()][:PROBLEMS_TOLD_MAX]:
        typer.echo(f"left out, line {number}: {what}", err=True)
    return len(found.problems)


def _delete(client: "Client", workspace: str, name: str) -> None:
    from deploy.people.lists import BadList, delete, kept
    from runtime.control import read_control
    from runtime.environment.settings import KafkaSettings, load
    from schemas.segments.segment_tree import lists_of

    kafka = load(KafkaSettings, os.environ)
    segments = read_control(kafka, kafka.answer_timeout_s).segments.values()
    users = sorted(
        each.segment for each in segments if each.workspace == workspace and name in lists_of(each)
    )
    if users:
        raise BadList(f"list {name} is used by {', '.join(users)}: take in_list: {name} out there first")
    if not kept(client, workspace, name):
        raise BadList(f"workspace {workspace} has no list {name}")
    delete(client, workspace, name)
