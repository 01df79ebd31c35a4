"""Databases with the tables of this release, made once in a run and given out empty again and again.

To apply all migrations takes seconds of CPU; to copy what they made, one; to empty the few tables that a test wrote into, a tenth
of one. So migrations are applied to the first, and the others are made as it was then. What comes back is compared with
what it was when it was made: a database in which a table was altered, made or dropped, or one of the rows that `migrate` writes,
is dropped itself. Whoever tests migrations asks for a bare one.
"""

import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import clickhouse_connect

from runtime.environment.settings import ClickHouseSettings
from sinks.migrating.functions import function_name
from sinks.migrating.migrations import APPLIED, migrate
from sinks.migrating.session_rules import TABLE as SESSION_RULES
from tests.database_copies import Model

PATIENCE_S = 10.0
BASE_CURRENCY = "base_currency"  # a view that each `migrate` makes anew
# What `migrate` writes into a database in which nothing is stored.
WRITTEN = (APPLIED, SESSION_RULES)
KEPT = (*WRITTEN, BASE_CURRENCY)

# What is altered has another time, in whole seconds, what is made anew another UUID: to read all their statements instead takes
# a tenth of a second of CPU after each test. So nobody is given a database in the second in which it was made.
TABLES_SQL = """\
SELECT groupArray((name, uuid, metadata_modification_time)) FROM
(SELECT name, uuid, metadata_modification_time FROM system.tables
 WHERE database = {database:String} AND name != {anew:String} ORDER BY name)"""
YOUNG_SQL = """\
SELECT toUnixTimestamp(max(metadata_modification_time)) + 1 - toFloat64(now64(6)) FROM system.tables
WHERE database = {database:String}"""
CLOCKS_DIFFER_S = 0.02  # times of files are a tick or two behind
ROWS_SQL = (
    "SELECT groupArray(tuple(*)) FROM (SELECT * FROM {database:Identifier}.{table:Identifier} ORDER BY ALL)"
)
WRITTEN_SQL = "SELECT DISTINCT table FROM system.parts WHERE database = {database:String} AND active"
# By name a dictionary comes before those that read it.
LOADED_SQL = "SELECT name FROM system.dictionaries WHERE database = {database:String} AND element_count > 0 ORDER BY name"
BUSY_SQL = """\
SELECT (SELECT count() FROM system.processes
    WHERE (current_database = {database:String} OR position(query, {database:String}) > 0)
    AND position(query, 'system.processes') = 0)
+ (SELECT count() FROM system.mutations WHERE database = {database:String} AND NOT is_done)"""


class Databases:
    """Those of one ClickHouse. To be closed: it drops them."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._client = clickhouse_connect.get_client(dsn=url, autogenerate_session_id=False)
        self._free: list[str] = []
        self._made: dict[str, object] = {}
        self._model: Model | None = None

    @contextmanager
    def migrated(self) -> Iterator[str]:
        """The name of one in which nothing is stored."""
        name = self._free.pop() if self._free else self._new()
        yield name
        if self._emptied(name):
            self._free.append(name)
        else:
            self._drop(name)

    @contextmanager
    def new(self) -> Iterator[str]:
        """The name of one that nobody has had, dropped afterwards."""
        name = self._new()
        yield name
        self._drop(name)

    @contextmanager
    def bare(self) -> Iterator[str]:
        """The name of one without a table."""
        name = _new_name()
        self._client.command(f"CREATE DATABASE {name}")
        yield name
        self._drop(name)

    def close(self) -> None:
        for name in self._free:
            self._drop(name)
        self._client.close()

    def _new(self) -> str:
        name = _new_name()
        if self._model is not None and self._model.is_whole:
            self._model.copy(name)
        else:
            migrate(ClickHouseSettings(url=self._url, database=name))
            self._model = Model(self._client, name, WRITTEN)
        self._made[name] = self.form(name)
        ((young_s,),) = self._rows(YOUNG_SQL, database=name)
        time.sleep(max(0.0, float(str(young_s)) + CLOCKS_DIFFER_S))
        return name

    def form(self, name: str) -> object:
        """What must be the same when it is given out again."""
        kept = [self._rows(ROWS_SQL, database=name, table=table) for table in KEPT]
        return self._rows(TABLES_SQL, database=name, anew=BASE_CURRENCY), kept

    def _emptied(self, name: str) -> bool:
        """False where it cannot be used again."""
        if not self._is_quiet(name):
            return False
        for (table,) in self._rows(WRITTEN_SQL, database=name):
            if table not in KEPT:
                self._client.command(f"TRUNCATE TABLE {name}.`{table}`")
        for (dictionary,) in self._rows(LOADED_SQL, database=name):
            self._client.command(f"SYSTEM RELOAD DICTIONARY {name}.{dictionary}")
        return self.form(name) == self._made[name]

    def _is_quiet(self, name: str) -> bool:
        """Whether nobody works in it any more: a client that was killed may have left a statement that still runs."""
        end = time.monotonic() + PATIENCE_S
        while self._rows(BUSY_SQL, database=name) != [(0,)]:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def _rows(self, sql: str, **parameters: str) -> list[tuple[object, ...]]:
        return [tuple(row) for row in self._client.query(sql, parameters=parameters).result_rows]

    def _drop(self, name: str) -> None:
        self._client.command(f"DROP DATABASE IF EXISTS {name} SYNC")
        self._client.command(f"DROP FUNCTION IF EXISTS {function_name(name)}")


def _new_name() -> str:
    return f"t_{uuid.uuid4().hex[:10]}"
