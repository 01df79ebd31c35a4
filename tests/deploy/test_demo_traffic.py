"""The demonstration's expectations follow from its traffic, not from what came out."""

from collections import Counter
from datetime import UTC, datetime

import pytest

from deploy.demo.report import Check
from deploy.demo.traffic import Traffic, make_traffic

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return make_traffic(50, 7, NOW)


def test_the_same_seed_makes_the_same_traffic(traffic: Traffic) -> None:
    assert make_traffic(50, 7, NOW) == traffic
    assert make_traffic(50, 8, NOW) != traffic


def test_some_events_are_sent_twice_and_none_more_often(traffic: Traffic) -> None:
    times = Counter(sending.call.message_id for sending in traffic.sendings)
    assert set(times.values()) == {1, 2}
    assert len(times) == traffic.stored
    assert sum(times.values()) - len(times) == traffic.duplicates > 0


def test_events_arrive_in_no_order(traffic: Traffic) -> None:
    times = [sending.call.timestamp for sending in traffic.sendings]
    assert times != sorted(times)


def test_each_kind_of_visitor_is_there(traffic: Traffic) -> None:
    kinds = Counter((bool(person.user_id), len(person.devices)) for person in traffic.people)
    assert set(kinds) == {(False, 1), (True, 1), (True, 2), (True, 0)}


def test_the_segment_has_members_and_leaves_people_out(traffic: Traffic) -> None:
    assert 0 < len(traffic.lapsed_carts) < len(traffic.people)


def test_the_person_shown_has_visits_from_before_they_were_known(traffic: Traffic) -> None:
    shown = traffic.two_devices
    first, second = shown.devices
    for device in (first, second):
        assert any(
            call.anonymous_id == device and call.timestamp < shown.known_at[device] for call in shown.calls
        )


def test_a_wrong_number_is_wrong() -> None:
    assert Check("x", 1, 1).is_right
    assert not Check("x", 1, 2).is_right
