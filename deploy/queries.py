"""The ready queries: one .sql file each in deploy/queries, for ClickHouse's HTTP port, for `stitchline query` and for the
demonstration, which checks what they say. Plain ClickHouse SQL; a file begins with a comment that says what it tells.
"""

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from deploy.profile import NoAnswer
from runtime.settings import ClickHouseSettings
from sinks.clickhouse import connect

FOLDER = Path(__file__).parent / "queries"

TABLE = {"output_format_pretty_fallback_to_vertical": 0}

_PARAMETER = re.compile(r"\{(\w+):\w+\}")


class UnknownQuery(Exception):
    """No file of that name, or a parameter is missing; the text says which there are."""


class Query(msgspec.Struct, frozen=True):
    name: str
    text: str

    @property
    def meaning(self) -> str:
        """The first comment, as one line."""
        return " ".join(line[3:] for line in self.text.splitlines() if line.startswith("-- "))

    @property
    def sql(self) -> str:
        """Without comments."""
        return "\n".join(line for line in self.text.splitlines() if not line.startswith("--"))

    @property
    def parameters(self) -> list[str]:
        return sorted(set(_PARAMETER.findall(self.sql)))


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def ready(name: str) -> Query:
    """Raises UnknownQuery."""
    if name not in names():
        raise UnknownQuery(f"no ready query {name!r}; there are: {', '.join(names())}")
    return Query(name, (FOLDER / f"{name}.sql").read_text())


def ask(settings: ClickHouseSettings, name: str, given: Mapping[str, str]) -> str:
    """The answer as a table for people. Raises UnknownQuery or NoAnswer."""
    query = ready(name)
    if missing := [parameter for parameter in query.parameters if parameter not in given]:
        raise UnknownQuery(f"{name} asks for {missing[0]!r}: stitchline query {name} --{missing[0]} VALUE")
    try:
        client = connect(settings)
        answer = client.raw_query(
            query.sql, parameters=dict(given), settings=TABLE, fmt="PrettyCompactMonoBlock"
        )
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error
    return answer.decode()
