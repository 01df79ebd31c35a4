"""Orders in a real engine: what a plain recomputation says, whatever the order of arrival."""

from datetime import date
from decimal import Decimal
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deploy.commands.rates_command import load_rates
from deploy.files.rates import Rate
from runtime.environment.settings import ClickHouseSettings
from schemas.wire.stamps import Commerce, Item
from sinks.migrating.migrations import migrate
from tests.sinks.shop import (
    CANCELLED,
    COMPLETED,
    KINDS,
    ORDERS_SQL,
    REFUNDED,
    UPDATED,
    Report,
    orders,
)
from tests.sinks.shop_tables import DAY_MS, RATES, asked, order, shop_tables, stored, workspace
from tests.sinks.stage import START_MS, Tables


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return shop_tables(clickhouse, module_database)


def money(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


AMOUNT = st.sampled_from([None, None, "0", "5", "10.5", "19.99", "-5", "30", "999999999999.999999"]).map(
    money
)
QUANTITY = st.sampled_from([None, "0", "1", "2", "0.333333", "999999999999"]).map(money)
CURRENCY = st.sampled_from(["", "", "EUR", "USD", "JPY", "CHF"])
ITEM = st.builds(
    Item, sku=st.sampled_from(["a", "b"]), price=AMOUNT, quantity=QUANTITY, currency=st.just("EUR")
)
COMMERCE = st.builds(
    Commerce,
    order_id=st.sampled_from(["", "1", "2", "3", "4", "5"]),
    coupon=st.sampled_from(["", "may", "june"]),
    currency=CURRENCY,
    value=AMOUNT,
    revenue=AMOUNT,
    total=AMOUNT,
    subtotal=AMOUNT,
    shipping=AMOUNT,
    tax=AMOUNT,
)
REPORT = st.builds(
    Report,
    number=st.just(0),
    kind=st.sampled_from((*KINDS, COMPLETED)),
    at=st.integers(-14, 4).map(lambda half_days: START_MS + half_days * DAY_MS // 2),
    source=st.sampled_from(["web", "server"]),
    subject=st.integers(1, 3),
    user_id=st.sampled_from(["", "ann"]),
    commerce=COMMERCE,
    items=st.lists(ITEM, max_size=2).map(tuple),
)


@given(st.lists(REPORT, min_size=1, max_size=40), st.randoms(use_true_random=False))
@settings(max_examples=8, deadline=None)
def test_any_reports_in_any_order_and_twice_make_the_orders_of_a_plain_recomputation(
    tables: Tables, drawn: list[Report], random: Random
) -> None:
    reports = [
        Report(**{**{name: getattr(report, name) for name in report.__struct_fields__}, "number": number})
        for number, report in enumerate(drawn)
    ]
    straight, shuffled = workspace(), workspace()
    stored(tables, straight, [report.value(straight) for report in reports])
    twice = reports * 2
    random.shuffle(twice)
    cut = random.randint(0, len(twice))
    for half in (twice[:cut], twice[cut:]):
        stored(tables, shuffled, [report.value(shuffled) for report in half])
    expected = orders(reports, "EUR", RATES)
    for name in (straight, shuffled):
        assert tables.rows(ORDERS_SQL.format(workspace=name)) == expected


# What was reported; then how many orders, status, amount, refunded, net.
STORIES: dict[str, tuple[list[Report], list[tuple[str, int, int, int]]]] = {
    "browser and server": (
        [order(1, COMPLETED, total=30), order(2, COMPLETED, total=30, source="server", at=9)],
        [("completed", 30, 0, 30)],
    ),
    "the last that has the field": (
        [order(1, COMPLETED, total=30), order(2, UPDATED, total=25, at=5), order(3, UPDATED, at=9)],
        [("updated", 25, 0, 25)],
    ),
    "refunded whole": ([order(1, COMPLETED, total=30), order(2, REFUNDED, at=9)], [("refunded", 30, 30, 0)]),
    "refunded in part, twice": (
        [order(1, COMPLETED, total=30), order(2, REFUNDED, total=10), order(3, REFUNDED, total=10)],
        [("partly refunded", 30, 20, 10)],
    ),
    "one refund that two sources report": (
        [
            order(1, COMPLETED, total=30),
            order(2, REFUNDED, total=10),
            order(3, REFUNDED, total=10, source="server"),
        ],
        [("partly refunded", 30, 10, 20)],
    ),
    "different refunds of two sources": (
        [
            order(1, COMPLETED, total=30),
            order(2, REFUNDED, total=10),
            order(3, REFUNDED, total=5, source="server"),
        ],
        [("partly refunded", 30, 15, 15)],
    ),
    "a refund by its products": (
        [
            order(1, COMPLETED, total=30),
            order(2, REFUNDED, items=(Item(sku="a", price=Decimal(4), quantity=Decimal(2)),)),
        ],
        [("partly refunded", 30, 8, 22)],
    ),
    "more refunds than money": (
        [order(1, COMPLETED, total=30), order(2, REFUNDED, total=20), order(3, REFUNDED, total=25)],
        [("refunded", 30, 30, 0)],
    ),
    "cancelled, and reported again later": (
        [order(1, COMPLETED, total=30), order(2, CANCELLED, at=5), order(3, COMPLETED, total=30, at=9)],
        [("cancelled", 30, 0, 0)],
    ),
    "without an id": (
        [order(1, COMPLETED, order_id="", total=30), order(2, COMPLETED, order_id="", total=5)],
        [("completed", 5, 0, 5), ("completed", 30, 0, 30)],
    ),
    "a refund that names no order": ([order(1, REFUNDED, order_id="", total=5)], []),
    "revenue with what is added to it": (
        [order(1, COMPLETED, revenue=20, shipping=3, tax=2)],
        [("completed", 25, 0, 25)],
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_an_order_counts_once_and_what_was_given_back_is_subtracted(tables: Tables, name: str) -> None:
    reports, expected = STORIES[name]
    own = workspace()
    stored(tables, own, [report.value(own) for report in reports])
    assert asked(tables, own, "status, amount, refunded, net", "orders", "amount") == expected


def test_what_nobody_reported_as_ordered_has_no_amount_and_is_no_customer(tables: Tables) -> None:
    own = workspace()
    stored(tables, own, [order(1, REFUNDED, total=30).value(own)])
    found = asked(tables, own, "status, is_reported, amount, net", "orders")
    assert found == [("refunded", False, None, None)]
    assert asked(tables, own, "*", "customers") == []


def test_amounts_are_converted_by_the_last_rate_before_the_order(tables: Tables) -> None:
    own = workspace()
    days = {"9": -5, "10": -4, "15": 1, "16": 2, "30": 16}
    values = [
        order(number, COMPLETED, order_id=day, total=10, currency="USD", at=offset * DAY_MS).value(own)
        for number, (day, offset) in enumerate(days.items())
    ]
    stored(tables, own, values)
    found = dict(asked(tables, own, "order_id, amount_base", "orders"))
    early, late = Decimal(9), Decimal("9.54322")
    assert found == {"9": None, "10": early, "15": early, "16": late, "30": late}
    missing = asked(tables, own, "currency, base_currency, orders, first_day, last_day", "missing_rates")
    assert missing == [("USD", "EUR", 1, date(2023, 11, 9), date(2023, 11, 9))]


def test_a_refund_in_another_currency_is_converted_by_the_rates_of_the_order(tables: Tables) -> None:
    own = workspace()
    reports = [
        order(1, COMPLETED, total=30, currency="EUR"),
        order(2, REFUNDED, total=10, currency="USD", at=30 * DAY_MS),
        order(3, COMPLETED, order_id="2", total=30),
        order(4, REFUNDED, order_id="2", total=10, currency="CHF"),
    ]
    stored(tables, own, [report.value(own) for report in reports])
    found = asked(tables, own, "refunded, net, unconverted", "orders", "order_id")
    assert found == [(Decimal(9), Decimal(21), []), (None, None, ["CHF"])]


def test_events_about_other_things_are_not_read(tables: Tables) -> None:
    own = workspace()
    stored(tables, own, [order(1, COMPLETED, total=10).value(own)])
    plan = "\n".join(row[0] for row in tables.rows("EXPLAIN indexes = 1 SELECT sum(net) FROM orders"))
    assert "Name: by_meaning" in plan


def test_rates_may_be_loaded_again_and_the_last_counts(clickhouse: str, database: str) -> None:
    tables = Tables(clickhouse, database)
    stored(tables, "main", [order(1, COMPLETED, total=10, currency="USD").value("main")])
    sql = "SELECT amount_base FROM orders"
    assert tables.row(sql) == (None,)
    for rate in ("0.5", "0.7", "0.7"):
        load_rates(tables.settings, [Rate(date(2023, 11, 1), "USD", Decimal(rate))])
        assert tables.row(sql) == (Decimal(rate) * 10,)
    assert tables.row("SELECT count() FROM exchange_rates FINAL") == (1,)


def test_the_base_currency_is_that_of_the_last_migrate(clickhouse: str, database: str) -> None:
    tables = Tables(clickhouse, database)
    stored(tables, "main", [order(1, COMPLETED, total=10).value("main")])
    assert tables.row("SELECT currency, base_currency FROM orders") == ("EUR", "EUR")
    for currency in ("USD", "EUR"):
        migrate(ClickHouseSettings(url=clickhouse, database=database, base_currency=currency))
        assert tables.row("SELECT currency, base_currency FROM orders") == (currency, currency)
