"""Whether the amounts of an order fit its items and each other, in the sense of the public spec.

    goods   `subtotal` and `revenue` are the sum of price * quantity, before or after `discount`
    total   is `subtotal` or `revenue` with `shipping` and `tax`, before or after `discount`; so is the `value` of a checkout

The spec leaves it to the shop how discounts count, and its own examples do it either way: an amount that fits one of the readings
fits. One smallest unit of the currency is no difference. An item without a quantity is one; without a price no sum is known.

Deliberately absent: any correction.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal

from processors.enrichment.money import EXACT
from schemas.values.currencies import DIGITS_USUAL, MINOR_DIGITS
from schemas.wire.stamps import Commerce, Item

_ONE = Decimal(1)
_NOUGHT = Decimal(0)


def items_sum(items: Iterable[Item], currency: str) -> Decimal | None:
    """What they cost, exactly; None when one has no price or another currency."""
    whole = _NOUGHT
    for item in items:
        if item.price is None or item.currency != currency:
            return None
        whole = EXACT.add(
            whole, item.price if item.quantity is None else EXACT.multiply(item.price, item.quantity)
        )
    return whole


def mismatches(commerce: Commerce, items: Iterable[Item]) -> Iterator[str]:
    """What does not fit, in words, as violations."""
    unit = _ONE.scaleb(-MINOR_DIGITS.get(commerce.currency, DIGITS_USUAL))
    discount = abs(commerce.discount or _NOUGHT)  # what is taken off is negative to some
    goods = items_sum(items, commerce.currency)
    if goods is not None:
        for name, found in (("subtotal", commerce.subtotal), ("revenue", commerce.revenue)):
            if found is not None and not _fits(found, goods, discount, unit):
                yield f"properties.{name}: does not fit the sum of the products"
    yield from _total_mismatches(commerce, discount, unit)


def _total_mismatches(commerce: Commerce, discount: Decimal, unit: Decimal) -> Iterator[str]:
    """Only where the event says what lies between the two: many shops leave shipping and tax out and have them in the total."""
    bases = [base for base in (commerce.subtotal, commerce.revenue) if base is not None]
    if not bases or (commerce.shipping is None and commerce.tax is None):
        return
    added = EXACT.add(commerce.shipping or _NOUGHT, commerce.tax or _NOUGHT)
    for name, found in (("total", commerce.total), ("value", commerce.value)):
        if found is not None and not any(
            _fits(found, EXACT.add(base, added), discount, unit) for base in bases
        ):
            yield f"properties.{name}: does not fit revenue, shipping, tax and discount"


def _fits(found: Decimal, expected: Decimal, discount: Decimal, unit: Decimal) -> bool:
    difference = EXACT.subtract(found, expected)
    return abs(difference) <= unit or abs(EXACT.add(difference, discount)) <= unit
