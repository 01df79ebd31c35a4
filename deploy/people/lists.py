"""Uploaded lists of people: a file of identifiers read as a whole, and table `lists`, where each list is replaced in one step.

The table keeps nodes, which are hashes; the file's text goes nowhere. Deliberately absent: adding to a list. What is in it is
what the last file said.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import msgspec
from clickhouse_connect.driver.client import Client

from deploy.identifiers.ids import KINDS
from deploy.identifiers.many_ids import Line, Resolved
from schemas.identity.identifiers import EXTERNAL

LIST_ENTRIES_MAX = 1_000_000
PROBLEMS_TOLD_MAX = 20
ROWS_PER_INSERT_MAX = 100_000
ABANDONED_AFTER_MS = 86_400_000  # a table that a load left behind when it was cut off
COLUMNS = ("workspace", "list", "node", "version")

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_LOADING = "lists_loading_"
_PARTITION = "tuple({workspace:String}, {list:String})"
_KEPT = """\
SELECT list, count(), max(version) FROM lists
WHERE workspace = {workspace:String} AND ({list:String} = '' OR list = {list:String})
GROUP BY list ORDER BY list"""
_ABANDONED = (
    "SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, {prefix:String})"
)


class BadList(ValueError):
    """The file cannot be loaded, or the list cannot go; the text says why and what to do."""


class Kept(msgspec.Struct, frozen=True):
    """A list as the table has it. `version`: when it was loaded, in milliseconds."""

    list: str
    entries: int
    version: int
    left_out: int = 0  # of the file


class Rows(Protocol):
    """A reader of CSV."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def check_name(name: str) -> None:
    """Raises BadList."""
    if not _NAME.fullmatch(name):
        raise BadList(
            f"{name!r} is no name of a list: a-z, 0-9 and -, beginning with a letter or a digit, at most 63 characters"
        )


def read_lines(rows: Rows, column: str) -> list[Line]:
    """The identifiers: of the column with that heading, or the first of each line, without a heading. Raises BadList."""
    numbered = ((rows.line_num, row) for row in rows)
    place = _place(next(numbered, (1, []))[1], column) if column else 0
    lines = []
    for number, row in numbered:
        text = row[place].strip() if place < len(row) else ""
        if text:
            lines.append(Line(number, text))
        if len(lines) > LIST_ENTRIES_MAX:
            raise BadList(f"more than {LIST_ENTRIES_MAX} identifiers: make several lists")
    if not lines:
        raise BadList("the file has no identifiers; a list that shall not be goes with --delete")
    return lines


def as_kind(lines: list[Line], kind: str) -> list[Line]:
    """Bare values as identifiers of one kind: u, e, a or x:TYPE. Those that say it themselves stay. Raises BadList."""
    letter, _, of_type = kind.partition(":")
    if letter not in KINDS or (letter == EXTERNAL) != bool(of_type):
        raise BadList(
            f"--as {kind}: write u (user ids), e (e-mails), a (anonymous ids), or x:TYPE such as x:contact_id"
        )
    start = f"{kind}:"
    return [line if line.text.startswith(start) else Line(line.number, start + line.text) for line in lines]


def _place(header: Sequence[str], column: str) -> int:
    names = [name.strip() for name in header]
    if column not in names:
        raise BadList(f"no column {column!r} in the first line; there are {', '.join(names) or 'none'}")
    return names.index(column)


def refuse_problems(found: Resolved, *, skip: bool) -> None:
    """Raises BadList."""
    if found.problems and not skip:
        told = [f"line {number}: {what}" for number, what in [*found.problems.items()][:PROBLEMS_TOLD_MAX]]
        more = len(found.problems) - len(told)
        told += [f"and {more} more"] if more else []
        lines = "\n".join(told)
        raise BadList(f"nothing was loaded; mend these lines, or leave them out with --skip:\n{lines}")
    if not found.nodes:
        raise BadList("no line of the file names anybody")


def kept(client: Client, workspace: str, name: str = "") -> list[Kept]:
    """All lists, or the one."""
    asked = {"workspace": workspace, "list": name}
    return [Kept(*row) for row in client.query(_KEPT, parameters=asked).result_rows]


def replace(client: Client, workspace: str, name: str, nodes: Iterable[int], now_ms: int) -> int:
    """What the list holds from now on, in one step for whoever reads it; its version."""
    version = max([now_ms, *(each.version + 1 for each in kept(client, workspace, name))])
    with _loading(client, now_ms) as table:
        rows = [(workspace, name, node, version) for node in nodes]
        for start in range(0, len(rows), ROWS_PER_INSERT_MAX):
            client.insert(table, rows[start : start + ROWS_PER_INSERT_MAX], column_names=COLUMNS)
        client.command(
            f"ALTER TABLE lists REPLACE PARTITION {_PARTITION} FROM {table}",
            parameters={"workspace": workspace, "list": name},
        )
    return version


def delete(client: Client, workspace: str, name: str) -> None:
    client.command(
        f"ALTER TABLE lists DROP PARTITION {_PARTITION}", parameters={"workspace": workspace, "list": name}
    )


@contextmanager
def _loading(client: Client, now_ms: int) -> Iterator[str]:
    """A table that nobody else knows, and those that were left behind are cleared away."""
    for (left,) in client.query(_ABANDONED, parameters={"prefix": _LOADING}).result_rows:
        made_ms = left.removeprefix(_LOADING).partition("_")[0]
        if made_ms.isdigit() and int(made_ms) < now_ms - ABANDONED_AFTER_MS:
            client.command(f"DROP TABLE IF EXISTS {left}")
    table = f"{_LOADING}{now_ms}_{_unique(client)}"
    client.command(f"CREATE TABLE {table} AS lists")
    try:
        yield table
    finally:
        client.command(f"DROP TABLE IF EXISTS {table}")


def _unique(client: Client) -> str:
    """Two loads of one millisecond do not share a table."""
    return str(client.command("SELECT replaceAll(toString(generateUUIDv4()), '-', '')"))
