"""Lines of orders, products by the hour, and customers, in a real engine."""

from decimal import Decimal

import pytest

from schemas.wire.stamps import Item
from tests.sinks.shop import CANCELLED, COMPLETED, REFUNDED, UPDATED, converted, plain
from tests.sinks.shop_tables import DAY_MS, asked, order, shop_tables, stored, workspace
from tests.sinks.stage import START_MS, Tables, event


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return shop_tables(clickhouse, module_database)


def product(number: int, kind: str, sku: str, hours: int, quantity: int | None, own: str) -> bytes:
    meaning = {"family": "ecommerce", "event": kind, "violations": []}
    item = Item(
        sku=sku, name=f"The {sku}" if sku else "", quantity=None if quantity is None else Decimal(quantity)
    )
    at = START_MS + hours * 3_600_000
    return event(number, workspace=own, meaning=meaning, items=[plain(item)], timestamp=at)


def test_products_are_counted_by_the_hour(tables: Tables) -> None:
    own = workspace()
    line = Item(sku="a", price=Decimal(10), quantity=Decimal(3), currency="USD")
    happened = [
        product(1, "Product Viewed", "a", 0, None, own),
        product(2, "Product Viewed", "a", 0, 7, own),
        product(3, "Product Added", "a", 0, 2, own),
        product(4, "Wishlist Product Added to Cart", "a", 0, None, own),
        product(5, "Product Removed", "a", 1, 1, own),
        product(6, "Product Viewed", "b", 1, None, own),
        product(7, "Product List Viewed", "b", 1, None, own),
        product(8, "Product Viewed", "", 1, None, own),
        order(9, COMPLETED, at=3_600_000, items=(line,)).value(own),
        order(10, COMPLETED, at=3_600_000, source="server", items=(line,)).value(own),
        order(11, COMPLETED, order_id="2", at=3_600_000, items=(line,)).value(own),
        order(12, CANCELLED, order_id="2", at=3_600_000).value(own),
    ]
    stored(tables, own, happened)
    columns = (
        "dateDiff('hour', min(hour) OVER (), hour) AS nth, product, name, viewed, added, removed, ordered,"
        " units_added, units_removed, units_ordered, amount_base"
    )
    assert asked(tables, own, columns, "product_counters", "hour, product") == [
        (0, "a", "The a", 2, 2, 0, 0, 3, 0, 0, 0),
        (1, "a", "The a", 0, 0, 1, 1, 0, 1, 3, 27),
        (1, "b", "The b", 1, 0, 0, 0, 0, 0, 0, 0),
    ]


def test_the_lines_of_an_order_are_those_of_the_last_report_that_has_any(tables: Tables) -> None:
    own = workspace()
    first = Item(product_id="p", sku="a", price=Decimal(10), quantity=Decimal(3), currency="USD")
    second = Item(sku="b", price=Decimal("0.000001"), quantity=Decimal("0.5"), currency="EUR")
    reports = [
        order(1, COMPLETED, items=(first,)),
        order(2, UPDATED, at=5, items=(first, second, Item(name="gift"))),
        order(3, UPDATED, at=9, total=9),
    ]
    stored(tables, own, [report.value(own) for report in reports])
    found = asked(tables, own, "line, product, units, currency, amount, amount_base", "order_items", "line")
    assert found == [
        (1, "p", Decimal(3), "USD", Decimal(30), converted(Decimal(30), Decimal("0.9"))),
        (2, "b", Decimal("0.5"), "EUR", Decimal(0), Decimal(0)),  # half to even
        (3, "gift", Decimal(1), "EUR", None, None),
    ]


def test_a_customer_has_the_orders_of_all_devices_less_what_was_given_back(tables: Tables) -> None:
    own = workspace()
    reports = [
        order(1, COMPLETED, total=30, at=-DAY_MS),
        order(2, REFUNDED, total=10),
        order(3, COMPLETED, order_id="2", total=100, at=5),
        order(4, CANCELLED, order_id="2", at=6),
        order(5, COMPLETED, order_id="3", total=10, currency="CHF"),
        order(6, COMPLETED, order_id="4", total=7, subject=2),
    ]
    stored(tables, own, [report.value(own) for report in reports])
    columns = (
        "profile, orders, cancelled, refunded, unconverted, revenue, refunds, lifetime_value,"
        " toUnixTimestamp64Milli(first_order_at), toUnixTimestamp64Milli(last_order_at)"
    )
    found = asked(tables, own, columns, "customers", "profile")
    assert found == [
        (1, 2, 1, 1, 1, 30, 10, 20, START_MS - DAY_MS, START_MS + 5),
        (2, 1, 0, 0, 0, 7, 0, 7, START_MS, START_MS),
    ]
