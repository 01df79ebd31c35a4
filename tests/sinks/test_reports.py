"""Reports that count people, asked of a real engine: what a plain recomputation says, in any order of arrival and when
everything came twice.
"""

from collections.abc import Callable
from datetime import date

import pytest

from tests.sinks.report_oracle import DAY_MS, Asked, Oracle, nothing
from tests.sinks.report_world import Happened, World, stored
from tests.sinks.stage import Tables

ASKED = [
    Asked(since=date(2024, 3, 20), until=date(2024, 5, 2)),
    Asked(since=date(2024, 3, 25), until=date(2024, 4, 20), zone="Europe/Berlin", unit="week", people="any"),
    Asked(
        since=date(2024, 3, 30),
        until=date(2024, 4, 28),
        zone="Pacific/Auckland",
        unit="month",
        bots="include",
        people="anonymous",
    ),
    Asked(
        since=date(2024, 3, 19),
        until=date(2024, 5, 9),
        zone="America/New_York",
        unit="week",
        people="any",
        bots="only",
    ),
]
IDS = ["known", "all by week", "anonymous by month", "bots"]
BY: dict[str, Callable[[Happened], str]] = {
    "none": nothing,
    "device": lambda one: one.device if one.visitor else "",
    "country": lambda one: one.country if one.visitor else "",
    "source": lambda one: one.source,
}
FUNNELS = [
    (["Alpha", "Beta", "Gamma"], 3, "none"),
    (["Alpha", "Alpha"], 9, "device"),
    (["page", "page:/cart%", "Alpha"], 5, "country"),
    (["screen:Home", "Order Completed"], 20, "source"),
]
WORKSPACES = ("once", "twice")


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=3)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str, world: World) -> Tables:
    tables = Tables(clickhouse, module_database)
    stored(tables, world, "once", is_doubled=False)
    stored(tables, world, "twice", is_doubled=True)
    return tables


@pytest.fixture(params=ASKED, ids=IDS)
def asked(request: pytest.FixtureRequest) -> Asked:
    found: Asked = request.param
    return found


def report(
    tables: Tables, columns: str, view: str, workspace: str, arguments: str
) -> list[tuple[object, ...]]:
    sql = f"SELECT {columns} FROM {view}(workspace = '{workspace}', {arguments})"  # noqa: S608 - ours
    return tables.rows(sql)


def test_events_are_counted_by_site_and_name(tables: Tables, world: World, asked: Asked) -> None:
    columns = "period, source, site, type, event, events, people"
    rows = report(tables, columns, "event_counts", "once", asked.arguments("unit", "people", "bots"))
    assert {row[:5]: row[5:] for row in rows} == Oracle(world, asked).event_counts()


def test_sources_are_told_apart_by_the_day_of_receipt(tables: Tables, world: World, asked: Asked) -> None:
    columns = "day, source, events, people, known_people, bots, violations"
    rows = report(tables, columns, "source_statistics", "once", asked.arguments())
    assert {row[:2]: row[2:] for row in rows} == Oracle(world, asked).source_statistics()


def test_engagement_is_who_was_there_and_how_much_they_did(
    tables: Tables, world: World, asked: Asked
) -> None:
    columns = "period, people, new_people, events, active_days, events_per_person, stickiness"
    rows = report(tables, columns, "engagement", "once", asked.arguments("unit", "people", "bots"))
    expected = Oracle(world, asked).engagement()
    assert {row[0]: row[1:] for row in rows} == {
        period: pytest.approx(told) for period, told in expected.items()
    }
    columns = "period, people, new_people, active_days"
    twice = report(tables, columns, "engagement", "twice", asked.arguments("unit", "people", "bots"))
    assert {row[0]: row[1:] for row in twice} == {
        period: (*told[:2], told[3]) for period, told in expected.items()
    }


def test_active_people_of_a_day_a_week_and_a_month_are_counted_once(
    tables: Tables, world: World, asked: Asked
) -> None:
    columns, expected = "day, people, people_7, people_30", Oracle(world, asked).active_people()
    for workspace in WORKSPACES:
        rows = report(tables, columns, "active_people", workspace, asked.arguments("people", "bots"))
        assert {row[0]: row[1:] for row in rows} == expected, workspace


@pytest.mark.parametrize(("first", "again"), [("any", "any"), ("Alpha", "Order Completed"), ("page", "any")])
def test_retention_is_who_came_back_in_each_period(
    tables: Tables, world: World, asked: Asked, first: str, again: str
) -> None:
    arguments = asked.arguments("unit", "people", "bots", first=first, again=again)
    expected = Oracle(world, asked).retention(first, again)
    for workspace in WORKSPACES:
        rows = report(tables, "cohort, number, people, returned", "retention", workspace, arguments)
        assert {row[:2]: row[2:] for row in rows} == expected, workspace


def test_activation_is_what_people_did_within_a_time_of_being_seen(
    tables: Tables, world: World, asked: Asked
) -> None:
    steps = ["Alpha", "page:/cart%", "screen"]
    arguments = asked.arguments("people", "bots", steps=str(steps), within="4d")
    expected = Oracle(world, asked).activation(steps, 4 * DAY_MS)
    for workspace in WORKSPACES:
        rows = report(tables, "step, people, median_seconds", "activation", workspace, arguments)
        assert [row[1:] for row in sorted(rows)] == expected, workspace


@pytest.mark.parametrize(("steps", "days", "by"), FUNNELS, ids=["in a row", "one twice", "pages", "screens"])
def test_a_funnel_is_how_far_people_came_in_order_on_whichever_device(
    tables: Tables, world: World, asked: Asked, steps: list[str], days: int, by: str
) -> None:
    arguments = asked.arguments("people", "bots", steps=str(steps), within=f"{days}d", by=by)
    expected = Oracle(world, asked).funnel(steps, days * DAY_MS, BY[by])
    for workspace in WORKSPACES:
        rows = report(tables, "value, step, people, median_seconds", "funnel", workspace, arguments)
        assert {row[:2]: row[2:] for row in rows} == expected, workspace
