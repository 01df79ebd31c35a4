"""Attribution, visits and what cohorts are worth, asked of a real engine: what a plain recomputation says. Each model gives
away all that orders brought and no more, to the last millionth.
"""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from deploy.commands.rates_command import load_rates
from deploy.files.rates import Rate
from tests.sinks.report_oracle import DAY_MS, Asked
from tests.sinks.report_orders_oracle import MICRO, OrdersOracle, Visit
from tests.sinks.report_world import World, stored
from tests.sinks.stage import Tables

RATES = {"USD": [(date(2024, 3, 1), Decimal("0.9")), (date(2024, 4, 7), Decimal("0.954321987654"))]}
ASKED = [
    Asked(since=date(2024, 3, 20), until=date(2024, 5, 4), people="any"),
    Asked(since=date(2024, 4, 2), until=date(2024, 4, 25), zone="Europe/Berlin", unit="week"),
    Asked(
        since=date(2024, 3, 25),
        until=date(2024, 4, 25),
        zone="Pacific/Auckland",
        unit="month",
        people="anonymous",
        bots="include",
    ),
]
IDS = ["all", "known by week", "anonymous by month"]
MODELS = ("first", "last", "linear", "position")
WORKSPACES = ("once", "twice")
LOOKBACK_DAYS = 20


def campaign(visit: Visit) -> str:
    touch = visit.touch
    return " / ".join((touch.channel, touch.source, touch.medium, touch.campaign))


BY: dict[str, Callable[[Visit], str]] = {
    "channel": lambda visit: visit.touch.channel,
    "campaign": campaign,
    "device": lambda visit: visit.device,
}


@pytest.fixture(scope="module")
def world() -> World:
    return World(seed=8)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str, world: World) -> Tables:
    tables = Tables(clickhouse, module_database)
    rates = [Rate(day, currency, rate) for currency, known in RATES.items() for day, rate in known]
    load_rates(tables.settings, rates)
    stored(tables, world, "once", is_doubled=False)
    stored(tables, world, "twice", is_doubled=True)
    return tables


@pytest.fixture(params=ASKED, ids=IDS)
def asked(request: pytest.FixtureRequest) -> Asked:
    found: Asked = request.param
    return found


def report(tables: Tables, columns: str, view: str, workspace: str, arguments: str) -> list[tuple[Any, ...]]:
    sql = f"SELECT {columns} FROM {view}(workspace = '{workspace}', {arguments})"  # noqa: S608 - ours
    return tables.rows(sql)


def test_every_order_names_the_touches_that_came_before_it(
    tables: Tables, world: World, asked: Asked
) -> None:
    oracle = OrdersOracle(world, asked, RATES)
    columns = (
        "order_id, message_id, toUnixTimestamp64Milli(touched_at), visitor, touch.campaign, touch.referrer"
    )
    expected = {
        (*key, at, visitor, touch.campaign, touch.referrer)
        for key, touches in oracle.journeys(LOOKBACK_DAYS * DAY_MS).items()
        for at, visitor, touch in touches
    }
    for workspace in WORKSPACES:
        rows = report(
            tables,
            columns,
            "order_touches",
            workspace,
            asked.arguments("people", lookback=f"{LOOKBACK_DAYS}d"),
        )
        assert {row for row in rows if row[2] is not None} == expected, workspace
        bare = {row[:2] for row in rows if row[2] is None}
        assert bare == {
            key for key, touches in oracle.journeys(LOOKBACK_DAYS * DAY_MS).items() if not touches
        }


