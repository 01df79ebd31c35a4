"""Numbered .sql files of schemas/clickhouse/, applied in order and written down in `schema_migrations`.

Every statement may run twice (IF NOT EXISTS, OR REPLACE), so a migration that was cut off is simply run again. Waits for nothing:
a server that does not answer is an error. Deliberately absent: steps back; a mistake is mended by the next number.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from importlib.resources import files
from urllib.parse import unquote, urlsplit

import msgspec
import structlog
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError

from runtime.environment.settings import ClickHouseSettings, SessionSettings
from sinks.migrating.functions import function_name, profile_function
from sinks.migrating.session_rules import write_session_rules
from sinks.storing.clickhouse import connect, translate

log = structlog.get_logger()

_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_END = re.compile(r";[ \t]*$", re.MULTILINE)

DEFAULT_SESSIONS = SessionSettings()
APPLIED = "schema_migrations"
APPLIED_TABLE = """\
CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(number UInt32, name String, sha256 String, applied_at DateTime64(3, 'UTC') DEFAULT now64(3))
ENGINE = MergeTree ORDER BY number"""
VIEWS_SQL = """\
SELECT name, extract(create_table_query, ' TO ([^ (]+)') FROM system.tables
WHERE database = {database:String} AND engine = 'MaterializedView'"""
BASE_CURRENCY = "CREATE OR REPLACE VIEW {database}.base_currency AS SELECT '{base_currency}' AS currency"
DETACHED_SQL = (
    "SELECT table FROM system.detached_tables WHERE database = {database:String} AND NOT is_permanently"
)
APPLIED_SQL = "SELECT DISTINCT number, sha256 FROM {database}.schema_migrations"


class MigrationError(Exception):
    """The tables cannot be brought up to date; the text says why and what to do."""


class Migration(msgspec.Struct, frozen=True):
    """One file; `text` still has its placeholders."""

    number: int
    name: str
    text: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()


def shipped() -> list[Migration]:
    """The files of this release, in order."""
    folder = files("schemas").joinpath("clickhouse")
    found = [(match, entry) for entry in folder.iterdir() if (match := _NAME.fullmatch(entry.name))]
    migrations = [Migration(int(match[1]), entry.name, entry.read_text()) for match, entry in found]
    return sorted(migrations, key=lambda migration: migration.number)


def missing(migrations: Sequence[Migration], applied: Mapping[int, Iterable[str]]) -> list[Migration]:
    """Those not applied yet, in order. `applied` has the hashes by number. Raises MigrationError for an edited file."""
    edited = [
        entry.name
        for entry in migrations
        if entry.number in applied and entry.sha256 not in applied[entry.number]
    ]
    if edited:
        raise MigrationError(
            f"{', '.join(edited)}: edited after it was applied to this database. "
            "Restore the file as it was, and put the change into a new file with the next number"
        )
    return [entry for entry in migrations if entry.number not in applied]


def statements(text: str, values: Mapping[str, str]) -> list[str]:
    """The statements of a file, without comment lines, with `{name}` replaced for each of the values."""
    bare = _COMMENT.sub("", text)
    for name, value in values.items():
        bare = bare.replace(f"{{{name}}}", value)
    return [part.strip() for part in _END.split(bare) if part.strip()]


def placeholders(settings: ClickHouseSettings) -> dict[str, str]:
    """A dictionary reads its own server's tables as the user of the URL, if it names one."""
    address = urlsplit(settings.url)
    user = (
        f"USER {_quoted(address.username)} PASSWORD {_quoted(address.password or '')}"
        if address.username
        else ""
    )
    return {
        "database": settings.database,
        "dictionary_user": user,
        "base_currency": settings.base_currency,
    }


