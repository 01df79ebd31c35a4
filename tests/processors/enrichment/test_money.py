"""Amounts, quantities and currencies as clients send them."""

import math
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.money import (
    EXACT,
    NEGATIVE,
    NO_AMOUNT,
    NO_CODE,
    OUT_OF_RANGE,
    ROUNDED,
    TWO_READINGS,
    UNKNOWN_CODE,
    amount,
    currency,
    quantity,
)
from processors.enrichment.sums import items_sum
from schemas.values.currencies import MINOR_DIGITS
from schemas.wire.stamps import MONEY_MAX, MONEY_SCALE, Item

# What was sent, what is kept, what is said.
AMOUNTS: list[tuple[Any, str | None, str]] = [
    (18.99, "18.99", ""),
    (19, "19", ""),
    (0, "0", ""),
    (-5.5, "-5.5", ""),
    (0.1 + 0.2, "0.3", ""),  # the noise of doubles
    (3 * 19.99, "59.97", ""),
    (1e11 + 0.1, "100000000000.1", ""),
    (999_999_999_999.9, "999999999999.9", ""),
    (1.2345678, "1.234568", ROUNDED),
    (0.0000005, "0", ROUNDED),  # half to even
    (0.0000015, "0.000002", ROUNDED),
    (1e-300, "0", ROUNDED),
    (1e12, None, OUT_OF_RANGE),
    (-(10**12), None, OUT_OF_RANGE),
    (10**4000, None, OUT_OF_RANGE),
    (1e300, None, OUT_OF_RANGE),
    (math.inf, None, OUT_OF_RANGE),
    (math.nan, None, OUT_OF_RANGE),
    ("999999999999.9999999", None, OUT_OF_RANGE),  # only when it is rounded
    (None, None, ""),
    ("", None, ""),
    ("  ", None, ""),
    ("18.99", "18.99", ""),
    (" +12.50 ", "12.5", ""),
    (".5", "0.5", ""),
    ("1e3", "1000", ""),
    ("123456789012.123456", "123456789012.123456", ""),  # more than a double holds
    ("1,299.00", "1299", ""),
    ("1.299,00", "1299", ""),
    ("-12,345,678.9", "-12345678.9", ""),
    ("1,299,000", "1299000", ""),
    ("1.299.000", "1299000", ""),
    ("12,5", "12.5", ""),
    ("12,50", "12.5", ""),
    ("1299,0001", "1299.0001", ""),
    ("1.299", "1.299", ""),  # a number with a point is one
    ("1,299", None, TWO_READINGS),
    ("12,50 €", None, NO_AMOUNT),
    ("$19.99", None, NO_AMOUNT),
    ("EUR 5", None, NO_AMOUNT),
    ("1 299,00", None, NO_AMOUNT),
    ("1,29.00", None, NO_AMOUNT),
    ("12,34,567.00", None, NO_AMOUNT),
    ("free", None, NO_AMOUNT),
    ("NaN", None, NO_AMOUNT),
    ("-Infinity", None, NO_AMOUNT),
    ("1e400", None, OUT_OF_RANGE),
    ("1e-400", "0", ROUNDED),
    ("1e99999999999999999999", None, NO_AMOUNT),
    ("9" * 41, None, NO_AMOUNT),
    ("1" * 40, None, OUT_OF_RANGE),
    (True, None, NO_AMOUNT),
    ([1], None, NO_AMOUNT),
    ({"amount": 1}, None, NO_AMOUNT),
]
CURRENCIES = [
    ("EUR", "EUR", ""),
    (" usd ", "USD", ""),
    ("HRK", "HRK", ""),  # no longer money, but it was
    ("BTC", "BTC", UNKNOWN_CODE),
    ("Euro", "XXX", NO_CODE),
    ("€", "XXX", NO_CODE),
    ("\u0415UR", "XXX", NO_CODE),  # a Cyrillic letter
    ("", "", ""),
    (None, "", ""),
    (978, "XXX", NO_CODE),
    ("E" * 50, "XXX", NO_CODE),
]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=12)
    | st.text("0123456789.,-+eE _", max_size=12),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=3,
)
KEPT = st.decimals(-MONEY_MAX, MONEY_MAX, places=MONEY_SCALE, allow_nan=False, allow_infinity=False).filter(
    lambda value: abs(value) < MONEY_MAX
)


