"""The ready queries of docs/commerce.md, on a few days of a shop: what they say is worked out by hand."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from deploy.commands.rates_command import read_file
from schemas.wire.codec import POINTER
from schemas.wire.stamps import Item, Touch
from sinks.storing.tables import DICTIONARIES
from tests.sinks.shop import CANCELLED, COMPLETED, REFUNDED, UPDATED, plain
from tests.sinks.shop_tables import order, stored
from tests.sinks.stage import START_MS, Tables, event, pointer

PAGE = (Path(__file__).parents[2] / "docs" / "commerce.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?)```", PAGE, re.DOTALL)
HOUR, DAY = 3_600_000, 86_400_000
JUNE = int(datetime(2026, 6, 10, 8, tzinfo=UTC).timestamp() * 1000) - START_MS
PHONE, ANN, BOB = 11, 12, 13  # the phone is Ann's
SHEARS = Item(product_id="p1", name="Shears", price=Decimal(20), quantity=Decimal(2))
POT = Item(product_id="p2", name="Pot", price=Decimal(5))


def seen(number: int, subject: int, at: int, channel: str, **fields: Any) -> bytes:
    touch = plain(Touch(channel=channel, source=channel, medium="m", campaign="c"))
    return event(
        number,
        type="page",
        event="",
        subject=subject,
        visitor=subject,
        session_id="s",
        touch=touch,
        timestamp=START_MS + JUNE + at,
        **fields,
    )


def viewed(number: int, item: Item, at: int = 0) -> bytes:
    meaning = {"family": "ecommerce", "event": "Product Viewed", "violations": []}
    return event(number, meaning=meaning, items=[plain(item)], timestamp=START_MS + JUNE + at)


REPORTS = [
    order(1, COMPLETED, at=JUNE + HOUR, total=45, subject=PHONE, items=(SHEARS, POT)),
    order(2, COMPLETED, at=JUNE + HOUR, total=45, subject=ANN, source="server", items=(SHEARS, POT)),
    order(3, REFUNDED, at=JUNE + DAY, total=5, subject=ANN, source="server"),
    order(4, COMPLETED, order_id="2", at=JUNE + DAY, total=10, subject=ANN, source="server"),
    order(5, COMPLETED, order_id="3", at=JUNE + 2 * HOUR, total=100, subject=BOB, items=(POT,)),
    order(6, UPDATED, order_id="3", at=JUNE + DAY, total=110, subject=BOB),
    order(7, COMPLETED, order_id="4", at=JUNE + 30 * DAY, total=7, subject=BOB),
    order(8, CANCELLED, order_id="4", at=JUNE + 31 * DAY, subject=BOB),
]
SEEN = [
    seen(20, PHONE, 0, "email"),
    seen(21, ANN, 20 * HOUR, "paid_search"),
    viewed(23, SHEARS),
    viewed(24, POT),
    viewed(25, POT, HOUR),
]
ANSWERS = [
    [
        (date(2026, 6, 10), "direct", 1, Decimal(110)),
        (date(2026, 6, 10), "email", 1, Decimal(40)),
        (date(2026, 6, 11), "paid_search", 1, Decimal(10)),
    ],
    [
        (date(2026, 6, 1), Decimal(165), Decimal(5), 0, 3.0),
        (date(2026, 7, 1), Decimal(7), Decimal(0), 1, 0.0),
    ],
    [
        ("p1", "Shears", 1, 1, Decimal(2), Decimal(40)),
        ("p2", "Pot", 2, 2, Decimal(2), Decimal(10)),
    ],
    [
        ("unknown", 1, 1, Decimal(110), Decimal(110)),
        ("email", 1, 2, Decimal(50), Decimal(50)),
    ],
]


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    tables = Tables(clickhouse, module_database)
    stored(tables, "main", [*SEEN, *(report.value("main") for report in REPORTS)])
    tables.insert("pointers_in", POINTER, [pointer(PHONE, ANN)], "pointers")
    tables.reload(DICTIONARIES)
    return tables


@pytest.mark.parametrize("number", range(len(ANSWERS)))
def test_a_ready_query_says_what_the_shop_sold(tables: Tables, number: int) -> None:
    assert len(QUERIES) == len(ANSWERS)
    assert tables.rows(QUERIES[number]) == ANSWERS[number]


def test_the_example_of_rates_is_what_the_command_takes(tmp_path: Path) -> None:
    (example,) = re.findall(r"```csv\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "rates.csv"
    file.write_text(example)
    assert [rate.currency for rate in read_file(file, "EUR")] == ["JPY", "USD", "USD"]
