"""A database as another one is, made by the other's statements: one for each table, where migrations make many several times.

To apply all migrations takes 3.7 CPU-s, to copy what they made 1. Absent: what is stored, but for the tables that are named.
"""

import re
from collections.abc import Mapping, Sequence

from clickhouse_connect.driver.client import Client

STATEMENTS_SQL = (
    "SELECT name, create_table_query FROM system.tables WHERE database = {database:String} ORDER BY name"
)
FUNCTIONS_SQL = "SELECT create_query FROM system.functions WHERE origin = 'SQLUserDefined' AND endsWith(name, {database:String})"
HIDDEN = "[HIDDEN]"  # what a server says in place of a password


class Model:
    """What a database is made of, each statement behind those that it needs. Its name must be nothing else's part."""

    def __init__(self, client: Client, database: str, kept: Sequence[str] = ()) -> None:
        """A copy has the rows that tables which are kept have now."""
        self._client = client
        self._database = database
        rows = client.query(STATEMENTS_SQL, parameters={"database": database}).result_rows
        found: dict[str, str] = {row[0]: row[1] for row in rows}
        self._rows = {
            table: client.raw_query(f"SELECT * FROM {database}.{table}", fmt="Native")  # noqa: S608 - our names
            for table in kept
        }
        functions = client.query(FUNCTIONS_SQL, parameters={"database": database}).result_rows
        self._statements = [found[name] for name in in_order(named(database, found))]
        self._statements += [statement for (statement,) in functions]

    @property
    def is_whole(self) -> bool:
        """False where dictionaries need a password, which no server says."""
        return not any(HIDDEN in statement for statement in self._statements)

    def statements(self, name: str) -> list[str]:
        """As they make a database of this name."""
        return [statement.replace(self._database, name) for statement in self._statements]

    def copy(self, name: str) -> None:
        """Make the database `name`."""
        self._client.command(f"CREATE DATABASE {name}")
        for statement in self.statements(name):
            self._client.command(statement)
        for table, rows in self._rows.items():
            self._client.raw_insert(f"{name}.{table}", insert_block=rows, fmt="Native")


def named(database: str, statements: Mapping[str, str]) -> dict[str, set[str]]:
    """Of each table the others that its statement names."""
    place = re.compile(rf"{database}\.(\w+)")
    return {name: set(place.findall(statement)) - {name} for name, statement in statements.items()}


def in_order(names: Mapping[str, set[str]]) -> list[str]:
    """Each behind what it names; by name among themselves."""
    done: dict[str, None] = {}

    def add(name: str) -> None:
        if name not in done:
            for other in sorted(names[name]):
                add(other)
            done[name] = None

    for name in sorted(names):
        add(name)
    return list(done)
