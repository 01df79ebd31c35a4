"""Windows as moments: from (inclusive) to (exclusive) in milliseconds since 1970, for one instant T. None is no bound.

Rolling windows are exact: a day is 24 hours. Calendar windows are days, weeks (Monday first) and months of a zone, so a day
may have 23 or 25 hours. Pure arithmetic; the zones are the pinned ones (schemas/values/zones.py).
"""

from datetime import UTC, date, datetime, timedelta

import msgspec

from schemas.segments.segment_times import instant_ms
from schemas.segments.segments import Calendar, Window, duration_ms
from schemas.values.zones import zone as zone_of

DAY_MS = 86_400_000
FIRST_MS = -2_208_988_800_000  # 1900: the engine's first moment
LAST_MS = 10_413_705_600_000  # 2299-12-31
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MONTHS_A_YEAR = 12


class Bounds(msgspec.Struct, frozen=True):
    since: int | None = None
    until: int | None = None


def bounds(window: Window | None, at_ms: int, zone: str) -> Bounds:
    """`until` only where it is not T itself."""
    if window is None:
        return Bounds()
    if window.last is not None:
        return Bounds(_clamped(at_ms - duration_ms(window.last)))
    if window.ago is not None:
        near, far = map(duration_ms, window.ago)
        return Bounds(_clamped(at_ms - far), _clamped(at_ms - near))
    if window.calendar is not None:
        return _calendar(window.calendar, at_ms, zone)
    if window.ahead is not None:
        return Bounds(at_ms, _clamped(at_ms + duration_ms(window.ahead)))
    return Bounds(_stated(window.from_, zone), _stated(window.to, zone))


def dates(window: Window, at_ms: int, zone: str) -> Bounds:
    """Of a window that dates lie in, which may be beyond T: what ends at T says so."""
    found = bounds(window, at_ms, zone)
    ends_now = window.last is not None or window.calendar is not None
    return msgspec.structs.replace(found, until=at_ms) if ends_now and found.until is None else found


def moment_text(ms: int) -> str:
    """As ClickHouse reads and writes it, in UTC."""
    return moment_of(ms).strftime("%Y-%m-%d %H:%M:%S.") + f"{ms % 1000:03}"


def milliseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(milliseconds=1)


def local_date(at_ms: int, zone: str) -> date:
    return moment_of(at_ms).astimezone(zone_of(zone)).date()


def moment_of(at_ms: int) -> datetime:
    return EPOCH + timedelta(milliseconds=at_ms)


def start_of_day(day: date, zone: str) -> int:
    return milliseconds(datetime(day.year, day.month, day.day, tzinfo=zone_of(zone)))


def unit_start(day: date, unit: str, back: int = 0) -> date:
    """The first day of the day's unit, or of the one so many units before it."""
    if unit == "day":
        return day - timedelta(days=back)
    if unit == "week":
        return day - timedelta(days=day.weekday() + 7 * back)
    months = day.year * MONTHS_A_YEAR + day.month - 1 - back
    return date(months // MONTHS_A_YEAR, months % MONTHS_A_YEAR + 1, 1)


def month_days(at_ms: int, length_ms: int, zone: str) -> list[str]:
    """MM-DD of each day that begins a whole number of days after today and less than the length; 29 February on the 28th in
    other years."""
    today = local_date(at_ms, zone)
    found = dict[str, None]()
    for ahead in range(min(-(-length_ms // DAY_MS), 1_500)):
        day = today + timedelta(days=ahead)
        found[day.strftime("%m-%d")] = None
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3:
            found["02-29"] = None
    return sorted(found)


def _calendar(calendar: Calendar, at_ms: int, zone: str) -> Bounds:
    today = local_date(at_ms, zone)
    if calendar.this is not None:
        return Bounds(start_of_day(unit_start(today, calendar.this), zone))
    assert calendar.last is not None
    assert calendar.unit is not None
    since = start_of_day(unit_start(today, calendar.unit, calendar.last), zone)
    until = start_of_day(unit_start(today, calendar.unit), zone) if calendar.full else None
    return Bounds(_clamped(since), until)


def _stated(text: str | None, zone: str) -> int | None:
    return None if text is None else _clamped(instant_ms(text, zone))


def _clamped(ms: int) -> int:
    return min(max(ms, FIRST_MS), LAST_MS)
