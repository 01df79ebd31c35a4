"""When a schedule comes up: cron as Debian's does it, in a zone of the pinned table. Pure.

By the clock of the zone: what falls into the hour that a clock skips comes up at its end, what falls into the one that comes
twice comes up once, unless it is said for every hour.
"""

from datetime import UTC, datetime, timedelta

from cronsim import CronSim

from schemas.values.zones import zone

HOUR_MS = 3_600_000
LOOKED_BACK_MS = (
    HOUR_MS,
    24 * HOUR_MS,
    40 * 24 * HOUR_MS,
)  # step by step, so that few moments are gone through

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


def latest(cron: str, zone_name: str, since: int, until: int) -> int | None:
    """The last moment after `since`, up to `until` (all in ms); None: there is none."""
    for looked_back in (*LOOKED_BACK_MS, until - since):
        begin = max(since, until - looked_back)
        found = _last(cron, zone_name, begin, until)
        if found is not None or begin == since:
            return found
    return None


def _last(cron: str, zone_name: str, since: int, until: int) -> int | None:
    found = None
    for moment in CronSim(cron, (_EPOCH + since * _MS).astimezone(zone(zone_name))):
        at = (moment - _EPOCH) // _MS
        if at > until:
            break
        if at > since:  # it may name an hour that comes twice by its first time
            found = at
    return found
