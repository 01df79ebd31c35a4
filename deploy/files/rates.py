"""A file of exchange rates, read and checked as a whole: CSV with the columns date, currency and rate. Pure.

`rate` is what one unit of the currency is worth in the base currency on that day, until the next day that has one. Nothing of a
file with a mistake is loaded; each problem names its line and says how to mend it.

Deliberately absent: fetching rates. Banks publish them, and a shop has its own.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import NamedTuple, Protocol

from schemas.values.currencies import is_code

RATE_SCALE = 12  # decimal places that are kept: exchange_rates in schemas/clickhouse/
RATE_MAX = Decimal(1_000_000)  # exclusive: with the largest amount it still fits
RATES_MAX = 1_000_000  # of one file
FIRST_YEAR, LAST_YEAR = 1970, 2148  # days that ClickHouse's Date has
COLUMNS = ("date", "currency", "rate")
PROBLEMS_TOLD_MAX = 20

_PLACES = Decimal(1).scaleb(-RATE_SCALE)
_EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN)


class BadRates(ValueError):
    """The file cannot be loaded; the text says which lines are wrong and what to do."""


class Rate(NamedTuple):
    day: date
    currency: str
    rate: Decimal


class Rows(Protocol):
    """A reader of CSV."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def read_rates(rows: Rows, base: str) -> list[Rate]:
    """Raises BadRates."""
    lines = ((rows.line_num, row) for row in rows)
    header = next(lines, (1, []))[1]
    columns = [name.strip().lower() for name in header]
    if sorted(columns) != sorted(COLUMNS):
        raise BadRates(
            f"line 1: expected the columns {', '.join(COLUMNS)}, found {', '.join(columns) or 'none'}: "
            "name them in the first line"
        )
    reading = _Reading(base, [columns.index(name) for name in COLUMNS])
    for line, row in lines:
        if any(field.strip() for field in row):
            reading.take(line, row)
    return reading.result()


class _Reading:
    """What has been read of one file, and what is wrong with it."""

    def __init__(self, base: str, places: Sequence[int]) -> None:
        self._base = base
        self._places = places
        self._rates: dict[tuple[date, str], tuple[Decimal, int]] = {}
        self._problems: list[str] = []
        self._problem_count = 0

    def take(self, line: int, row: Sequence[str]) -> None:
        if len(row) != len(COLUMNS):
            self._tell(line, f"{len(row)} fields, expected {len(COLUMNS)}: is one not quoted?")
            return
        day, currency, rate = (row[place].strip() for place in self._places)
        try:
            self._add(line, Rate(_day(day), _currency(currency), _rate(rate)))
        except BadRates as error:
            self._tell(line, str(error))

    def result(self) -> list[Rate]:
        if self._problem_count:
            more = self._problem_count - len(self._problems)
            told = "\n".join([*self._problems, *([f"and {more} more"] if more else [])])
            raise BadRates(f"nothing was loaded, mend these lines first:\n{told}")
        if not self._rates:
            raise BadRates("the file has no rates: one line for each day and currency")
        return [Rate(day, currency, rate) for (day, currency), (rate, _) in sorted(self._rates.items())]

    def _add(self, line: int, found: Rate) -> None:
        if found.currency == self._base and found.rate != 1:
            raise BadRates(f"the base currency {self._base} is 1 of itself: leave it out")
        known = self._rates.setdefault((found.day, found.currency), (found.rate, line))
        if known[0] != found.rate:
            raise BadRates(
                f"another rate for {found.currency} on {found.day} than in line {known[1]}: keep one of them"
            )
        if len(self._rates) > RATES_MAX:
            raise BadRates(f"more than {RATES_MAX} rates: load them in several files")

    def _tell(self, line: int, problem: str) -> None:
        self._problem_count += 1
        if len(self._problems) < PROBLEMS_TOLD_MAX:
            self._problems.append(f"line {line}: {problem}")


def _currency(text: str) -> str:
    """Also one that ISO 4217 does not have: a shop may take others."""
    if not is_code(code := text.upper()):
        raise BadRates("no code of a currency: three letters such as USD")
    return code


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise BadRates("no day: write it as 2026-01-31") from None
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise BadRates(f"a day out of range: {FIRST_YEAR} to {LAST_YEAR}")
    return day


def _rate(text: str) -> Decimal:
    try:
        rate = Decimal(text)
    except InvalidOperation:
        raise BadRates("no rate: a number with a point, such as 0.92") from None
    kept = (
        rate.quantize(_PLACES, context=_EXACT)
        if rate.is_finite() and rate.copy_abs() < RATE_MAX
        else RATE_MAX
    )
    if not 0 < kept < RATE_MAX:
        raise BadRates(
            f"a rate out of range: more than 0 and less than {RATE_MAX}, with {RATE_SCALE} decimal places"
        )
    return kept
