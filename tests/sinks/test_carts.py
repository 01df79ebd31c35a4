"""Carts and the catalogue in ClickHouse: what people ask, whatever order things came in."""

from datetime import UTC, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest

from schemas.wire.avro import amount_bytes
from schemas.wire.codec import CART, POINTER, PRODUCT, RESOLVED_EVENT
from sinks.storing.tables import DICTIONARIES
from tests.sinks.stage import START_MS, Tables, cart, event, pointer, product

HOUR_MS = 3_600_000
COMMERCE = dict.fromkeys(("order_id", "checkout_id", "cart_id", "coupon", "affiliation"), "") | {
    "currency": "USD"
}


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)


def seen(number: int, time: int, **fields: object) -> bytes:
    return event(number, timestamp=time, **fields)


def ordered(number: int, time: int, subject: int) -> bytes:
    meaning = {"family": "ecommerce", "event": "Order Completed", "violations": []}
    return seen(number, time, meaning=meaning, subject=subject, event="Order Completed")


def item(**stated: Any) -> dict[str, Any]:
    """Amounts are in millionths."""
    texts = dict.fromkeys(
        ("product_id", "sku", "name", "brand", "category", "variant", "coupon", "currency"), ""
    )
    numbers = {name: amount_bytes(stated.pop(name, None)) for name in ("price", "quantity")}
    return texts | {"position": 0} | stated | numbers


def store(tables: Tables, *events: bytes) -> None:
    for value in events:
        tables.insert("events_in", RESOLVED_EVENT, [value], f"events-{hash(value)}")


def test_a_cart_is_its_newest_version_and_says_what_became_of_it(tables: Tables) -> None:
    old = cart(101, version=1, items=[], value=None)
    tables.insert("carts_in", CART, [cart(101, version=2), old, cart(102), cart(103), cart(104)], "carts-1")
    store(tables, ordered(9001, START_MS + 5, subject=102), ordered(9002, START_MS - 5, subject=101))
    fired = f"cart-abandoned-{103:016x}-{START_MS}"
    store(
        tables,
        seen(9003, START_MS + HOUR_MS, message_id=fired, event="Cart Abandoned", subject=103),
        ordered(9005, START_MS + 2 * HOUR_MS, subject=104),
    )  # fmt: skip
    store(tables, seen(9006, START_MS + HOUR_MS, message_id=f"cart-abandoned-{104:016x}-{START_MS}",
                       event="Cart Abandoned", subject=104))  # fmt: skip
    found = tables.rows("SELECT cart_id, status, value, items.product, source FROM carts ORDER BY cart_id")
    value = Decimal("8.5")
    assert found == [
        ("k101", "open", value, ["mug"], "dev"),
        ("k102", "ordered", value, ["mug"], "dev"),
        ("k103", "abandoned", value, ["mug"], "dev"),
        ("k104", "ordered", value, ["mug"], "dev"),
    ]
    assert tables.row("SELECT abandoned_at, ordered_at FROM carts WHERE cart_id = 'k104'") == (
        moment(START_MS + HOUR_MS),
        moment(START_MS + 2 * HOUR_MS),
    )


def test_an_order_under_another_identifier_of_the_same_person_is_the_carts(tables: Tables) -> None:
    tables.insert("carts_in", CART, [cart(201)], "carts-2")
    store(tables, ordered(9101, START_MS + 7, subject=299))
    assert tables.row("SELECT status FROM carts WHERE cart_id = 'k201'") == ("open",)
    tables.insert("pointers_in", POINTER, [pointer(201, 299)], "pointers-2")
    tables.reload(DICTIONARIES)
    assert tables.row("SELECT status, profile FROM carts WHERE cart_id = 'k201'") == ("ordered", 299)


def test_a_cart_of_somebody_who_was_forgotten_is_not_shown(tables: Tables) -> None:
    tables.insert(
        "carts_in", CART, [cart(301), cart(301, version=2, is_deleted=True, workspace="", cart_id="")], "c3"
    )
    assert tables.rows("SELECT cart_id FROM carts WHERE cart_id = 'k301'") == []
    assert tables.row("SELECT count() FROM cart_states FINAL WHERE cart = 301") == (0,)


def test_what_an_event_leaves_out_is_filled_in_as_of_its_time_in_whatever_order_things_come(
    tables: Tables,
) -> None:
    told: list[tuple[int, dict[str, Any]]] = [
        (START_MS, {"name": "Mug", "price": 8_000_000, "currency": "EUR"}),
        (START_MS + HOUR_MS, {"price": 9_000_000, "currency": "EUR"}),
        (START_MS + 2 * HOUR_MS, {"name": "Big mug"}),
    ]
    answers = set()
    for number, order in enumerate(permutations(told)):
        name = 400 + number
        items = [item(product_id=f"p{name}", quantity=2_000_000)]
        events = [
            seen(
                10_000 + 10 * number + place,
                START_MS + minutes * 60_000,
                items=items,
                event="Product Added",
            )
            for place, minutes in enumerate((-1, 0, 30, 60, 119, 500))
        ]
        store(tables, *events[:3])
        for place, (time, values) in enumerate(order):
            tables.insert("catalogue_in", PRODUCT, [product(name, time, **values)], f"cat-{number}-{place}")
        store(tables, *events[3:])
        rows = tables.rows(
            f"SELECT name, price, currency FROM event_items WHERE product = 'p{name}' ORDER BY timestamp"  # noqa: S608
        )
        answers.add(tuple(rows))
    eight, nine = Decimal(8), Decimal(9)
    assert answers == {
        (
            ("", None, ""),
            ("Mug", eight, "EUR"),
            ("Mug", eight, "EUR"),
            ("Mug", nine, "EUR"),
            ("Mug", nine, "EUR"),
            ("Big mug", nine, "EUR"),
        )
    }


def test_what_an_event_says_itself_stands(tables: Tables) -> None:
    tables.insert(
        "catalogue_in", PRODUCT, [product(501, name="Mug", price=8_000_000, currency="EUR")], "cat-501"
    )
    items = [item(sku="p501", price=6_500_000)]
    store(tables, seen(9501, START_MS + 1, items=items, commerce=COMMERCE))
    assert tables.rows("SELECT name, price, currency FROM event_items WHERE product = 'p501'") == [
        ("Mug", Decimal("6.5"), "USD")
    ]


def test_a_statement_that_turns_out_to_be_earlier_moves(tables: Tables) -> None:
    for time in (START_MS + 9, START_MS + 3, START_MS + 5):
        tables.insert("catalogue_in", PRODUCT, [product(601, time, name="Mug")], f"cat-601-{time}")
    assert tables.rows("SELECT valid_from, name FROM catalogue WHERE product = 'p601'") == [
        (moment(START_MS + 3), "Mug")
    ]


def test_what_is_stated_at_one_moment_holds_together_from_then_on(tables: Tables) -> None:
    told: list[dict[str, Any]] = [{"name": "Mug"}, {"brand": "Kiln"}, {"category": "Tea"}, {"variant": "red"}]
    for number, order in enumerate((told, told[::-1])):
        name = 700 + number
        stated = [product(name, **values) for values in order]
        tables.insert("catalogue_in", PRODUCT, stated, f"cat-{name}")
        store(tables, seen(9700 + number, START_MS, items=[item(product_id=f"p{name}")]))
        whole = ("Mug", "Kiln", "Tea", "red")
        columns = f"name, brand, category, variant FROM {{}} WHERE product = 'p{name}'"
        for view in ("catalogue", "event_items"):
            assert tables.rows("SELECT " + columns.format(view)) == [whole]
