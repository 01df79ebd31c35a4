"""Firings and deliveries in ClickHouse: each once, as it stands, with the person of now."""

from datetime import UTC, date, datetime

import pytest

from schemas.wire.codec import DELIVERY, FIRING, POINTER, SCHEMAS, decode, encoder
from sinks.storing.tables import DICTIONARIES
from tests.sinks.fired import delivery, firing
from tests.sinks.stage import START_MS, Tables, pointer

FIRST_FORM = next(schema.id for schema in SCHEMAS if schema.subject == "firing")


@pytest.fixture(scope="module")
def tables(clickhouse: str) -> Tables:
    return Tables(clickhouse, "firings")


def moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).replace(tzinfo=None)


def test_a_firing_is_one_row_in_its_latest_state_whatever_came_in_which_order(tables: Tables) -> None:
    sending = firing(11, seq=2, state="sending", at=START_MS + 2, rule="ordered")
    done = firing(11, seq=3, state="done", attempts=1, at=START_MS + 3, rule="ordered")
    first = firing(11, rule="ordered", at=START_MS + 1)
    for number, block in enumerate([[done, first], [sending], [done], [first, sending]]):
        tables.insert("firings_in", FIRING, block, f"ordered-{number}")
    found = tables.rows("SELECT state, attempts, seq, confirmed_at, at FROM firings WHERE rule = 'ordered'")
    assert found == [("done", 1, 3, moment(START_MS + 1), moment(START_MS + 3))]


def test_a_firing_is_shown_for_the_person_of_now_beside_whom_it_fired_for(tables: Tables) -> None:
    tables.insert("firings_in", FIRING, [firing(21, rule="merged"), firing(0, rule="merged")], "merged")
    tables.insert("deliveries_in", DELIVERY, [delivery(21, rule="merged")], "merged-d")
    tables.insert("pointers_in", POINTER, [pointer(21, 29)], "merged-p")
    tables.reload(DICTIONARIES)
    found = tables.rows(
        "SELECT profile, profile_id, fired_profile_id FROM firings WHERE rule = 'merged' ORDER BY profile"
    )
    assert found == [(0, "", ""), (29, f"{29:016x}", f"{21:016x}")], "a schedule for nobody is nobody's"
    assert tables.rows("SELECT profile, status FROM deliveries WHERE rule = 'merged'") == [(29, 200)]


def test_a_firing_of_the_first_form_of_the_record_is_stored_without_a_detail(tables: Tables) -> None:
    """A sink of now behind an agent of the release before, and the other way round."""
    known = decode(firing(35, rule="forms"))
    before = encoder(FIRST_FORM)({**known, "firing_id": "before", "occurred_at": START_MS, "at": START_MS})
    tables.insert("firings_in", FIRST_FORM, [before], "forms-1")
    tables.insert("firings_in", FIRING, [firing(35, rule="forms", detail="email.to: no")], "forms-2")
    found = tables.rows("SELECT state, detail FROM firings WHERE rule = 'forms' ORDER BY detail")
    assert found == [("waiting", ""), ("waiting", "email.to: no")]


def test_an_attempt_that_is_told_again_after_a_crash_is_one_row(tables: Tables) -> None:
    told = [
        delivery(31, rule="twice", attempt=1, outcome="retry", status=503),
        delivery(31, rule="twice", attempt=2),
    ]
    tables.insert("deliveries_in", DELIVERY, told, "twice-1")
    tables.insert("deliveries_in", DELIVERY, told[1:], "twice-2")
    found = tables.rows(
        "SELECT attempt, outcome, status FROM deliveries WHERE rule = 'twice' ORDER BY attempt"
    )
    assert found == [(1, "retry", 503), (2, "delivered", 200)]


def test_a_rules_day_says_what_became_of_its_firings(tables: Tables) -> None:
    states = [
        ("done", "", 1),
        ("done", "", 2),
        ("test", "", 0),
        ("waiting", "quiet_hours", 0),
        ("waiting", "", 1),
        ("refused", "suppressed", 0),
        ("refused", "suppressed", 0),
        ("refused", "over_quota", 0),
        ("failed", "rejected", 1),
    ]
    fired = [
        firing(
            40 + n, rule="counted", seq=n + 1, state=state, reason=reason, attempts=attempts, at=START_MS + n
        )
        for n, (state, reason, attempts) in enumerate(states)
    ]
    tables.insert("firings_in", FIRING, fired, "counted")
    found = tables.rows(
        "SELECT day, firings, done, test, waiting, refused, failed, refused_for, failed_for, used, oldest_waiting "
        "FROM rule_states WHERE rule = 'counted'"
    )
    reasons = {"suppressed": 2, "over_quota": 1}
    day, oldest = date(2023, 11, 14), moment(START_MS + 3)
    assert found == [(day, 9, 2, 1, 2, 3, 1, reasons, {"rejected": 1}, 5, oldest)]