def migrate(
    settings: ClickHouseSettings,
    migrations: Sequence[Migration] | None = None,
    *,
    sessions: SessionSettings = DEFAULT_SESSIONS,
    is_alone: bool = False,
) -> list[str]:
    """Apply what is missing, return the names of the files applied; idempotent. Raises MigrationError.

    `is_alone` says that nobody can insert meanwhile.
    """
    values = placeholders(settings)
    client = _client(settings)
    try:
        client.command(f"CREATE DATABASE IF NOT EXISTS {settings.database}")
        client.command(statements(APPLIED_TABLE, values)[0])
        todo = missing(shipped() if migrations is None else migrations, _applied(client, settings.database))
        _attach_detached(client, settings.database)
        for migration in todo:
            _apply(client, migration, settings.database, values)
        if todo:
            _load_new_views(client, settings.database, is_alone=is_alone)
        _make_functions(client, values)
        client.command(statements(BASE_CURRENCY, values)[0])  # anew, since the setting may have changed
        write_session_rules(client, settings.database, sessions)
        return [migration.name for migration in todo]
    finally:
        client.close()


def _client(settings: ClickHouseSettings) -> Client:
    try:
        return connect(
            settings, timeout_s=settings.migration_timeout_s, database="default"
        )  # ours may not exist yet
    except (ClickHouseError, OSError) as error:
        raise MigrationError(
            f"ClickHouse does not answer at {_address(settings.url)}: {translate(error)}"
        ) from error


def _applied(client: Client, database: str) -> dict[int, set[str]]:
    applied: dict[int, set[str]] = {}
    for number, sha256 in client.query(APPLIED_SQL.replace("{database}", database)).result_rows:
        applied.setdefault(number, set()).add(sha256)
    return applied


def _apply(client: Client, migration: Migration, database: str, values: Mapping[str, str]) -> None:
    for number, statement in enumerate(statements(migration.text, values), 1):
        try:
            client.command(statement)
        except ClickHouseError as error:
            raise MigrationError(f"{migration.name}, statement {number}: {translate(error)}") from error
    row = [migration.number, migration.name, migration.sha256]
    client.insert(
        APPLIED,
        [row],
        column_names=["number", "name", "sha256"],
        column_type_names=["UInt32", "String", "String"],  # so that it need not ask
        database=database,
    )
    log.info("migration applied", name=migration.name)


def _make_functions(client: Client, values: Mapping[str, str]) -> None:
    filled = {**values, "function": function_name(values["database"])}
    for statement in statements(profile_function(), filled):
        try:
            client.command(statement)
        except ClickHouseError as error:
            raise MigrationError(f"{filled['function']}: {translate(error)}") from error


def _load_new_views(client: Client, database: str, *, is_alone: bool) -> None:
    """As a restart of the server would load them.

    The table behind a view knows a block by the insert's token and by the view: by its UUID while the server runs that created or
    altered it, by its name once it was loaded. A block that is repeated after that server's end would be stored twice
    (docs/decisions/0019). What is inserted while a view is detached passes it by: so this is done where nothing is stored yet,
    or where nobody inserts.
    """
    found = client.query(VIEWS_SQL, parameters={"database": database}).result_rows
    counts = [f"(SELECT count() FROM {target})" for _, target in found]  # noqa: S608 - names of ours
    if counts and client.command(f"SELECT {' + '.join(counts)}") and not is_alone:
        return
    for view, _ in found:
        client.command(f"DETACH VIEW {database}.{view} SYNC")
        client.command(f"ATTACH TABLE {database}.{view}")


def _attach_detached(client: Client, database: str) -> None:
    """What an earlier run detached and was killed before it could attach."""
    for (table,) in client.query(DETACHED_SQL, parameters={"database": database}).result_rows:
        client.command(f"ATTACH TABLE {database}.{table}")


def _quoted(text: str) -> str:
    return "'" + unquote(text).replace("\\", "\\\\").replace("'", "\\'") + "'"


def _address(url: str) -> str:
    """Without user and password."""
    return url.rsplit("@", 1)[-1]
