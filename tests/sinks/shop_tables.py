"""A shop's reports in tables: each test in a workspace of its own, all with the same exchange rates."""

import itertools
from datetime import date
from decimal import Decimal
from typing import Any

from deploy.commands.rates_command import load_rates
from deploy.files.rates import Rate
from schemas.wire.codec import RESOLVED_EVENT
from schemas.wire.stamps import Commerce
from tests.sinks.shop import Report
from tests.sinks.stage import START_MS, Tables

DAY_MS = 86_400_000
RATES = {
    "USD": [(date(2023, 11, 10), Decimal("0.9")), (date(2023, 11, 16), Decimal("0.954321987654"))],
    "JPY": [(date(2023, 11, 1), Decimal("0.0061"))],
}
NUMBERS = itertools.count()


def shop_tables(url: str, database: str) -> Tables:
    tables = Tables(url, database)
    rates = [Rate(day, currency, rate) for currency, known in RATES.items() for day, rate in known]
    load_rates(tables.settings, rates)
    return tables


def workspace() -> str:
    return f"w{next(NUMBERS)}"


def stored(tables: Tables, name: str, values: list[bytes]) -> None:
    if values:
        tables.insert("events_in", RESOLVED_EVENT, values, f"{name}-{next(NUMBERS)}")


def asked(tables: Tables, own: str, columns: str, view: str, by: str = "workspace") -> list[tuple[Any, ...]]:
    return tables.rows(f"SELECT {columns} FROM {view} WHERE workspace = '{own}' ORDER BY {by}")  # noqa: S608 - names of ours


def order(
    number: int,
    kind: str,
    *,
    at: int = 0,
    order_id: str = "1",
    source: str = "web",
    subject: int = 1,
    **said: Any,
) -> Report:
    """`said`: of the order, amounts as whole numbers; or its `items`."""
    items = said.pop("items", ())
    kept: dict[str, Any] = {
        name: Decimal(value) if isinstance(value, int) else value for name, value in said.items()
    }
    commerce = Commerce(order_id=order_id, **kept)
    return Report(
        number=number,
        kind=kind,
        at=START_MS + at,
        source=source,
        subject=subject,
        commerce=commerce,
        items=items,
    )
