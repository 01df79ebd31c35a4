"""Quotas: what of a source's day and month is used, and the stop that stands once one is used up. Pure; the time is an argument.

A stop is a document `quota_stop/SOURCE` on the control topic, so every collector knows it within moments, whoever counted. It
ends by itself with its day or month, and does not count for a source whose quota has been changed since. Days and months are
those of UTC. Absent: the counting (sinks/stages/quotas.py), and what a collector does (collector/quota.py).
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from schemas.sources.sources import Source

STOP: Final = "quota_stop/"

Period = Literal["day", "month"]


class QuotaStop(msgspec.Struct, frozen=True, kw_only=True):
    """`until` is the first moment after the period, in ms since the epoch."""

    source: str
    period: Period
    events_max: int
    until: int

    @property
    def key(self) -> str:
        return f"{STOP}{self.source}"

    def stands(self, source: Source, now: int) -> bool:
        return now < self.until and limits_of(source).get(self.period) == self.events_max


class Usage(msgspec.Struct, frozen=True):
    """Events of one source that were stored."""

    day: int = 0
    month: int = 0


class Calendar(msgspec.Struct, frozen=True):
    """The day and the month that a moment is in, as first moment and the first one after; ms since the epoch."""

    day: tuple[int, int]
    month: tuple[int, int]


def calendar(now: int) -> Calendar:
    moment = datetime.fromtimestamp(now / 1_000, UTC)
    day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    month = day.replace(day=1)
    next_month = (month + timedelta(days=31)).replace(day=1)
    return Calendar((_ms(day), _ms(day + timedelta(days=1))), (_ms(month), _ms(next_month)))


def limits_of(source: Source) -> dict[Period, int]:
    """Empty for a source without a quota."""
    said: dict[Period, int | None] = {
        "month": source.quota.events_per_month_max,
        "day": source.quota.events_per_day_max,
    }
    return {period: events for period, events in said.items() if events is not None}


def stop_of(source: Source, usage: Usage, when: Calendar) -> QuotaStop | None:
    """The month's, where both are used up: it lasts longer."""
    for period, events_max in limits_of(source).items():
        if getattr(usage, period) >= events_max:
            until = getattr(when, period)[1]
            return QuotaStop(source=source.id, period=period, events_max=events_max, until=until)
    return None


def changed_stops(
    sources: Iterable[Source], used: Mapping[str, Usage], when: Calendar, stops: Mapping[str, QuotaStop]
) -> dict[str, bytes | None]:
    """What is to be written so that the stops are those of these counts; `stops` are by key. None deletes."""
    wanted = {
        stop.key: stop
        for source in sources
        if (stop := stop_of(source, used.get(source.id, Usage()), when)) is not None
    }
    new = {key: msgspec.json.encode(stop) for key, stop in wanted.items() if stops.get(key) != stop}
    return {**new, **{key: None for key in stops if key not in wanted}}


def _ms(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000)


decode_quota_stop = msgspec.json.Decoder(QuotaStop).decode
