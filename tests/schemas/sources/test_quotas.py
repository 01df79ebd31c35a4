"""When a source's quota is used up, and until when."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas.control import ControlState
from schemas.sources.quotas import QuotaStop, Usage, calendar, changed_stops, stop_of
from schemas.sources.sources import Quota, Source


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


NOW = ms("2026-12-31T23:59:59.999")
WHEN = calendar(NOW)


def source(name: str = "shop", **quota: Any) -> Source:
    return Source(id=name, write_key_hashes=[], quota=Quota(**quota))


@pytest.mark.parametrize(
    ("now", "day", "month"),
    [
        ("2026-12-31T23:59:59.999", ("2026-12-31", "2027-01-01"), ("2026-12-01", "2027-01-01")),
        ("2027-01-01T00:00:00", ("2027-01-01", "2027-01-02"), ("2027-01-01", "2027-02-01")),
        ("2028-02-29T12:00:00", ("2028-02-29", "2028-03-01"), ("2028-02-01", "2028-03-01")),
    ],
)
def test_days_and_months_are_those_of_utc(now: str, day: tuple[str, str], month: tuple[str, str]) -> None:
    found = calendar(ms(now))
    assert found.day == (ms(day[0]), ms(day[1]))
    assert found.month == (ms(month[0]), ms(month[1]))


@pytest.mark.parametrize(
    ("quota", "usage", "period"),
    [
        ({}, Usage(10**9, 10**9), None),
        ({"events_per_day_max": 10}, Usage(9, 900), None),
        ({"events_per_day_max": 10}, Usage(10, 10), "day"),
        ({"events_per_month_max": 10}, Usage(0, 10), "month"),
        ({"events_per_day_max": 10, "events_per_month_max": 20}, Usage(11, 21), "month"),
        ({"events_per_day_max": 10, "events_per_month_max": 20}, Usage(11, 19), "day"),
    ],
)
def test_a_stop_begins_with_the_last_event_of_the_quota(
    quota: dict[str, Any], usage: Usage, period: str | None
) -> None:
    stop = stop_of(source(**quota), usage, WHEN)
    assert (stop.period if stop else None) == period
    if stop:
        assert stop.until == ms("2027-01-01")


def test_a_stop_ends_by_itself_and_with_another_quota() -> None:
    limited = source(events_per_day_max=10)
    stop = stop_of(limited, Usage(10, 10), WHEN)
    assert stop
    assert stop.stands(limited, NOW)
    assert not stop.stands(limited, ms("2027-01-01"))
    assert not stop.stands(source(events_per_day_max=11), NOW)
    assert not stop.stands(source(), NOW)


def test_only_what_changes_is_written() -> None:
    limited, other = source(events_per_day_max=10), source("blog", events_per_month_max=5)
    used = {"shop": Usage(10, 10), "blog": Usage(4, 4)}
    first = changed_stops([limited, other], used, WHEN, {})
    assert list(first) == ["quota_stop/shop"]
    state = ControlState(first)
    (stop,) = state.quota_stops.values()
    assert stop == QuotaStop(source="shop", period="day", events_max=10, until=ms("2027-01-01"))
    assert changed_stops([limited, other], used, WHEN, state.quota_stops) == {}
    tomorrow = calendar(ms("2027-01-01"))
    assert changed_stops([limited, other], {}, tomorrow, state.quota_stops) == {"quota_stop/shop": None}
    assert changed_stops([], {}, WHEN, state.quota_stops) == {"quota_stop/shop": None}
    assert state.updated([("quota_stop/shop", None)]).quota_stops == {}
