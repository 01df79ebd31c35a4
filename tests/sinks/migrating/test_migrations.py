"""Migrations are applied once, in order, and never behind one's back."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.environment.settings import ClickHouseSettings
from schemas.wire.codec import encoder
from sinks.migrating.migrations import (
    VIEWS_SQL,
    Migration,
    MigrationError,
    migrate,
    missing,
    placeholders,
    shipped,
    statements,
)
from sinks.storing.clickhouse import INSERT_SETTINGS, connect
from tests.engines import wait_until
from tests.sinks.stage import Tables, event_record, pointer_record

PARAMETER = re.compile(r"\{\w+:[^{}]+\}")  # of a view that is asked for a range, as `{since:DateTime}`

FIRST = Migration(1, "0001_a.sql", "CREATE TABLE IF NOT EXISTS {database}.a (x UInt8) ENGINE = Memory;\n")
SECOND = Migration(
    2, "0002_b.sql", "-- why; not\nCREATE TABLE IF NOT EXISTS {database}.b (x UInt8) ENGINE = Memory;\n"
)


def test_a_file_is_cut_at_semicolons_that_end_a_line() -> None:
    text = "-- a comment; with one\nSELECT ';' AS a,\n  '{}';\n\n  -- more\nSELECT 2 FROM {database}.t ;\n"
    assert statements(text, {"database": "d"}) == ["SELECT ';' AS a,\n  '{}'", "SELECT 2 FROM d.t"]


def test_what_is_applied_is_not_missing() -> None:
    assert missing([FIRST, SECOND], {1: {FIRST.sha256}}) == [SECOND]


def test_an_edited_file_is_refused_by_name() -> None:
    with pytest.raises(MigrationError, match=r"0001_a\.sql: edited after it was applied"):
        missing([FIRST, SECOND], {1: {"another hash"}})


def test_a_user_in_the_address_is_the_dictionaries_user_too() -> None:
    settings = ClickHouseSettings(url="http://me:it%27s@host:8123")
    assert placeholders(settings)["dictionary_user"] == r"USER 'me' PASSWORD 'it\'s'"
    assert placeholders(ClickHouseSettings())["dictionary_user"] == ""


def test_the_shipped_files_use_no_placeholder_that_nothing_fills() -> None:
    filled = placeholders(ClickHouseSettings())
    for migration in shipped():
        for statement in statements(migration.text, filled):
            bare = PARAMETER.sub("", statement.replace("'{}'", "").replace("'{'", ""))
            assert "{" not in bare, statement


def test_migrations_are_applied_in_order_and_only_once(clickhouse: str, bare_database: str) -> None:
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    names = [migration.name for migration in shipped()]
    assert migrate(settings) == names
    assert migrate(settings) == []
    found = connect(settings).query("SELECT number, name FROM schema_migrations ORDER BY number").result_rows
    assert [tuple(row) for row in found] == list(enumerate(names, 1))


EARLIER = 4  # files of a release whose view of the events another one has altered since

# By ingest table: the columns of one row, and what tells how often it is stored behind the views.
ROWS = {
    "events_in": (
        "message_id, type, traits",
        "'m', 'identify', '{\"plan\": 1}'",
        "SELECT count() FROM events",
    ),
    "pointers_in": ("node, owner, version", "1, 2, 3", "SELECT count() FROM identity_pointers"),
    "dead_letters_in": ("message_id", "'m'", "SELECT count() FROM dead_letters"),
    "carts_in": ("cart, version", "1, 2", "SELECT count() FROM cart_states"),
    "catalogue_in": ("product", "'mug'", "SELECT count() FROM catalogue_statements"),
    "firings_in": ("firing_id", "'fire_1'", "SELECT count() FROM firing_states"),
    "deliveries_in": ("firing_id", "'fire_1'", "SELECT count() FROM delivery_attempts"),
    "contacts_in": ("contact, version", "1, 2", "SELECT count() FROM contact_list_members"),
    "ledger_in": ("outcome, events", "'resolved', 1", "SELECT toInt64(sum(events)) FROM ledger"),
}


MADE_AND_GONE = ("CREATE MATERIALIZED VIEW IF NOT", "DROP TABLE IF")


def test_a_block_that_is_repeated_after_the_first_restart_of_the_server_is_stored_once(
    clickhouse: str, bare_database: str
) -> None:
    """A restart loads the views; so does attaching them, which a server can do that others use too."""
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    migrate(settings)
    client = connect(settings)

    def insert_all() -> None:
        for table, (columns, values, _) in ROWS.items():
            statement = f"INSERT INTO {table} ({columns}) VALUES ({values})"  # noqa: S608 - ours
            client.command(statement, settings=INSERT_SETTINGS | {"insert_deduplication_token": "block"})

    insert_all()
    views = client.query(VIEWS_SQL, parameters={"database": bare_database}).result_rows
    written = "".join(file.text for file in shipped())
    made, gone = (
        set(re.findall(f"{words} EXISTS {{database}}[.]([a-z_]+_mv)", written)) for words in MADE_AND_GONE
    )
    assert {view for view, _ in views} == made - gone
    for view, _ in views:
        client.command(f"DETACH VIEW {view} SYNC")
        client.command(f"ATTACH TABLE {view}")
    insert_all()
    assert {table: client.command(count) for table, (*_, count) in ROWS.items()} == dict.fromkeys(ROWS, 1)
    assert client.command("SELECT count() FROM traits") == 1


def test_a_block_that_is_repeated_after_an_upgrade_is_stored_once(
    clickhouse: str, bare_database: str
) -> None:
    """`stitchline up` was killed in mid-insert, and the release that repeats the block brings a new definition of its view."""
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    migrate(settings, shipped()[:EARLIER])
    client = connect(settings)
    columns, values, count = ROWS["events_in"]

    def insert() -> None:
        statement = f"INSERT INTO events_in ({columns}) VALUES ({values})"  # noqa: S608 - ours
        client.command(statement, settings=INSERT_SETTINGS | {"insert_deduplication_token": "block"})

    insert()
    assert migrate(settings, is_alone=True) == [migration.name for migration in shipped()[EARLIER:]]
    insert()
    assert client.command(count) == 1


def test_records_of_the_release_before_are_stored_between_any_two_statements_of_a_migration(
    clickhouse: str, bare_database: str
) -> None:
    """Sinks run while tables are migrated: servers are upgraded one kind of process after the other."""
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    before, after = shipped()[:7], shipped()[7]
    tables = Tables(clickhouse, bare_database, before)
    steps = statements(after.text, placeholders(settings))
    for number, step in enumerate(["SELECT 1", *steps]):
        tables.client.command(step)
        tables.insert("events_in", 1, [encoder(1)(event_record(number))], f"e-{number}")
        tables.insert("pointers_in", 2, [encoder(2)(pointer_record(number, 1))], f"p-{number}")
    stored = (len(steps) + 1,)
    assert tables.row("SELECT count() FROM events") == stored
    assert tables.row("SELECT count() FROM identity_pointers") == stored
    assert tables.row("SELECT count() FROM identifiers") == stored


SLOW_INSERT = """\
INSERT INTO events_in (message_id, identifiers)
SELECT 'late', [(7, 'a', 'ann')] FROM numbers(1) WHERE sleep(2) = 0"""
GRANULES = 34  # the file that makes tables anew beside those that sinks insert into


def test_what_an_insert_writes_that_began_before_a_table_was_made_anew_is_in_the_new_one(
    clickhouse: str, bare_database: str
) -> None:
    """Such an insert knows nothing of the new table, and ends after the two have changed places."""
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    migrate(settings, shipped()[: GRANULES - 1])
    with ThreadPoolExecutor(1) as threads:
        inserted = threads.submit(connect(settings).command, SLOW_INSERT)
        client = connect(settings)
        running = "SELECT count() FROM system.processes WHERE current_database = currentDatabase() AND query LIKE 'INSERT%'"
        wait_until(lambda: inserted.done() or bool(client.command(running)), 60, "the insert has begun")
        migrate(settings, shipped()[:GRANULES])
        inserted.result()
    assert client.command("SELECT groupArray(value) FROM identifiers") == "['ann']"


def test_a_view_that_a_killed_migration_left_detached_is_there_after_the_next(
    clickhouse: str, database: str
) -> None:
    settings = ClickHouseSettings(url=clickhouse, database=database)
    client = connect(settings)
    client.command("DETACH VIEW events_mv SYNC")
    assert client.command("EXISTS TABLE events_mv") == 0
    assert migrate(settings) == []
    assert client.command("EXISTS TABLE events_mv") == 1


def test_a_migration_that_was_cut_off_is_run_again(clickhouse: str, bare_database: str) -> None:
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    broken = Migration(2, SECOND.name, SECOND.text + "CREATE NONSENSE;\n")
    with pytest.raises(MigrationError, match=r"0002_b\.sql, statement 2: .*NONSENSE"):
        migrate(settings, [FIRST, broken])
    assert migrate(settings, [FIRST, SECOND]) == ["0002_b.sql"]


def test_an_edited_file_changes_nothing(clickhouse: str, bare_database: str) -> None:
    settings = ClickHouseSettings(url=clickhouse, database=bare_database)
    migrate(settings, [FIRST])
    with pytest.raises(MigrationError, match="edited"):
        migrate(settings, [Migration(1, FIRST.name, FIRST.text + "\n"), SECOND])
    assert migrate(settings, [FIRST]) == []


def test_a_server_that_does_not_answer_is_named_without_its_password() -> None:
    with pytest.raises(MigrationError, match=r"does not answer at 127\.0\.0\.1:9") as caught:
        migrate(ClickHouseSettings(url="http://me:secret@127.0.0.1:9"))
    assert "secret" not in str(caught.value)
