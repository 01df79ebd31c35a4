"""What the tables mean: said of each, shown by ClickHouse, and the same in docs/data.md and the dbt sources."""

from collections.abc import Iterator

import msgspec
import pytest

from deploy.pages.data_page import Table, dbt_sources, page, stored, unknown, unsaid
from schemas.meanings import kept_meanings
from sinks.migrating.comments import write_comments
from tests.pages import DATA_PAGE, DBT_SOURCES
from tests.sinks.stage import Tables

MEND = "say it in a file of schemas/meanings, then run `.venv/bin/python -m tests.pages`"


@pytest.fixture(scope="module")
def migrated(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    yield tables
    tables.client.close()


@pytest.fixture(scope="module")
def tables(migrated: Tables) -> list[Table]:
    return stored(migrated.client, kept_meanings())


def test_every_table_and_column_has_a_meaning(tables: list[Table]) -> None:
    found = list(unsaid(tables))
    assert not found, f"nothing says what these are: {', '.join(found)}. Mend it: {MEND}"


def test_nothing_is_said_of_what_is_not_there(tables: list[Table]) -> None:
    assert list(unknown(tables, kept_meanings())) == [], (
        "schemas/meanings speaks of these, and there are none"
    )


def test_a_table_is_in_one_file_only() -> None:
    listed = [name for section in kept_meanings().sections for name in section.tables]
    assert sorted(listed) == sorted(set(listed))


def test_the_page_is_what_the_tables_are(tables: list[Table]) -> None:
    assert DATA_PAGE.read_text() == page(DATA_PAGE.read_text(), tables, kept_meanings()), MEND


def test_the_sources_of_dbt_are_what_the_tables_are(tables: list[Table]) -> None:
    assert DBT_SOURCES.read_text() == dbt_sources(tables, kept_meanings()), MEND
    source = msgspec.yaml.decode(DBT_SOURCES.read_text())["sources"][0]
    assert {"events", "events_resolved", "idr_root"} <= {table["name"] for table in source["tables"]}


def test_clickhouse_shows_what_tables_and_columns_mean(migrated: Tables, tables: list[Table]) -> None:
    write_comments(migrated.settings)
    shown = migrated.rows(
        "SELECT name, comment FROM system.tables WHERE database = currentDatabase() AND comment != '' ORDER BY name"
    )
    assert shown == [(table.name, table.meaning.about) for table in tables if table.meaning]
    of_events = migrated.rows(
        "SELECT name, comment FROM system.columns WHERE database = currentDatabase() AND table = 'events_resolved'"
    )
    assert dict(of_events) == {
        column.name: column.meaning
        for table in tables
        if table.name == "events_resolved"
        for column in table.columns
    }


def test_comments_are_written_again_where_a_view_was_made_anew(migrated: Tables) -> None:
    write_comments(migrated.settings)
    assert write_comments(migrated.settings) == []
    migrated.client.command("CREATE OR REPLACE VIEW base_currency AS SELECT 'EUR' AS currency")
    assert write_comments(migrated.settings) == ["base_currency"]
