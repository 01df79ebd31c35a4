"""Amounts, quantities and currencies as clients send them, read into what is kept: decimals of six places, ISO 4217 codes.

The rule for amounts:
- A JSON number is taken with the fifteen digits that a double holds for certain where more would only be its noise
  (59.970000000000006), else with all of its digits.
- A text is taken when it is a number with a point (" 12.50 ", "1e3"), or when its marks can be read one way only: "1,299.00",
  "1.299,00", "1,299,000", "12,5". "1,299" could be two amounts; with a sign or a code of a currency a text is no number at all.
- What has more than six decimal places is rounded half to even, and said to be. `MONEY_MAX` and more, of either sign, is out of
  range.

Every reader gives what it read, None for nothing, and what is wrong with it in words, "" for nothing: never the value, which may
be anybody's. null and empty texts are nothing, and nothing is wrong with them.
"""

import re
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from functools import lru_cache

from schemas.values.currencies import MINOR_DIGITS, NO_CURRENCY, is_code
from schemas.wire.stamps import MONEY_MAX, MONEY_PRECISION, MONEY_SCALE

AMOUNT_CHARS_MAX = 40  # a longer text is no number of anybody's
AMOUNTS_REMEMBERED_MAX = 8_192  # a shop has few prices, sent again and again
CURRENCIES_REMEMBERED_MAX = 512

NO_AMOUNT = "left out, no amount"
TWO_READINGS = "left out, text that can be read as two amounts"
OUT_OF_RANGE = "left out, out of range"
ROUNDED = f"rounded to {MONEY_SCALE} decimal places"
NEGATIVE = "left out, negative"
UNKNOWN_CODE = "no currency of ISO 4217"
NO_CODE = f"no code of a currency, stored as {NO_CURRENCY}"

Amount = tuple[Decimal | None, str]

_NOTHING: Amount = (None, "")
_PLACES = Decimal(1).scaleb(-MONEY_SCALE)
# Products of two amounts have twice the digits, and sums of many some more.
EXACT = Context(prec=4 * MONEY_PRECISION, rounding=ROUND_HALF_EVEN)
_FLOAT_DIGITS = 15
_MAX = int(MONEY_MAX)

_POINT_LAST = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3})+\.[0-9]+")
_COMMA_LAST = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3})+,[0-9]+")
_COMMAS = re.compile(r"[+-]?[0-9]{1,3}(,[0-9]{3}){2,}")
_POINTS = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{3}){2,}")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,([0-9]{1,2}|[0-9]{4,})")
_ONE_COMMA = re.compile(r"[+-]?[0-9]{1,3},[0-9]{3}")


def amount(value: object) -> Amount:
    """Of either sign."""
    if type(value) is float:
        return _remembered(value)
    if type(value) is int:
        return _remembered(value) if -_MAX < value < _MAX else (None, OUT_OF_RANGE)
    if type(value) is str:
        return _remembered(value) if len(value) <= AMOUNT_CHARS_MAX else (None, NO_AMOUNT)
    return _NOTHING if value is None else (None, NO_AMOUNT)


def quantity(value: object) -> Amount:
    """Never negative; half a metre is one."""
    found = amount(value)
    return (None, NEGATIVE) if found[0] is not None and found[0] < 0 else found


@lru_cache(AMOUNTS_REMEMBERED_MAX)
def _remembered(value: float | str) -> Amount:
    if isinstance(value, str):
        return _of_text(value.strip())
    if not -_MAX < value < _MAX:  # not a number is none of these either
        return None, OUT_OF_RANGE
    exact = Decimal(repr(value))
    kept, said = _scaled(exact)
    if said and isinstance(value, float):
        without_noise, said_of_that = _scaled(Decimal(f"{value:.{_FLOAT_DIGITS}g}"))
        return (kept, said) if said_of_that else (without_noise, "")
    return kept, said


def _of_text(text: str) -> Amount:
    if not text:
        return _NOTHING
    if (plain := _plain(text)) is not None:
        return _scaled(plain) if plain.is_finite() else (None, NO_AMOUNT)
    if _POINT_LAST.fullmatch(text) or _COMMAS.fullmatch(text):
        return _scaled(Decimal(text.replace(",", "")))
    if _POINTS.fullmatch(text):
        return _scaled(Decimal(text.replace(".", "")))
    if _COMMA_LAST.fullmatch(text) or _DECIMAL_COMMA.fullmatch(text):
        return _scaled(Decimal(text.replace(".", "").replace(",", ".")))
    return None, TWO_READINGS if _ONE_COMMA.fullmatch(text) else NO_AMOUNT


def _plain(text: str) -> Decimal | None:
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _scaled(exact: Decimal) -> Amount:
    if not -MONEY_MAX < exact < MONEY_MAX:
        return None, OUT_OF_RANGE
    kept = exact.quantize(_PLACES, context=EXACT)
    if not -MONEY_MAX < kept < MONEY_MAX:
        return None, OUT_OF_RANGE
    return kept, "" if kept == exact else ROUNDED


def currency(value: object) -> tuple[str, str]:
    """A code in capitals, "" for nothing. A code that ISO 4217 does not have is kept, since a rate for it may be loaded."""
    if value is None:
        return "", ""
    return (
        _currency(value)
        if isinstance(value, str) and len(value) <= AMOUNT_CHARS_MAX
        else (NO_CURRENCY, NO_CODE)
    )


@lru_cache(CURRENCIES_REMEMBERED_MAX)
def _currency(value: str) -> tuple[str, str]:
    code = value.strip().upper()
    if not code or code in MINOR_DIGITS:
        return code, ""
    return (code, UNKNOWN_CODE) if is_code(code) else (NO_CURRENCY, NO_CODE)
