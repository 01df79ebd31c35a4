"""Comments beside inserts: what a table is said to be changes nothing of what is in it."""

from collections.abc import Iterator

import pytest

from runtime.environment.settings import ClickHouseSettings
from schemas.wire.codec import RESOLVED_EVENT
from sinks.migrating.comments import quoted, write_comments
from sinks.storing.failure import Unavailable
from tests.sinks.stage import Tables, event


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    yield tables
    tables.client.close()


def test_a_block_that_is_repeated_after_comments_were_written_adds_nothing(tables: Tables) -> None:
    block = [event(number) for number in range(5)]
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-5")
    assert "events" in write_comments(tables.settings)
    tables.insert("events_in", RESOLVED_EVENT, block, "t-0-0-5")
    assert tables.row("SELECT count() FROM events") == (5,)


def test_a_clickhouse_that_does_not_answer_is_told() -> None:
    with pytest.raises(Unavailable):
        write_comments(ClickHouseSettings(url="http://127.0.0.1:9"))


def test_a_comment_says_what_was_written_whatever_it_is(tables: Tables) -> None:
    text = "it's a \\ and a \\' and 50 %"
    assert tables.row(f"SELECT {quoted(text)}") == (text,)
