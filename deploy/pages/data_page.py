"""The tables of docs/data.md, and the sources of the dbt project beside it: types as a migrated ClickHouse has them, meanings as
schemas/meanings has them. `python -m tests.pages` writes both, a test holds them against what it writes.

Deliberately absent: what sinks insert into and what feeds tables; nobody queries it.
"""

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from clickhouse_connect.driver.client import Client

from schemas.meanings import Meaning, Meanings, is_inner

TABLES_SQL = """\
SELECT name, engine, sorting_key, partition_key
FROM system.tables
WHERE database = {database:String} ORDER BY name"""
COLUMNS_SQL = """\
SELECT table, name, type FROM system.columns WHERE database = {database:String} ORDER BY table, position"""

MARK = "<!-- Below this line: python -m tests.pages -->"
DBT_HEAD = "# What Stitchline stores, for dbt. Made by `python -m tests.pages` from schemas/meanings and the migrations.\n"

_SPACE = re.compile(r"\s+")


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str
    meaning: str


class Table(msgspec.Struct, frozen=True):
    """`meaning` is None where schemas/meanings says nothing of it."""

    name: str
    engine: str
    sorted_by: str
    partitioned_by: str
    meaning: Meaning | None
    columns: tuple[Column, ...]

    @property
    def kind(self) -> str:
        if self.meaning and self.meaning.arguments:
            return "view with arguments"
        return {"View": "view", "Dictionary": "dictionary"}.get(self.engine, "table")


def stored(client: Client, meanings: Meanings) -> list[Table]:
    """Every public table, view and dictionary of the client's database."""
    database = client.database or ""
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, *column in client.query(COLUMNS_SQL, parameters={"database": database}).result_rows:
        columns.setdefault(table, []).append((column[0], column[1]))
    found = []
    for name, *about in client.query(TABLES_SQL, parameters={"database": database}).result_rows:
        if is_inner(about[0]):
            continue
        meaning = meanings.tables.get(name)
        described = columns.get(name) or _with_arguments(client, name, meaning)
        made = tuple(Column(column, _flat(kind), meanings.of(name, column)) for column, kind in described)
        found.append(Table(name, about[0], about[1], about[2], meaning, made))
    return found


def _with_arguments(client: Client, name: str, meaning: Meaning | None) -> list[tuple[str, str]]:
    if meaning is None or not meaning.arguments:
        return []
    rows = client.query(f"DESCRIBE (SELECT * FROM `{name}`({meaning.arguments}))").result_rows  # noqa: S608 - texts of ours
    return [(row[0], row[1]) for row in rows]


def _flat(kind: str) -> str:
    return _SPACE.sub(" ", kind).replace("( ", "(").replace(" )", ")")


def unsaid(tables: Iterable[Table]) -> Iterator[str]:
    """Tables and columns without a meaning."""
    for table in tables:
        if table.meaning is None:
            yield table.name
        yield from (f"{table.name}.{column.name}" for column in table.columns if not column.meaning)


def unknown(tables: Sequence[Table], meanings: Meanings) -> Iterator[str]:
    """Meanings of what is not there."""
    columns = {table.name: {column.name for column in table.columns} for table in tables}
    for name, meaning in meanings.tables.items():
        if name not in columns:
            yield name
            continue
        said = {*meaning.columns, *([meaning.time] if meaning.time else [])}
        yield from (f"{name}.{column}" for column in sorted(said - columns[name]))


def page(head: str, tables: Sequence[Table], meanings: Meanings) -> str:
    """The whole page: of `head`, the page as it is, everything to the mark stays."""
    by_name = {table.name: table for table in tables}
    parts = [head.partition(MARK)[0] + MARK, ""]
    for section in meanings.sections:
        parts += [f"## {section.title}", ""]
        parts += [_described(by_name[name]) for name in section.tables if name in by_name]
    return "\n".join(parts)


def _described(table: Table) -> str:
    assert table.meaning
    rows = [f"| `{column.name}` | `{column.type}` | {column.meaning} |" for column in table.columns]
    return "\n".join(
        [
            f"### {table.name}",
            "",
            f"{table.meaning.about} {_nature(table)}",
            "",
            "| column | type | meaning |",
            "|---|---|---|",
            *rows,
            "",
        ]
    )


def _nature(table: Table) -> str:
    assert table.meaning
    said = [table.kind.capitalize()]
    if table.meaning.arguments:
        said = [f"View with arguments: `{table.name}({table.meaning.arguments})`"]
    if table.sorted_by:
        said.append(f"sorted by `{table.sorted_by}`")
    if table.meaning.final:
        said.append("to be read with FINAL")
    return f"*{', '.join(said)}.*"


def dbt_sources(tables: Sequence[Table], meanings: Meanings) -> str:
    """The sources file of a dbt project; views with arguments cannot be sources."""
    by_name = {table.name: table for table in tables}
    listed = [
        _source(by_name[name])
        for section in meanings.sections
        for name in section.tables
        if name in by_name and not by_name[name].kind.endswith("arguments")
    ]
    source = {
        "name": "stitchline",
        "description": "Resolved events and what is known of people.",
        "schema": "{{ env_var('STITCHLINE_DATABASE', 'stitchline') }}",
        "tables": listed,
    }
    return DBT_HEAD + msgspec.yaml.encode({"version": 2, "sources": [source]}).decode()


def _source(table: Table) -> dict[str, object]:
    assert table.meaning
    columns = [
        {"name": each.name, "data_type": each.type, "description": each.meaning} for each in table.columns
    ]
    about = table.meaning.about + (" Read it with FINAL." if table.meaning.final else "")
    return {"name": table.name, "description": about, "columns": columns}
