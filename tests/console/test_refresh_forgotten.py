"""Whoever is forgotten leaves as forgotten, whichever refresh finds it, and what they were in goes. Real ClickHouse."""

from collections.abc import Iterator

import pytest

from tests.console.refresh_stage import HOUR_MS, Shop
from tests.sinks.stage import Tables

MINUTE_MS = 60_000
UNDER_WAY = "toDateTime64('2299-12-31', 3, 'UTC')"


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


@pytest.fixture
def shop(tables: Tables) -> Iterator[Shop]:
    made = Shop(tables)
    yield made
    made.empty()


def test_who_was_forgotten_leaves_and_their_history_goes(shop: Shop) -> None:
    shop.view(1, 0)
    shop.view(2, 0)
    shop.refresh(MINUTE_MS)
    shop.view(1, 2 * HOUR_MS + MINUTE_MS)
    shop.refresh(2 * HOUR_MS + 1)  # leaves
    shop.refresh(2 * HOUR_MS + 2 * MINUTE_MS)  # is back
    shop.news()
    for table in ("events", "subjects"):
        shop.tables.client.command(
            f"ALTER TABLE {table} DELETE WHERE subject = 1 SETTINGS mutations_sync = 1"
        )
    shop.tables.client.command("INSERT INTO segment_forgotten VALUES (1, '2023-11-14 23:00:00')")
    shop.refresh(2 * HOUR_MS + 3 * MINUTE_MS)
    assert shop.news() == [("lately", 1, "leave", "forgotten"), ("twice", 1, "leave", "forgotten")]
    left = shop.tables.rows(
        "SELECT segment, change, reason, seq FROM segment_changes WHERE profile = 1 ORDER BY 1"
    )
    assert left == [
        ("lately", "leave", "forgotten", 4),
        ("never", "leave", "time", 2),
        ("twice", "leave", "forgotten", 2),
    ]
    assert shop.tables.rows("SELECT * FROM segment_forgotten") == []
    assert shop.tables.row("SELECT count() FROM segment_changes WHERE profile = 2") == (3,)


def test_whoever_is_being_forgotten_leaves_as_forgotten_in_whichever_refresh_finds_it(shop: Shop) -> None:
    shop.view(1, 0)
    shop.view(2, 0)
    shop.refresh(MINUTE_MS)
    shop.news()
    command = shop.tables.client.command
    command(f"INSERT INTO segment_forgotten SELECT 1, {UNDER_WAY}")
    shop.refresh(2 * MINUTE_MS)
    assert shop.news() == [], "nothing is gone yet"
    for table in ("events", "subjects"):
        command(f"ALTER TABLE {table} DELETE WHERE subject = 1 SETTINGS mutations_sync = 1")
    shop.refresh(3 * MINUTE_MS)
    assert {(who, reason) for _, who, _, reason in shop.news()} == {(1, "forgotten")}
    assert shop.tables.row("SELECT count() FROM segment_changes WHERE profile = 1 AND seq = 1") != (0,)
    command("INSERT INTO segment_forgotten VALUES (1, '2023-11-14 23:00:00')")
    command(
        f"ALTER TABLE segment_forgotten DELETE WHERE forgotten_at = {UNDER_WAY} SETTINGS mutations_sync = 1"
    )
    shop.refresh(4 * MINUTE_MS)
    assert shop.tables.row("SELECT count() FROM segment_changes WHERE profile = 1 AND seq = 1") == (0,)
    assert shop.tables.rows("SELECT * FROM segment_forgotten") == []
