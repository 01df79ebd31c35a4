"""Files of exchange rates: what is taken, and how a mistake is told."""

import csv
import os
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from deploy.cli import app
from deploy.commands.rates_command import read_file
from deploy.files.csv_file import NotText
from deploy.files.rates import PROBLEMS_TOLD_MAX, BadRates, Rate, read_rates
from tests.sinks.stage import Tables


def read(text: str, base: str = "EUR") -> list[Rate]:
    return read_rates(csv.reader(text.splitlines()), base)


def test_rates_are_read_and_sorted_by_day() -> None:
    text = "Date, CURRENCY,rate\n2026-01-02,usd,0.92\n\n2026-01-01,JPY,0.0061\n2026-01-02,USD,0.92\n2026-01-01,EUR,1\n"
    assert read(text) == [
        Rate(date(2026, 1, 1), "EUR", Decimal(1)),
        Rate(date(2026, 1, 1), "JPY", Decimal("0.0061")),
        Rate(date(2026, 1, 2), "USD", Decimal("0.92")),
    ]


def test_columns_may_stand_in_any_order() -> None:
    assert read("rate,date,currency\n0.5,2026-01-01,USD") == [Rate(date(2026, 1, 1), "USD", Decimal("0.5"))]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("01.02.2026,USD,1", "no day: write it as 2026-01-31"),
        ("2026-02-30,USD,1", "no day"),
        ("1969-12-31,USD,1", "a day out of range: 1970 to 2148"),
        ("2026-01-01,Dollar,1", "no code of a currency: three letters such as USD"),
        ("2026-01-01,$,1", "no code of a currency"),
        ("2026-01-01,USD,", "no rate: a number with a point, such as 0.92"),
        ('2026-01-01,USD,"0,92"', "no rate: a number with a point"),
        ("2026-01-01,USD,NaN", "a rate out of range"),
        ("2026-01-01,USD,0", "a rate out of range: more than 0"),
        ("2026-01-01,USD,-1", "a rate out of range"),
        ("2026-01-01,USD,1e6", "a rate out of range: more than 0 and less than 1000000"),
        ("2026-01-01,USD,1e-13", "a rate out of range"),
        ("2026-01-01,USD,1e99999999999", "a rate out of range"),
        ("2026-01-01,USD,-1e99999999999", "a rate out of range"),
        ("2026-01-01,USD,1e-99999999999", "a rate out of range"),
        ("2026-01-01,USD,999999.9999999999999", "a rate out of range"),
        ("2026-01-01,EUR,0.9", "the base currency EUR is 1 of itself: leave it out"),
        ("2026-01-01,USD,0,92", "4 fields, expected 3: is one not quoted?"),
        ("2026-01-01,GBP,2", "another rate for GBP on 2026-01-01 than in line 2: keep one of them"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_how_to_mend_it(line: str, told: str) -> None:
    with pytest.raises(BadRates, match="nothing was loaded") as raised:
        read(f"date,currency,rate\n2026-01-01,GBP,1\n{line}\n2026-01-02,GBP,1.1\n")
    assert f"line 3: {told}" in str(raised.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "found none"),
        ("day,code,rate\n", "line 1: expected the columns date, currency, rate, found day, code, rate"),
        ("date,currency,rate\n", "no rates"),
    ],
)
def test_a_file_without_rates_is_told(text: str, told: str) -> None:
    with pytest.raises(BadRates, match=told):
        read(text)


def test_of_many_mistakes_some_are_told() -> None:
    with pytest.raises(BadRates, match="and 5 more") as raised:
        read("date,currency,rate\n" + "x,USD,1\n" * (PROBLEMS_TOLD_MAX + 5))
    assert str(raised.value).count("line ") == PROBLEMS_TOLD_MAX


FIELDS = st.text(max_size=6) | st.sampled_from(
    ["2026-01-01", "USD", "EUR", "0.9", "1", "1e99999999999", "sNaN"]
)


@given(st.lists(st.lists(FIELDS, max_size=4), max_size=6))
@settings(max_examples=200, deadline=None)
def test_any_table_whatever_is_read_or_told(table: list[list[str]]) -> None:
    class Lines:
        line_num = 1

        def __iter__(self) -> Iterator[list[str]]:
            return iter([["date", "currency", "rate"], *table])

    try:
        rates = read_rates(Lines(), "EUR")
    except BadRates:
        rates = [Rate(date(2026, 1, 1), "USD", Decimal(1))]  # told: all is well
    assert rates
    assert all(0 < rate.rate < 1_000_000 for rate in rates)


def test_a_spreadsheets_file_with_semicolons_is_read(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes("\ufeffdate;currency;rate\r\n2026-01-01;USD;0.92\r\n".encode())
    assert read_file(file, "EUR") == [Rate(date(2026, 1, 1), "USD", Decimal("0.92"))]


@pytest.mark.parametrize("content", [b"date,currency,rate\n\xff,USD,1\n", b'date,currency,rate\n"2026'])
def test_what_is_no_csv_is_told_with_its_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "rates.csv"
    file.write_bytes(content)
    with pytest.raises((BadRates, NotText), match=r"rates\.csv is no (CSV|text in UTF-8)"):
        read_file(file, "EUR")


def test_the_command_loads_a_file_as_often_as_one_likes(
    clickhouse: str, database: str, tmp_path: Path
) -> None:
    tables = Tables(clickhouse, database)
    file = tmp_path / "rates.csv"
    file.write_text("date,currency,rate\n2026-01-01,USD,0.92\n2026-01-03,USD,0.93\n")
    environ = {**os.environ, "CLICKHOUSE_URL": clickhouse, "STITCHLINE_DATABASE": database}
    for _ in range(2):
        ran = CliRunner().invoke(app, ["rates", str(file)], env=environ, catch_exceptions=False)
        assert ran.output == "2 rates of 1 currencies into EUR, 2026-01-01 to 2026-01-03\n"
    found = f"dictGetOrNull('{database}.exchange_rate', 'rate', ('EUR', 'USD'), toDate('2026-01-0"
    assert tables.row(f"SELECT {found}2')), {found}3')), {found}9'))") == (
        Decimal("0.92"),
        Decimal("0.93"),
        Decimal("0.93"),
    )
    wrong = CliRunner().invoke(app, ["rates", str(file)], env={**environ, "STITCHLINE_BASE_CURRENCY": "CHF"})
    assert isinstance(wrong.exception, BadRates)
    assert "run `stitchline migrate` first" in str(wrong.exception)
