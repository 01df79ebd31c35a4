"""Quiet hours by the clock on the wall, also in the nights in which it is changed."""

from datetime import UTC, datetime

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from processors.actions.quiet_hours import quiet_until, zone_name
from schemas.rules.rules import QuietHours
from schemas.values.zones import zone

BERLIN, NEW_YORK, LORD_HOWE = "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) * 1000


def shown(moment: int) -> str:
    return datetime.fromtimestamp(moment // 1000, UTC).strftime("%Y-%m-%dT%H:%M") if moment else ""


@pytest.mark.parametrize(
    ("hours", "named", "now", "end"),
    [
        (("22:00", "08:00"), "UTC", "2026-03-14T21:59:59Z", ""),
        (("22:00", "08:00"), "UTC", "2026-03-14T22:00:00Z", "2026-03-15T08:00"),
        (("22:00", "08:00"), "UTC", "2026-03-15T07:59:59Z", "2026-03-15T08:00"),
        (("22:00", "08:00"), "UTC", "2026-03-15T08:00:00Z", ""),
        (("22:00", "08:00"), "UTC", "2026-12-31T23:00:00Z", "2027-01-01T08:00"),
        (("12:00", "14:00"), "UTC", "2026-02-28T13:00:00Z", "2026-02-28T14:00"),
        (("12:00", "12:00"), "UTC", "2026-02-28T12:00:00Z", ""),
        (("22:00", "08:00"), BERLIN, "2026-07-01T20:30:00Z", "2026-07-02T06:00"),
        (("22:00", "08:00"), BERLIN, "2026-07-01T19:30:00Z", ""),
        # 2026-03-29: at 2:00 it is 3:00 (1:00 UTC)
        (("22:00", "08:00"), BERLIN, "2026-03-28T22:00:00Z", "2026-03-29T06:00"),
        (("22:00", "02:30"), BERLIN, "2026-03-29T00:30:00Z", "2026-03-29T01:00"),
        (("02:15", "02:45"), BERLIN, "2026-03-29T00:59:00Z", ""),
        # 2026-10-25: at 3:00 it is 2:00 (1:00 UTC)
        (("22:00", "08:00"), BERLIN, "2026-10-24T21:00:00Z", "2026-10-25T07:00"),
        (("22:00", "02:30"), BERLIN, "2026-10-24T21:00:00Z", "2026-10-25T00:30"),
        (("22:00", "02:30"), BERLIN, "2026-10-25T00:45:00Z", ""),
        (("22:00", "02:30"), BERLIN, "2026-10-25T01:10:00Z", "2026-10-25T01:30"),
        (("22:00", "08:00"), NEW_YORK, "2026-03-08T06:30:00Z", "2026-03-08T12:00"),
        # by half an hour: at 2:00 it is 2:30
        (("21:00", "02:10"), LORD_HOWE, "2026-10-03T15:00:00Z", "2026-10-03T15:30"),
    ],
)
def test_quiet_hours_end_when_the_wall_says_so(
    hours: tuple[str, str], named: str, now: str, end: str
) -> None:
    assert shown(quiet_until(QuietHours(*hours), named, ms(now))) == end


times = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.sampled_from([0, 15, 30, 59]))
nights = st.sampled_from(["2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2026-06-01T00:00:00Z"])


@settings(max_examples=150, deadline=None)
@given(times, times, nights, st.integers(-36 * 60, 36 * 60))
@example("02:15", "00:00", "2026-10-25T01:00:00Z", -1)  # 02:59, and a minute later 02:00 again
def test_the_end_is_the_first_minute_that_is_not_quiet(
    start: str, end: str, night: str, minutes: int
) -> None:
    quiet, now = QuietHours(start, end), ms(night) + minutes * 60_000
    found = quiet_until(quiet, BERLIN, now)
    if not found:
        assert not is_quiet(quiet, now)
        return
    assert found > now
    assert not is_quiet(quiet, found)
    for moment in range(now, found, 60_000):
        assert is_quiet(quiet, moment)


def is_quiet(quiet: QuietHours, moment: int) -> bool:
    """The definition, read off a clock in Berlin."""
    wall = datetime.fromtimestamp(moment // 1000, UTC).astimezone(zone(BERLIN)).strftime("%H:%M")
    if quiet.start <= quiet.end:
        return quiet.start <= wall < quiet.end
    return wall >= quiet.start or wall < quiet.end


def test_the_zone_is_the_rules_or_the_persons_where_it_is_known() -> None:
    of_person = QuietHours("22:00", "08:00", timezone="person", or_timezone=BERLIN)
    assert zone_name(QuietHours("22:00", "08:00", timezone=NEW_YORK), BERLIN) == NEW_YORK
    assert zone_name(of_person, NEW_YORK) == NEW_YORK
    assert zone_name(of_person, "") == BERLIN
    assert zone_name(of_person, "No/Where") == BERLIN
    assert zone_name(of_person, "../../etc/passwd") == BERLIN
