"""Reports of orders to put into tables, and the orders that they make, worked out anew in plain Python."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, Context, Decimal
from typing import Any

import msgspec

from schemas.wire.stamps import MONEY_MAX, Commerce, Item, Meaning
from tests.sinks.stage import event

COMPLETED, UPDATED = "Order Completed", "Order Updated"
REFUNDED, CANCELLED = "Order Refunded", "Order Cancelled"
KINDS = (COMPLETED, UPDATED, REFUNDED, CANCELLED)

ORDERS_SQL = """\
SELECT order_id, message_id, profile, toUnixTimestamp64Milli(ordered_at), toUnixTimestamp64Milli(changed_at), status, is_reported,
       reports, sources, coupon, currency, revenue, total, shipping, amount, refunded, net, rate,
       amount_base, refunded_base, net_base, unconverted, arrayMap(item -> item.sku, items)
FROM orders WHERE workspace = '{workspace}' ORDER BY order_id, message_id"""

_EXACT = Context(prec=120)
_MICRO, _DIVIDED = Decimal("0.000001"), Decimal("1E-18")

Rates = Mapping[str, list[tuple[date, Decimal]]]


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """One event about an order. `number` makes it unlike all others; `at` is in ms."""

    number: int
    kind: str
    at: int
    source: str = "web"
    subject: int = 1
    user_id: str = ""
    commerce: Commerce = Commerce()
    items: tuple[Item, ...] = ()

    @property
    def message_id(self) -> str:
        return f"m{self.number:03}"

    @property
    def place(self) -> tuple[int, str]:
        return self.at, self.message_id

    @property
    def is_report(self) -> bool:
        return self.kind in (COMPLETED, UPDATED)

    def value(self, workspace: str, **fields: Any) -> bytes:
        stamps = {
            "meaning": Meaning(family="ecommerce", event=self.kind),
            "commerce": self.commerce,
            "items": self.items,
        }
        return event(
            self.number,
            **{
                "workspace": workspace,
                "event": self.kind,
                "timestamp": self.at,
                "message_id": self.message_id,
                "source": self.source,
                "subject": self.subject,
                "user_id": self.user_id,
                **{name: plain(part) for name, part in stamps.items()},
                **fields,
            },
        )


def plain(part: Any) -> Any:
    """As the schema's own writer takes it: mappings, lists, and decimals as the bytes of their millionths."""
    if isinstance(part, msgspec.Struct):
        return {name: plain(getattr(part, name)) for name in part.__struct_fields__}
    if isinstance(part, Decimal):
        number = int(part * 1_000_000)
        return number.to_bytes((number.bit_length() + 8) // 8, "big", signed=True)
    return [plain(inner) for inner in part] if isinstance(part, tuple) else part


def orders(reports: Iterable[Report], base: str, rates: Rates) -> list[tuple[Any, ...]]:
    """The rows of ORDERS_SQL."""
    by_order: dict[tuple[str, str], list[Report]] = {}
    for report in set(reports):
        order_id = report.commerce.order_id
        if order_id or report.kind == COMPLETED:
            by_order.setdefault((order_id, "" if order_id else report.message_id), []).append(report)
    return [_order(key, found, base, rates) for key, found in sorted(by_order.items())]


def _order(key: tuple[str, str], events: list[Report], base: str, rates: Rates) -> tuple[Any, ...]:
    told = sorted((report for report in events if report.is_report), key=lambda report: report.place)
    refunds = [report for report in events if report.kind == REFUNDED]
    ordered_at = min(report.at for report in told or events)
    day = datetime.fromtimestamp(ordered_at / 1000, UTC).date()
    currency = _last([report.commerce.currency for report in told]) or base
    money = {
        name: _last([getattr(report.commerce, name) for report in told])
        for name in ("revenue", "total", "subtotal", "shipping", "tax", "value")
    }
    items = _last([report.items for report in told]) or ()
    amount = _amount(money, items)
    refunded, unconverted = _refunded(refunds, amount, currency, lambda code: rate_of(code, base, day, rates))
    is_cancelled = any(report.kind == CANCELLED for report in events)
    net = (
        None
        if amount is None
        else Decimal(0)
        if is_cancelled
        else None
        if refunded is None
        else amount - refunded
    )
    rate = rate_of(currency, base, day, rates)
    if rate is None and amount is not None:
        unconverted.add(currency)
    return (
        *key,
        max(events, key=lambda report: (report.is_report, report.user_id != "", report.place)).subject,
        ordered_at,
        max(report.at for report in events),
        _status(events, refunds, amount, refunded),
        bool(told),
        len(told),
        sorted({report.source for report in told}),
        _last([report.commerce.coupon for report in told]) or "",
        currency,
        money["revenue"],
        money["total"],
        money["shipping"],
        amount,
        refunded,
        net,
        rate,
        *(converted(value, rate) for value in (amount, refunded, net)),
        sorted(unconverted),
        [item.sku for item in items],
    )


def _last(values: list[Any]) -> Any:
    """The last that is there; None for none."""
    return next((value for value in reversed(values) if value is not None and value not in ("", ())), None)


def _amount(money: Mapping[str, Decimal | None], items: tuple[Item, ...]) -> Decimal | None:
    if money["total"] is not None:
        return money["total"]
    goods = money["subtotal"] if money["subtotal"] is not None else money["revenue"]
    if goods is not None:
        return goods + (money["shipping"] or 0) + (money["tax"] or 0)
    return money["value"] if money["value"] is not None else goods_of(items)


def goods_of(items: tuple[Item, ...]) -> Decimal | None:
    if not items or any(item.price is None for item in items):
        return None
    goods = Decimal(0)
    for item in items:
        assert item.price is not None
        quantity = Decimal(1) if item.quantity is None else item.quantity
        goods = _EXACT.add(goods, _EXACT.multiply(item.price, quantity))
    return goods.quantize(_MICRO, ROUND_HALF_EVEN, _EXACT) if abs(goods) < MONEY_MAX else None


def _refunded(
    refunds: list[Report], amount: Decimal | None, currency: str, rate: Callable[[str], Decimal | None]
) -> tuple[Decimal | None, set[str]]:
    """How much, and the currencies that no rate converts."""
    said: dict[str, Decimal] = {}
    missing: set[str] = set()
    for code, value in _united(refunds):
        said[code] = said.get(code, Decimal(0)) + value
    total = Decimal(0)
    for code, value in said.items():
        own, theirs = rate(currency), rate(code or currency)
        if (code or currency) == currency:
            total += value
        elif own is None or theirs is None:
            missing.add(code)
        else:
            exact = _EXACT.divide(_EXACT.multiply(value, theirs), own).quantize(_DIVIDED, ROUND_DOWN, _EXACT)
            total += exact.quantize(_MICRO, ROUND_HALF_EVEN, _EXACT)
    if amount is None:
        return None, missing
    if amount <= 0 or not refunds:
        return Decimal(0), missing
    if any(refund_amount(report) is None for report in refunds):
        return amount, missing
    return (None if missing else min(amount, total)), missing


def refund_amount(report: Report) -> Decimal | None:
    said = report.commerce
    for value in (said.total, said.revenue, said.subtotal, said.value, goods_of(report.items)):
        if value is not None:
            return abs(value)
    return None


def _united(refunds: list[Report]) -> list[tuple[str, Decimal]]:
    """Of each amount as many as the source has that has most."""
    times: dict[tuple[str, Decimal], dict[str, int]] = {}
    for report in refunds:
        key = report.commerce.currency, refund_amount(report) or Decimal(0)
        by_source = times.setdefault(key, {})
        by_source[report.source] = by_source.get(report.source, 0) + 1
    return [(code, value * max(by_source.values())) for (code, value), by_source in times.items()]


def _status(
    events: list[Report], refunds: list[Report], amount: Decimal | None, refunded: Decimal | None
) -> str:
    kinds = {report.kind for report in events}
    if CANCELLED in kinds:
        return "cancelled"
    if refunds:
        return "refunded" if amount is None or refunded == amount else "partly refunded"
    return "updated" if UPDATED in kinds else "completed"


def rate_of(currency: str, base: str, day: date, rates: Rates) -> Decimal | None:
    if currency == base:
        return Decimal(1)
    known = [rate for since, rate in sorted(rates.get(currency, [])) if since <= day]
    return known[-1] if known else None


def converted(value: Decimal | None, rate: Decimal | None) -> Decimal | None:
    if value is None or rate is None:
        return None
    return _EXACT.multiply(value, rate).quantize(_MICRO, ROUND_HALF_EVEN, _EXACT)
