"""Windows as moments: exact durations, days of a zone that have 23 and 25 hours, weeks, months, and days of a year."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.segments.segment_windows import Bounds, bounds, dates, moment_text, month_days
from schemas.segments.segments import Window

DAY_MS = 86_400_000


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def window(**said: Any) -> Window:
    return msgspec.convert(said, Window)


@pytest.mark.parametrize(
    ("said", "at", "since", "until"),
    [
        ({"last": "1d"}, "2026-03-29T12:00", "2026-03-28T12:00", None),
        ({"ago": ["7d", "90d"]}, "2026-04-01", "2026-01-01", "2026-03-25"),
        ({"from": "2026-03-29", "to": "2026-03-30"}, "2026-04-01", "2026-03-28T23:00", "2026-03-29T22:00"),
        ({"calendar": {"this": "day"}}, "2026-03-29T12:00", "2026-03-28T23:00", None),
        (
            {"calendar": {"last": 1, "unit": "day", "full": True}},
            "2026-03-30T12:00",
            "2026-03-28T23:00",
            "2026-03-29T22:00",
        ),
        (
            {"calendar": {"last": 1, "unit": "day", "full": True}},
            "2026-10-26T12:00",
            "2026-10-24T22:00",
            "2026-10-25T23:00",
        ),
        ({"calendar": {"this": "week"}}, "2026-11-22T12:00", "2026-11-15T23:00", None),
        ({"calendar": {"last": 2, "unit": "week"}}, "2026-11-22T22:59", "2026-11-01T23:00", None),
        ({"calendar": {"last": 2, "unit": "week"}}, "2026-11-22T23:00", "2026-11-08T23:00", None),
        (
            {"calendar": {"last": 14, "unit": "month", "full": True}},
            "2026-01-15",
            "2024-10-31T23:00",
            "2025-12-31T23:00",
        ),
    ],
)
def test_a_window_of_berlin_lies_where_it_says(
    said: dict[str, Any], at: str, since: str, until: str | None
) -> None:
    expected = Bounds(ms(since), None if until is None else ms(until))
    assert bounds(window(**said), ms(at), "Europe/Berlin") == expected


def test_no_window_has_no_end() -> None:
    assert bounds(None, 0, "UTC") == Bounds()


def test_a_window_of_dates_ends_at_the_moment_or_lies_ahead_of_it() -> None:
    at = ms("2026-03-01")
    assert dates(window(last="7d"), at, "UTC") == Bounds(at - 7 * DAY_MS, at)
    assert dates(window(ahead="7d"), at, "UTC") == Bounds(at, at + 7 * DAY_MS)
    assert dates(window(**{"from": "2026-01-01"}), at, "UTC") == Bounds(ms("2026-01-01"), None)


def test_what_is_longer_ago_than_the_engine_knows_begins_with_it() -> None:
    assert moment_text(bounds(window(last="36500d"), 0, "UTC").since or 0) == "1900-01-01 00:00:00.000"


@pytest.mark.parametrize(
    ("at", "length", "expected"),
    [
        ("2026-02-27", "2d", ["02-27", "02-28", "02-29"]),
        ("2024-02-27", "2d", ["02-27", "02-28"]),
        ("2024-02-28", "2d", ["02-28", "02-29"]),
        ("2025-12-31", "2d", ["01-01", "12-31"]),
        ("2026-06-01", "36h", ["06-01", "06-02"]),
        ("2026-06-01T23:30", "1d", ["06-02"]),
    ],
)
def test_the_days_ahead_are_days_of_the_zone_and_29_february_the_28th_of_other_years(
    at: str, length: str, expected: list[str]
) -> None:
    hours = int(length[:-1]) * (24 if length.endswith("d") else 1)
    assert month_days(ms(at), hours * 3_600_000, "Europe/Berlin") == expected


def test_a_moment_is_written_as_the_engine_reads_it() -> None:
    assert moment_text(ms("2026-01-02T03:04:05.006")) == "2026-01-02 03:04:05.006"
    assert moment_text(-1) == "1969-12-31 23:59:59.999"
