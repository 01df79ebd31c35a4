"""Windows, days and dates as section by section of docs/segments.md says, by the standard library's zones.

Shares no code with what is tested.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from schemas.segments.segments import Calendar, Window

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:\.(\d{1,3})\d*)?)?(Z|[+-]\d\d:?\d\d)?)?"
)
_UNITS_MS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}
SECONDS_MIN, SECONDS_MAX = 1e8, 1e11

Bounds = tuple[int | None, int | None]  # from (inclusive), to (exclusive); None: no end


def length(text: str) -> int:
    return int(text[:-1]) * _UNITS_MS[text[-1]]


def day_of(at: int, zone: ZoneInfo) -> date:
    return (_EPOCH + at * _MS).astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo) -> int:
    """The first moment that has this date."""
    return (datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC) - _EPOCH) // _MS


def start_of_unit(day: date, unit: str) -> date:
    if unit == "week":
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if unit == "month" else day


def units_before(day: date, unit: str, count: int) -> date:
    if unit == "month":
        months = day.year * 12 + day.month - 1 - count
        return date(months // 12, months % 12 + 1, day.day)
    return day - timedelta(days=count * (7 if unit == "week" else 1))


def bounds(window: Window | None, at: int, zone: ZoneInfo) -> Bounds:
    """Of events no end means: before T. That is added by who asks about events."""
    if window is None:
        return None, None
    if window.last is not None:
        return at - length(window.last), at
    if window.ahead is not None:
        return at, at + length(window.ahead)
    if window.ago is not None:
        near, far = window.ago
        return at - length(far), at - length(near)
    if window.calendar is not None:
        return _calendar(window.calendar, at, zone)
    return tuple(None if end is None else moment(end, zone) for end in (window.from_, window.to))  # type: ignore[return-value]


def _calendar(calendar: Calendar, at: int, zone: ZoneInfo) -> Bounds:
    today = day_of(at, zone)
    if calendar.this is not None:
        return start_of_day(start_of_unit(today, calendar.this), zone), at
    assert calendar.unit is not None
    assert calendar.last is not None
    start = start_of_unit(today, calendar.unit)
    first = start_of_day(units_before(start, calendar.unit, calendar.last), zone)
    return first, start_of_day(start, zone) if calendar.full else at


def lies_in(value: int, ends: Bounds) -> bool:
    start, end = ends
    return (start is None or value >= start) and (end is None or value < end)


def moment(value: Any, zone: ZoneInfo) -> int | None:
    """The time in ms that a value states: ISO 8601 (without an offset: the zone's), or a number of seconds or ms."""
    if isinstance(value, str):
        return _iso(value, zone)
    if isinstance(value, bool) or value is None or isinstance(value, list | dict):
        return None
    if float(value) < SECONDS_MIN:
        return None
    return int(value * 1_000) if float(value) <= SECONDS_MAX else int(value)


def _iso(text: str, zone: ZoneInfo) -> int | None:
    found = _ISO.fullmatch(text)
    if not found:
        return None
    day, hour, minute, second, fraction, offset = found.groups()
    try:
        naive = datetime.fromisoformat(day)
    except ValueError:
        return None
    fraction_ms = int((fraction or "0").ljust(3, "0"))
    naive += timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=int(second or 0))
    stated = naive.replace(tzinfo=zone if offset is None else UTC).astimezone(UTC)
    return (stated - _EPOCH) // _MS + fraction_ms - _offset_ms(offset)


def _offset_ms(offset: str | None) -> int:
    if offset is None or offset == "Z":
        return 0
    digits = offset[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:])
    return (-minutes if offset[0] == "-" else minutes) * 60_000


def is_anniversary_ahead(value: int, at: int, ahead: str, zone: ZoneInfo) -> bool:
    """Is the next day with that month and day in [today, today + ahead)? The 29th of February is the 28th in other years."""
    born, today = day_of(value, zone), day_of(at, zone)
    days = -(-length(ahead) // _UNITS_MS["d"])
    return any(
        _in_year(born, year) in _days(today, days) for year in range(today.year, today.year + 2 + days // 365)
    )


def _days(first: date, count: int) -> set[date]:
    return {first + timedelta(days=number) for number in range(count)}


def _in_year(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)
