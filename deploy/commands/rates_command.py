"""The command `stitchline rates`: a file in, checked by rates.py; rows and a dictionary loaded anew out."""

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from deploy.files.rates import Rate
    from runtime.environment.settings import ClickHouseSettings

TABLE, DICTIONARY = "exchange_rates", "exchange_rate"


def rates(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, help="CSV with the columns date, currency, rate: docs/commerce.md"
        ),
    ],
) -> None:
    """Load exchange rates into the base currency; a rate that is loaded again replaces the one before it."""
    from runtime.environment.settings import ClickHouseSettings, load

    settings = load(ClickHouseSettings, os.environ)
    found = read_file(file, settings.base_currency)
    load_rates(settings, found)
    days = [rate.day for rate in found]
    currencies = len({rate.currency for rate in found})
    typer.echo(
        f"{len(found)} rates of {currencies} currencies into {settings.base_currency}, {min(days)} to {max(days)}"
    )


def read_file(file: Path, base: str) -> "list[Rate]":
    """Raises BadRates."""
    from deploy.files.csv_file import delimiter_of, opened
    from deploy.files.rates import BadRates, read_rates

    try:
        with opened(file) as lines:
            delimiter = delimiter_of(lines.readline())
            lines.seek(0)
            return read_rates(csv.reader(lines, delimiter=delimiter, strict=True), base)
    except csv.Error as error:
        raise BadRates(f"{file} is no CSV: {error}") from error


def load_rates(settings: "ClickHouseSettings", found: "list[Rate]") -> None:
    """Raises BadRates, SinkError."""
    from clickhouse_connect.driver.exceptions import ClickHouseError
    from urllib3.exceptions import HTTPError

    from deploy.files.rates import BadRates
    from sinks.storing.clickhouse import connect, translate

    try:
        client = connect(settings)
        base = client.command("SELECT currency FROM base_currency")
        if base != settings.base_currency:
            raise BadRates(
                f"the tables convert into {base}, STITCHLINE_BASE_CURRENCY is {settings.base_currency}: "
                "run `stitchline migrate` first if that is meant"
            )
        rows = [(rate.day, settings.base_currency, rate.currency, rate.rate) for rate in found]
        client.insert(TABLE, rows, column_names=["date", "base", "currency", "rate"])
        client.command(f"SYSTEM RELOAD DICTIONARY {settings.database}.{DICTIONARY}")
        client.close()
    except (ClickHouseError, HTTPError, OSError) as error:
        raise translate(error) from error