@pytest.mark.parametrize(("sent", "kept", "said"), AMOUNTS, ids=lambda value: repr(value)[:24])
def test_an_amount_is_read_by_the_rule(sent: Any, kept: str | None, said: str) -> None:
    assert amount(sent) == (None if kept is None else Decimal(kept), said)


@pytest.mark.parametrize(("sent", "kept", "said"), CURRENCIES, ids=lambda value: repr(value)[:12])
def test_a_currency_is_a_code_in_capitals(sent: Any, kept: str, said: str) -> None:
    assert currency(sent) == (kept, said)


def test_a_quantity_may_be_a_part_but_never_negative() -> None:
    assert quantity(0.5) == (Decimal("0.5"), "")
    assert quantity("2") == (Decimal(2), "")
    assert quantity(-1) == (None, NEGATIVE)
    assert quantity(-1e-9) == (Decimal(0), ROUNDED)


def test_every_code_has_three_capital_letters_and_some_digits() -> None:
    assert len(MINOR_DIGITS) > 200
    assert all(len(code) == 3 and code.isalpha() and code.isupper() for code in MINOR_DIGITS)
    assert (MINOR_DIGITS["EUR"], MINOR_DIGITS["JPY"], MINOR_DIGITS["KWD"], MINOR_DIGITS["CLF"]) == (
        2,
        0,
        3,
        4,
    )


@given(JSON)
@settings(max_examples=300, deadline=None)
def test_any_json_whatever_is_an_amount_or_is_named_or_is_nothing(value: Any) -> None:
    for read in (amount, quantity):
        kept, said = read(value)
        if kept is None:
            assert said or value is None or str(value).strip() == ""
        else:
            assert abs(kept) < MONEY_MAX
            assert kept == EXACT.quantize(kept, Decimal(1).scaleb(-MONEY_SCALE))
    code, said = currency(value)
    assert code == "" or len(code) == 3
    assert not said or code


@given(KEPT)
@settings(max_examples=200, deadline=None)
def test_an_amount_as_text_comes_back_digit_by_digit(value: Decimal) -> None:
    assert amount(str(value)) == (value, "")


@given(st.decimals(-1_000_000, 1_000_000, places=MONEY_SCALE, allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_an_amount_of_usual_size_comes_back_through_a_json_number(value: Decimal) -> None:
    sent = msgspec.json.decode(msgspec.json.encode(float(value)))
    assert amount(sent) == (value, "")


@given(st.decimals(-1_000_000, 1_000_000, places=12, allow_nan=False, allow_infinity=False))
@settings(max_examples=200, deadline=None)
def test_rounding_is_half_to_even_and_said(value: Decimal) -> None:
    expected = value.quantize(Decimal("0.000001"), rounding=ROUND_HALF_EVEN)
    assert amount(str(value)) == (expected, "" if expected == value else ROUNDED)


@given(st.lists(st.tuples(KEPT, st.none() | KEPT.map(abs)), max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_sum_of_items_is_exact(lines: list[tuple[Decimal, Decimal | None]]) -> None:
    items = [Item(price=price, quantity=number, currency="EUR") for price, number in lines]
    micro = 10**MONEY_SCALE
    expected = sum(
        int(price * micro) * (micro if number is None else int(number * micro)) for price, number in lines
    )
    assert items_sum(items, "EUR") == Decimal(expected).scaleb(-2 * MONEY_SCALE, EXACT)
