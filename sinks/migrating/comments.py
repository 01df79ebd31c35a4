"""What schemas/meanings says, as comments of tables and columns, so that every client of ClickHouse shows it.

Written after each migration, only where a comment is not what it should be: a view that a migration makes anew has lost its own.
Deliberately absent: columns of dictionaries and of views with arguments, which can have none; and the views that feed tables,
which stay untouched (docs/decisions/0019).
"""

from collections.abc import Iterator, Mapping

import msgspec
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings
from schemas.meanings import Meanings, is_inner, kept_meanings
from sinks.storing.clickhouse import translate

TABLES_SQL = (
    "SELECT name, engine, comment FROM system.tables WHERE database = {database:String} ORDER BY name"
)
COLUMNS_SQL = "SELECT table, name, comment FROM system.columns WHERE database = {database:String} ORDER BY table, position"


class Table(msgspec.Struct, frozen=True):
    """As it stands in ClickHouse: its engine and comment, and the comments of its columns by name."""

    engine: str
    comment: str
    columns: dict[str, str]


def write_comments(settings: ClickHouseSettings) -> list[str]:
    """The tables whose comments were written. Raises SinkError."""
    try:
        client = connect(settings)
        todo = dict(changes(_standing(client, settings.database), kept_meanings()))
        for table, parts in todo.items():
            client.command(f"ALTER TABLE `{settings.database}`.`{table}` {', '.join(parts)}")
        client.close()
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
    return list(todo)


def changes(standing: Mapping[str, Table], meanings: Meanings) -> Iterator[tuple[str, list[str]]]:
    """Each table whose comments differ from what they should be, with the parts of the ALTER that mends them."""
    for name, meaning in meanings.tables.items():
        table = standing.get(name)
        if table is None or is_inner(table.engine):
            continue
        parts = [] if table.comment == meaning.about else [f"MODIFY COMMENT {quoted(meaning.about)}"]
        columns = {} if table.engine == "Dictionary" else table.columns
        for column, comment in columns.items():
            wanted = meanings.of(name, column)
            if comment != wanted:
                parts.append(f"COMMENT COLUMN `{column}` {quoted(wanted)}")
        if parts:
            yield name, parts


def quoted(text: str) -> str:
    """A literal: DDL takes no query parameters."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _standing(client: Client, database: str) -> dict[str, Table]:
    asked = {"database": database}
    columns: dict[str, dict[str, str]] = {}
    for table, name, comment in client.query(COLUMNS_SQL, parameters=asked).result_rows:
        columns.setdefault(table, {})[name] = comment
    tables = client.query(TABLES_SQL, parameters=asked).result_rows
    return {name: Table(engine, comment, columns.get(name, {})) for name, engine, comment in tables}
