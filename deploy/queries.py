"""The ready queries: one .sql file each in deploy/queries, for ClickHouse's HTTP port, for `stitchline query` and for the
demonstration, which checks what they say. Plain ClickHouse SQL; a file begins with a comment that says what it tells, and one
line for each parameter, with its default in brackets: `-- since (today - 30): the first day`.

Deliberately absent: defaults in SQL. Over HTTP every parameter is given (`param_since=2026-05-01`), as ClickHouse wants it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from clickhouse_connect.driver.exceptions import ClickHouseError
from urllib3.exceptions import HTTPError

from runtime.clickhouse import NoAnswer, connect
from runtime.environment.settings import ClickHouseSettings

FOLDER = Path(__file__).parent / "queries"

TABLE = {"output_format_pretty_fallback_to_vertical": 0}
LIST = "Array(String)"

_PLACE = re.compile(r"\{(\w+):([\w()]+)\}")
_PARAMETER = re.compile(r"^-- (\w+)(?: \(([^)]+)\))?: (.+)$")
_DAY = re.compile(r"today(?: ([+-]) (\d+))?")


class UnknownQuery(Exception):
    """No file of that name, or a parameter is missing or unknown; the text says which there are."""


class Parameter(msgspec.Struct, frozen=True):
    """`default` None: it must be given."""

    name: str
    kind: str
    default: str | None
    meaning: str


class Query(msgspec.Struct, frozen=True):
    name: str
    text: str

    @property
    def meaning(self) -> str:
        """The first comment, as one line, without the parameters."""
        said = [line for line in self.text.splitlines() if line.startswith("-- ")]
        return " ".join(line[3:] for line in said if not _PARAMETER.match(line))

    @property
    def sql(self) -> str:
        """Without comments."""
        return "\n".join(line for line in self.text.splitlines() if not line.startswith("--"))

    @property
    def places(self) -> dict[str, str]:
        """The types of the values that the SQL has places for, by name."""
        return dict(_PLACE.findall(self.sql))

    @property
    def parameters(self) -> list[Parameter]:
        """In the order in which the file tells them."""
        kinds = self.places
        told = [match for line in self.text.splitlines() if (match := _PARAMETER.match(line))]
        return [
            Parameter(match[1], kinds[match[1]], match[2], match[3]) for match in told if match[1] in kinds
        ]

    def filled(self, given: Mapping[str, str], now: datetime) -> dict[str, str | list[str]]:
        """Every parameter's value, defaults as of `now`. Raises UnknownQuery."""
        known = {parameter.name: parameter for parameter in self.parameters}
        if unknown := [name for name in given if name not in known]:
            raise UnknownQuery(
                f"{self.name} has no parameter {unknown[0]!r}; it has: {', '.join(known) or 'none'}"
            )
        if missing := [name for name, each in known.items() if each.default is None and name not in given]:
            raise UnknownQuery(
                f"{self.name} asks for {missing[0]!r}: stitchline query {self.name} --{missing[0]} VALUE"
            )
        texts = {name: given.get(name, each.default or "") for name, each in known.items()}
        today = _today(texts.get("zone", "UTC"), now)
        return {
            name: _listed(text) if known[name].kind == LIST else _dated(text, today)
            for name, text in texts.items()
        }


def names() -> list[str]:
    return sorted(path.stem for path in FOLDER.glob("*.sql"))


def ready(name: str) -> Query:
    """Raises UnknownQuery."""
    if name not in names():
        raise UnknownQuery(f"no ready query {name!r}; there are: {', '.join(names())}")
    return Query(name, (FOLDER / f"{name}.sql").read_text())


def given(arguments: Sequence[str]) -> dict[str, str]:
    """Options as they are typed: `--since 2026-05-01` or `--since=2026-05-01`. Raises UnknownQuery."""
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if not name.startswith("--") or not (equals or rest):
            raise UnknownQuery(f"{name}: parameters are given as --name VALUE")
        found[name[2:].replace("-", "_")] = value if equals else rest.pop(0)
    return found


def described(query: Query) -> list[str]:
    """What it tells and the parameters that it takes, for people."""
    lines = [
        f"  --{each.name:<10} {each.meaning}" + (f" ({each.default})" if each.default else "")
        for each in query.parameters
    ]
    return [query.meaning, *lines]


def ask(settings: ClickHouseSettings, name: str, said: Mapping[str, str], now: datetime) -> str:
    """The answer as a table for people. Raises UnknownQuery or NoAnswer."""
    query = ready(name)
    parameters = query.filled(said, now)
    try:
        client = connect(settings)
        answer = client.raw_query(
            query.sql, parameters=parameters, settings=TABLE, fmt="PrettyCompactMonoBlock"
        )
    except (ClickHouseError, HTTPError, OSError) as error:
        raise NoAnswer(
            f"ClickHouse does not answer (see CLICKHOUSE_URL, STITCHLINE_DATABASE): {error}"
        ) from error
    return answer.decode()


def _today(zone: str, now: datetime) -> date:
    try:
        return now.astimezone(ZoneInfo(zone)).date()
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise UnknownQuery(f"no time zone {zone!r}; a name such as Europe/Berlin is meant") from error


def _dated(text: str, today: date) -> str:
    """`today - 30` as a date, anything else as it is."""
    match = _DAY.fullmatch(text)
    if match is None:
        return text
    days = int(match[2] or 0)
    return (today + timedelta(days=-days if match[1] == "-" else days)).isoformat()


def _listed(text: str) -> list[str]:
    """Names with commas between them; one with a comma in it cannot be told here, but over HTTP."""
    return [part.strip() for part in text.split(",") if part.strip()]