def test_models_share_out_what_orders_brought(tables: Tables, world: World, asked: Asked) -> None:
    """Parts are exact to a millionth for each order, and the sums exact altogether."""
    oracle = OrdersOracle(world, asked, RATES)
    expected = oracle.attribution(LOOKBACK_DAYS * DAY_MS)
    of_models = (f"{model}_{what}" for what in ("orders", "revenue") for model in MODELS)
    columns = ", ".join(("channel, source, medium, campaign, orders_touched", *of_models))
    for workspace in WORKSPACES:
        rows = report(
            tables, columns, "attribution", workspace, asked.arguments("people", lookback=f"{LOOKBACK_DAYS}d")
        )
        assert {row[:4]: row[4] for row in rows} == {name: told[0] for name, told in expected.items()}
        for row in rows:
            told = expected[row[:4]]
            assert row[5:9] == pytest.approx([float(part) for part in told[1:5]]), row
            assert [row[9], row[10]] == [exactly(told[5]), exactly(told[6])]
            tolerance = len(oracle.ordered)  # each order's part is rounded down by less than a millionth
            assert abs(row[11] * MICRO - exactly(told[7]) * MICRO) <= tolerance
            assert abs(row[12] * MICRO - exactly(told[8]) * MICRO) <= tolerance
        total = Decimal(sum(one.net for one in oracle.ordered)) / MICRO
        assert [sum(row[column] for row in rows) for column in range(9, 13)] == [total] * 4


def exactly(micros: Fraction) -> Decimal:
    return Decimal(micros.numerator) / micros.denominator / MICRO


def test_each_order_is_shared_out_whole_and_as_its_touches_stand(tables: Tables, asked: Asked) -> None:
    columns = "order_id, message_id, net, touches, number, first_net, last_net, linear_net, position_net"
    rows = report(tables, columns, "order_touches", "once", asked.arguments("people", lookback="30d"))
    by_order: dict[Any, list[tuple[Any, ...]]] = {}
    for row in sorted(rows):
        by_order.setdefault(row[:2], []).append(row)
    longest = max(row[3] for row in rows)
    assert longest > (5 if asked.people == "any" else 2)
    for mine in by_order.values():
        net, count = mine[0][2], len(mine)
        assert [row[4] for row in mine] == list(range(1, count + 1))
        assert count == max(1, mine[0][3])
        for model in range(5, 9):
            assert sum(row[model] for row in mine) == net
        assert mine[0][5] == mine[-1][6] == net
        even = net / count
        assert all(abs(row[7] - even) <= Decimal("0.000001") for row in mine)
        if count > 2:
            ends, middle = net * 2 / 5, net / 5 / (count - 2)
            for row in mine:
                wanted = ends if row[4] in (1, count) else middle
                assert abs(row[8] - wanted) <= Decimal("0.000001")


@pytest.mark.parametrize("by", list(BY))
def test_visits_and_the_orders_after_them_are_counted(
    tables: Tables, world: World, asked: Asked, by: str
) -> None:
    columns = "value, visits, visitors, people, bounces, page_views, median_seconds, orders, revenue"
    arguments = asked.arguments("people", "bots", by=by, lookback="10d")
    rows = report(tables, columns, "visit_statistics", "once", arguments)
    found = {row[0]: (*row[1:8], int(row[8] * MICRO)) for row in rows}
    expected = OrdersOracle(world, asked, RATES).visit_statistics(BY[by], 10 * DAY_MS)
    assert found == expected


@pytest.mark.parametrize(("cohort", "by"), [("order", "none"), ("order", "channel"), ("seen", "channel")])
def test_cohorts_are_worth_what_their_people_ordered(
    tables: Tables, world: World, asked: Asked, cohort: str, by: str
) -> None:
    columns = "cohort, channel, number, people, orders, revenue, revenue_to_date"
    arguments = asked.arguments("unit", "people", "bots", cohort=cohort, by=by)
    expected = OrdersOracle(world, asked, RATES).cohort_value(cohort, by)
    for workspace in WORKSPACES:
        rows = sorted(report(tables, columns, "cohort_value", workspace, arguments))
        assert {row[:3]: (*row[3:5], int(row[5] * MICRO)) for row in rows} == expected, workspace
        for row in rows:
            upto = sum(expected[row[0], row[1], number][2] for number in range(row[2] + 1))
            assert row[6] * MICRO == upto
