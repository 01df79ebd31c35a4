"""The SELECT behind `stitchline extract`: which columns, in types that every reader of Parquet and Arrow knows. Pure.

ClickHouse writes most types as what they are: decimals, times with their zone, tuples as structs, arrays as lists. Deliberately
absent: an order of rows, which would cost sorting all of them.
"""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
PRECISION_MAX = 38  # digits of a decimal that others read

_STATEMENT = re.compile(r"\s*(SELECT|WITH|FROM|\()", re.IGNORECASE)
_WRAPPED = re.compile(r"(?:Nullable|LowCardinality)\((.*)\)", re.DOTALL)
_AS_TEXT = re.compile(r"(JSON|Enum8|Enum16|UUID|IPv4|IPv6)\b")
_WITHIN = re.compile(r"\b(JSON|Dynamic|Variant|Object)\b")
_SECONDS = re.compile(r"DateTime(?:\((.*)\))?")
_DECIMAL = re.compile(r"Decimal\((\d+)")
_TIME = re.compile(r"Date(Time|32|Time64)?\b")

ALIAS = "_rows"  # unlike any column: `source` is one

MEMBERS = (
    "(SELECT {part} FROM segment_members"
    " WHERE workspace = {{workspace:String}} AND segment = {{segment:String}} AND left_at IS NULL)"
)


class CannotExtract(Exception):
    """What was asked for cannot be taken out; the text says why and what would do."""


class Column(msgspec.Struct, frozen=True):
    name: str
    type: str


class Source(msgspec.Struct, frozen=True):
    """What stands behind FROM, and its columns."""

    text: str
    columns: tuple[Column, ...]

    def type_of(self, name: str) -> str | None:
        return next((column.type for column in self.columns if column.name == name), None)


class Cut(msgspec.Struct, frozen=True, kw_only=True):
    """Which rows: by a column of time from `since` (inclusive) to `until` (exclusive), by a segment of a workspace."""

    time: str = ""
    since: datetime | None = None
    until: datetime | None = None
    segment: str = ""
    workspace: str = "main"


def source_text(what: str, *, final: bool) -> str:
    """A table's name or a SELECT as what stands behind FROM. Raises CannotExtract."""
    if PLAIN_NAME.fullmatch(what):
        return f"(SELECT * FROM `{what}`{' FINAL' if final else ''})"  # noqa: S608 - the name has letters and digits
    if _STATEMENT.match(what):
        return f"({what.strip().rstrip(';')}\n)"
    raise CannotExtract(
        f"{what!r} is neither a table's name nor a query, which begins with SELECT, WITH or FROM; "
        "a view with arguments needs one too"
    )


def selection(columns: Sequence[Column]) -> str:
    """The columns as they are written, each under its own name."""
    return ", ".join(f"{_expression(column)} AS {quoted_name(column.name)}" for column in columns)


def quoted_name(name: str) -> str:
    return "`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`"


def _expression(column: Column) -> str:
    name, kind = f"{ALIAS}.{quoted_name(column.name)}", _bare(column.type)
    seconds = _SECONDS.fullmatch(kind)
    decimal = _DECIMAL.match(kind)
    if kind.startswith("AggregateFunction("):
        return f"finalizeAggregation({name})"
    if _AS_TEXT.match(kind) or (decimal and int(decimal[1]) > PRECISION_MAX):
        return f"toString({name})"
    if _WITHIN.search(kind):
        return f"toJSONString({name})"
    if seconds:  # Arrow has no time of seconds in ClickHouse's hands, but a number
        return f"toDateTime64({', '.join([name, '0', *([seconds[1]] if seconds[1] else [])])})"
    return name


def _bare(kind: str) -> str:
    while wrapped := _WRAPPED.fullmatch(kind):
        kind = wrapped[1]
    return kind


def condition(source: Source, cut: Cut) -> str:
    """What follows WHERE; empty for all rows. Raises CannotExtract."""
    parts = []
    if cut.since or cut.until:
        bound = (
            "toDate32({{{name}:DateTime64(3, 'UTC')}})"
            if _is_day(source, cut.time)
            else "{{{name}:DateTime64(3, 'UTC')}}"
        )
        column = f"{ALIAS}.{quoted_name(cut.time)}"
        parts += [f"{column} >= {bound.format(name='since')}"] if cut.since else []
        parts += [f"{column} < {bound.format(name='until')}"] if cut.until else []
    if cut.segment:
        parts.append(_of_members(source))
    return " AND ".join(parts)


def _of_members(source: Source) -> str:
    for part in ("profile", "profile_id"):
        if source.type_of(part):
            return f"{ALIAS}.{part} IN {MEMBERS.format(part=part)}"
    raise CannotExtract(
        "--segment needs a column `profile` or `profile_id`, and there is none: try events_resolved"
    )


def check_time(source: Source, name: str) -> None:
    """Raises CannotExtract."""
    kind = source.type_of(name) if name else None
    if kind is not None and _TIME.match(_bare(kind)):
        return
    times = ", ".join(column.name for column in source.columns if _TIME.match(_bare(column.type)))
    asked = f"{name!r} is no column of time" if name else "nothing says which column is the time"
    raise CannotExtract(f"{asked}: say --time with one of: {times or '(there is none)'}")


def _is_day(source: Source, name: str) -> bool:
    return _bare(source.type_of(name) or "") in ("Date", "Date32")


def rows_sql(source: Source, cut: Cut) -> str:
    return _with_condition(f"SELECT {selection(source.columns)} FROM {source.text} AS {ALIAS}", source, cut)  # noqa: S608 - names are quoted


def days_sql(source: Source, cut: Cut) -> str:
    """The days (UTC) that have rows."""
    day = f"toString(toDate32({ALIAS}.{quoted_name(cut.time)}))"
    asked = _with_condition(f"SELECT DISTINCT {day} AS day FROM {source.text} AS {ALIAS}", source, cut)  # noqa: S608 - names are quoted
    return f"{asked} ORDER BY day"


def _with_condition(asked: str, source: Source, cut: Cut) -> str:
    where = condition(source, cut)
    return f"{asked} WHERE {where}" if where else asked


def parameters(cut: Cut) -> dict[str, str]:
    given = {"workspace": cut.workspace, "segment": cut.segment} if cut.segment else {}
    bounds = {"since": cut.since, "until": cut.until}
    return given | {name: _written(moment) for name, moment in bounds.items() if moment}


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S.") + f"{moment.microsecond // 1000:03}"


def moment(text: str, option: str) -> datetime | None:
    """A day or a time in the form of ISO 8601, UTC without a zone. Raises CannotExtract."""
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):  # beyond the years 1 and 9999, when it is in UTC
        raise CannotExtract(
            f"{option} {text}: expected a day or a time such as 2026-01-31 or 2026-01-31T12:00Z"
        ) from None


def of_day(day: date, cut: Cut) -> Cut:
    """The part of the cut that lies in this day (UTC)."""
    begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
    ends = begins + timedelta(days=1)
    since = max(cut.since or begins, begins)
    return msgspec.structs.replace(cut, since=since, until=min(cut.until or ends, ends))


def columns_of(rows: Sequence[Sequence[str]]) -> tuple[Column, ...]:
    """As DESCRIBE tells them."""
    return tuple(Column(row[0], " ".join(row[1].split())) for row in rows)
