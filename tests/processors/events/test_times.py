"""When an event happened: every form of time that clients send, and how the three client times combine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from processors.events.times import TIME_MAX, EventTimes, event_times, parse_time
from schemas.events.call import Call, Scalar

NOON = 1_714_910_400_000  # 2024-05-05T12:00:00Z
RECEIVED = NOON + 500
HOUR = 3_600_000

FORMS: list[tuple[Scalar, int | None]] = [
    ("2024-05-05T12:00:00.000Z", NOON),
    ("2024-05-05T12:00:00Z", NOON),
    ("2024-05-05T12:00:00.123456+00:00", NOON + 123),
    ("2024-05-05T12:00:00.123456789Z", NOON + 123),
    ("2024-05-05T14:00:00+02:00", NOON),
    ("2024-05-05T14:00:00+0200", NOON),
    ("2024-05-05 12:00:00", NOON),
    (" 2024-05-05t12:00:00z ", NOON),
    ("2024-05-05", NOON - 12 * HOUR),
    ("1970-01-01T00:00:00Z", 0),
    (NOON, NOON),
    (NOON // 1000, NOON),
    (NOON / 1000 + 0.25, NOON + 250),
    (str(NOON), NOON),
    (str(NOON // 1000), NOON),
    (None, None),
    ("", None),
    (True, None),
    ("yesterday", None),
    ("2024-02-30T00:00:00Z", None),
    ("1969-12-31T23:59:59Z", None),
    ("2200-01-01T00:00:00Z", None),
    ("0001-01-01T00:00:00+23:59", None),
    ("9999-12-31T23:59:59-23:59", None),
    (-1, None),
    (1e300, None),
    ("9" * 50, None),
    ("\u0661\u0662", None),
]


@pytest.mark.parametrize(("value", "expected"), FORMS, ids=repr)
def test_a_time_is_read_in_every_form_that_clients_send(value, expected):
    assert parse_time(value) == expected


@given(st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text())
def test_any_scalar_is_a_storable_time_or_none(value):
    found = parse_time(value)
    assert found is None or 0 <= found < TIME_MAX


COMBINATIONS = [
    ("no time at all is the time of receipt", {}, EventTimes(RECEIVED, 0, 0)),
    ("sentAt alone says nothing about the event", {"sent_at": NOON}, EventTimes(RECEIVED, 0, NOON)),
    ("timestamp alone stands", {"timestamp": NOON - HOUR}, EventTimes(NOON - HOUR, NOON - HOUR, 0)),
    (
        "originalTimestamp alone stands",
        {"original_timestamp": NOON - HOUR},
        EventTimes(NOON - HOUR, NOON - HOUR, 0),
    ),
    (
        "with both times the client has chosen timestamp by itself",
        {"timestamp": NOON, "original_timestamp": NOON - HOUR},
        EventTimes(NOON, NOON - HOUR, 0),
    ),
    (
        "a clock that is an hour ahead is corrected",
        {"timestamp": NOON + HOUR - 2000, "sent_at": NOON + HOUR},
        EventTimes(RECEIVED - 2000, NOON + HOUR - 2000, NOON + HOUR),
    ),
    (
        "and it stands however late the event is sent",
        {"timestamp": NOON - HOUR, "original_timestamp": NOON - 9000, "sent_at": NOON - 4000},
        EventTimes(NOON - HOUR, NOON - 9000, NOON - 4000),
    ),
    (
        "originalTimestamp alone is corrected",
        {"original_timestamp": NOON - 9000, "sent_at": NOON - 4000},
        EventTimes(RECEIVED - 5000, NOON - 9000, NOON - 4000),
    ),
    (
        "a timestamp that is no time leaves originalTimestamp alone",
        {"timestamp": "soon", "original_timestamp": NOON - 9000, "sent_at": NOON - 4000},
        EventTimes(RECEIVED - 5000, NOON - 9000, NOON - 4000),
    ),
    (
        "an unusable timestamp counts as absent",
        {"timestamp": "soon", "sent_at": NOON},
        EventTimes(RECEIVED, 0, NOON),
    ),
    (
        "a correction that leaves the range of time is not made",
        {"timestamp": 1, "sent_at": TIME_MAX - 1},
        EventTimes(RECEIVED, 1000, TIME_MAX - 1),
    ),
]


def told(times: EventTimes) -> tuple[int, int, int]:
    return times.happened, times.original, times.sent


@pytest.mark.parametrize(
    ("sentence", "fields", "expected"), COMBINATIONS, ids=[line[0] for line in COMBINATIONS]
)
def test_client_times_combine(sentence, fields, expected):
    assert told(event_times(Call(**fields), RECEIVED, "")) == told(expected)


def test_the_batchs_sent_at_counts_when_the_event_has_none():
    late = Call(timestamp=NOON - 2000)
    found = event_times(late, RECEIVED, "2024-05-05T12:00:00Z")
    assert told(found) == (RECEIVED - 2000, NOON - 2000, NOON)
    own = Call(timestamp=NOON - 2000, sent_at=NOON - 1000)
    assert event_times(own, RECEIVED, "2024-05-05T12:00:00Z").sent == NOON - 1000
