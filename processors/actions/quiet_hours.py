"""Quiet hours: whether a moment lies in them, and when they end. By the clock on the wall of the rule's zone, or of the person's.

On the night in which clocks are put on, quiet hours whose end does not exist end with the change; where they are put back, an
hour that comes twice is quiet both times, and they end where the clock shows a time before their start again.
"""

from datetime import UTC, datetime, time, timedelta, tzinfo

from schemas.rules.rules import PERSON_ZONE, QuietHours
from schemas.values.zones import zone

_MS, _MINUTE_MS = 1_000, 60_000


def zone_name(quiet: QuietHours, of_person: str) -> str:
    """`of_person` "": it is not known."""
    if quiet.timezone != PERSON_ZONE:
        return quiet.timezone
    return of_person if _is_zone(of_person) else quiet.or_timezone


def quiet_until(quiet: QuietHours, named: str, now: int) -> int:
    """The end of the quiet hours in which `now` (ms) lies; 0 when it does not."""
    where = zone(named)
    wall = _wall(now, where)
    if not _is_quiet(quiet, wall):
        return 0
    end = time.fromisoformat(quiet.end)
    day = wall.date() + timedelta(days=1 if wall.time() >= end else 0)
    ends = sorted(_instant(datetime.combine(day, end, where).replace(fold=fold)) for fold in (0, 1))
    for each in ends:
        if each > now and _wall(each, where).time() == end:
            changed = _changed(where, now, each)
            return each if _is_quiet(quiet, _wall(changed, where)) else changed
    return _first_loud(quiet, where, now, ends[-1])


def _first_loud(quiet: QuietHours, where: tzinfo, now: int, loud: int) -> int:
    """Between a quiet moment and a loud one, to the minute: clocks change at whole minutes."""
    low, high = now // _MINUTE_MS, -(-loud // _MINUTE_MS)
    while high - low > 1:
        middle = (low + high) // 2
        if _is_quiet(quiet, _wall(middle * _MINUTE_MS, where)):
            low = middle
        else:
            high = middle
    return high * _MINUTE_MS


def _changed(where: tzinfo, now: int, later: int) -> int:
    """The minute from which on the zone's clock is as it is at `later`: put back, it may show a time before the start again."""
    low, high = now // _MINUTE_MS, later // _MINUTE_MS
    after = _wall(later, where).utcoffset()
    while high - low > 1:
        middle = (low + high) // 2
        if _wall(middle * _MINUTE_MS, where).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high * _MINUTE_MS


def _is_quiet(quiet: QuietHours, wall: datetime) -> bool:
    start, end, at = time.fromisoformat(quiet.start), time.fromisoformat(quiet.end), wall.time()
    return start <= at < end if start <= end else at >= start or at < end


def _wall(moment: int, where: tzinfo) -> datetime:
    return datetime.fromtimestamp(moment // _MS, UTC).astimezone(where)


def _instant(wall: datetime) -> int:
    return int(wall.timestamp()) * _MS


def _is_zone(name: str) -> bool:
    try:
        return bool(name) and zone(name) is not None
    except ValueError:
        return False
