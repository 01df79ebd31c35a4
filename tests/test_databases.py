"""A database that is given out again is as a new one."""

from runtime.clickhouse import connect
from runtime.environment.settings import ClickHouseSettings
from schemas.wire.codec import POINTER, RESOLVED_EVENT
from sinks.migrating.migrations import migrate, shipped
from sinks.storing.tables import DICTIONARIES, SINKS
from tests.database_copies import Model
from tests.databases import Databases
from tests.sinks.stage import Tables, event, pointer

# But for the moment.
WRITTEN_BY_MIGRATE = (
    "SELECT number, name, sha256 FROM schema_migrations ORDER BY number",
    "SELECT * EXCEPT set_at FROM session_rules ORDER BY ALL",
    "SELECT * FROM base_currency",
)


LAST_MADE = "traits"  # or nearly


def test_what_a_test_wrote_is_gone(clickhouse: str, databases: Databases) -> None:
    """Also from dictionaries; and a token that was used is unknown again."""
    names = set()
    for _ in range(2):
        with databases.migrated() as name:
            names.add(name)
            tables = Tables(clickhouse, name)
            owner = f"SELECT dictGetOrDefault('{name}.idr_owner', 'owner', toUInt64(7), toUInt64(0))"
            assert tables.row("SELECT count() FROM events_resolved") == (0,)
            assert tables.row("SELECT count() FROM schema_migrations") == (len(shipped()),)
            assert tables.row(owner) == (0,)
            tables.insert("events_in", RESOLVED_EVENT, [event(1, subject=7)], "token")
            tables.insert("pointers_in", POINTER, [pointer(7, 8)], "token")
            tables.reload(DICTIONARIES)
            assert tables.row("SELECT count() FROM events_resolved") == (1,)
            assert tables.row(owner) == (8,)
    assert len(names) == 1


def test_a_copy_is_what_migrations_make(clickhouse: str, databases: Databases) -> None:
    """Statement by statement, functions too; the next `migrate` finds nothing to do, and views are loaded as it loads them."""
    client = connect(ClickHouseSettings(url=clickhouse), database="default")
    with databases.migrated(), databases.new() as copied, databases.bare() as migrated:
        first = Tables(clickhouse, migrated)
        told = [Model(client, name).statements("same") for name in (copied, migrated)]
        assert told[0] == told[1]
        assert len(told[0]) > len(SINKS)
        second = Tables(clickhouse, copied)
        for rows in WRITTEN_BY_MIGRATE:
            assert first.rows(rows) == second.rows(rows) != []
        assert migrate(ClickHouseSettings(url=clickhouse, database=copied)) == []
        for _ in range(2):
            second.insert("events_in", RESOLVED_EVENT, [event(1)], "token")
            second.client.command("DETACH VIEW events_mv SYNC")
            second.client.command("ATTACH TABLE events_mv")
        assert second.row("SELECT count() FROM events") == (1,)


def test_a_change_in_the_second_in_which_it_was_given_out_is_seen(
    clickhouse: str, databases: Databases
) -> None:
    client = connect(ClickHouseSettings(url=clickhouse), database="default")
    with databases.new() as name:
        before = databases.form(name)
        client.command(f"ALTER TABLE {name}.{LAST_MADE} ADD COLUMN own UInt8")
        assert databases.form(name) != before


def test_one_that_a_test_changed_is_not_given_out_again(clickhouse: str, databases: Databases) -> None:
    changes = (
        "CREATE TABLE {name}.own (a UInt8) ENGINE = Memory",
        "ALTER TABLE {name}.events ADD COLUMN own UInt8",
        "INSERT INTO {name}.schema_migrations (number) VALUES (1000)",
        "DROP VIEW {name}.events_mv",
    )
    client = connect(ClickHouseSettings(url=clickhouse), database="default")
    with databases.migrated() as name:
        forms = [databases.form(name)]
        for change in changes:
            client.command(change.format(name=name))
            forms.append(databases.form(name))
            assert forms[-1] not in forms[:-1], change
    assert client.command(f"EXISTS DATABASE {name}") == 0
