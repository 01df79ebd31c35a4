"""What docs/reports.md and the ready queries say can be asked as it stands, and what a report does not know it refuses."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.wire.codec import RESOLVED_EVENT
from tests.sinks.stage import START_MS, Tables, event

PAGE = (Path(__file__).parents[2] / "docs" / "reports.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)\n```", PAGE, re.DOTALL)
COMMON = "workspace = 'main', since = '2023-11-01', until = '2023-12-01', zone = 'UTC'"
KNOWN = COMMON + ", people = 'any', bots = 'include'"
SECOND = 1_000


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Iterator[Tables]:
    tables = Tables(clickhouse, module_database)
    yield tables
    tables.client.close()


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_what_the_page_shows_can_be_asked(tables: Tables, number: int) -> None:
    assert tables.rows(QUERIES[number]) is not None


def test_the_page_names_every_report(tables: Tables) -> None:
    for view in ("funnel", "retention", "attribution", "cohort_value", "active_people", "source_statistics"):
        assert f"**`{view}`**" in PAGE


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (f"event_counts({COMMON}, unit = 'day', people = 'all', bots = 'include')", "people: known, anonymous or any"),
        (f"event_counts({COMMON}, unit = 'day', people = 'any', bots = 'no')", "bots: exclude, include or only"),
        (f"engagement({KNOWN}, unit = 'year')", "unit: day, week or month"),
        (f"retention({KNOWN}, unit = 'hour', first = 'any', again = 'any')", "unit: day, week or month"),
        (f"funnel({KNOWN}, steps = ['A'], within = '7 days', by = 'none')", "within: a length of time"),
        (f"funnel({KNOWN}, steps = ['A'], within = '7d', by = 'city')", "by: none, device, country"),
        (f"funnel({KNOWN}, steps = [], within = '7d', by = 'none')", "steps: one to twenty"),
        (f"activation({KNOWN}, steps = ['A'], within = '0d')", "within: a length of time"),
        (f"attribution({COMMON}, lookback = '', people = 'any')", "lookback: a length of time"),
        (f"visit_statistics({KNOWN}, by = 'city', lookback = '7d')", "by: none, channel, campaign"),
        (f"cohort_value({KNOWN}, unit = 'day', cohort = 'x', by = 'none')", "cohort: order or seen"),
    ],
)  # fmt: skip
def test_a_value_that_means_nothing_is_refused(tables: Tables, asked: str, told: str) -> None:
    with pytest.raises(ClickHouseError, match=told):
        tables.rows(f"SELECT count() FROM {asked}")  # noqa: S608 - ours


def test_the_delay_is_from_receipt_until_it_is_stored(clickhouse: str, database: str) -> None:
    """Of 20 events that were received a second apart the middle one is the eleventh, and 95 of 100 is the last but none."""
    tables = Tables(clickhouse, database)
    received = [START_MS + number * SECOND for number in range(20)]
    values = [event(number, received_at=at) for number, at in enumerate(received)]
    tables.insert("events_in", RESOLVED_EVENT, values, "all")
    ((stored, least, most),) = tables.rows(
        "SELECT uniqExact(stored_at), min(toUnixTimestamp64Milli(stored_at)), max(toUnixTimestamp64Milli(now64(3))) FROM events"
    )
    assert stored == 1
    assert received[-1] < least <= most
    ((median, late),) = tables.rows(
        f"SELECT delay_p50_ms, delay_p95_ms FROM source_statistics({COMMON})"  # noqa: S608
    )
    assert [least - median, least - late] == [received[9], received[0]]


def test_the_newest_events_come_first_with_who_did_them(clickhouse: str, database: str) -> None:
    tables = Tables(clickhouse, database)
    kinds = {1: ("u", "ann"), 2: ("a", "device-1"), 3: ("e", "bob@shop.example")}
    values = [
        event(
            number,
            subject=node,
            received_at=START_MS + at,
            identifiers=[{"node": node, "kind": kinds[node][0], "value": kinds[node][1]}],
        )
        for number, node, at in ((1, 1, 5), (2, 2, 9), (3, 3, 7), (4, 1, -5))
    ]
    tables.insert("events_in", RESOLVED_EVENT, values, "all")
    feed = "live_feed(workspace = 'main', since = '2023-11-14T22:13:20Z', zone = 'UTC', bots = 'exclude'"
    columns = "message_id, person, person_kind, is_known"
    everybody = tables.rows(f"SELECT {columns} FROM {feed}, people = 'any', rows = 2)")  # noqa: S608
    assert everybody == [("m2", "device-1", "a", 0), ("m3", "bob@shop.example", "e", 1)]
    known = tables.rows(f"SELECT message_id, person FROM {feed}, people = 'known', rows = 9)")  # noqa: S608
    assert known == [("m3", "bob@shop.example"), ("m1", "ann")]
