"""The made traffic has in it what the demonstration is to show."""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from deploy.demo.call import SIGNED_OUT
from deploy.demo.people import linked_email
from deploy.demo.plan import BROWSER, NODE, PIXEL, RUDDER, SEGMENT, Traffic
from deploy.demo.traffic import CLOCK_AHEAD_S, make_traffic

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
WEEK = timedelta(days=7)


@pytest.fixture(scope="module")
def traffic() -> Traffic:
    return make_traffic(400, 7, NOW)


def test_the_same_seed_makes_the_same_traffic(traffic: Traffic) -> None:
    assert make_traffic(400, 7, NOW) == traffic
    assert make_traffic(400, 8, NOW) != traffic


@pytest.mark.parametrize("seed", range(5))
def test_a_few_visitors_make_traffic_as_well(seed: int) -> None:
    assert make_traffic(10, seed, NOW).calls


def test_it_is_several_thousand_events_of_two_weeks(traffic: Traffic) -> None:
    assert 4_000 < len(traffic.calls) < 8_000
    ages = [NOW - call.happened for call in traffic.calls]
    assert timedelta(0) < min(ages) < timedelta(days=1)
    assert timedelta(days=13) < max(ages) < timedelta(days=14)


def test_every_event_has_a_message_id_of_its_own(traffic: Traffic) -> None:
    assert len({call.message_id for call in traffic.calls}) == len(traffic.calls)


def test_some_events_are_sent_twice_by_their_client_and_none_more_often(traffic: Traffic) -> None:
    times = Counter(sending.call.message_id for sending in traffic.sendings)
    assert set(times.values()) == {1, 2}
    assert set(times) == {call.message_id for call in traffic.calls}
    clients = defaultdict(set)
    for sending in traffic.sendings:
        clients[sending.call.message_id].add(sending.by)
    assert all(len(by) == 1 for by in clients.values())


def test_every_client_has_something_to_send(traffic: Traffic) -> None:
    assert {sending.by for sending in traffic.sendings} == {BROWSER, PIXEL, NODE, RUDDER, SEGMENT}


def test_a_browser_sends_nothing_twice(traffic: Traffic) -> None:
    assert max(Counter(sending.call.message_id for sending in traffic.sent_by(BROWSER)).values()) == 1


def test_one_visitors_clock_is_wrong(traffic: Traffic) -> None:
    wrong = {sending.call.anonymous_id for sending in traffic.sendings if sending.clock_ahead_s}
    assert len(wrong) == 1
    assert {sending.clock_ahead_s for sending in traffic.sendings} == {0, CLOCK_AHEAD_S}


def test_events_arrive_in_no_order(traffic: Traffic) -> None:
    times = [sending.call.timestamp for sending in traffic.sendings]
    assert sum(earlier > later for earlier, later in pairwise(times)) > len(times) / 3


def test_no_event_is_near_the_edge_of_the_last_seven_days(traffic: Traffic) -> None:
    assert min(abs((NOW - call.happened) - WEEK) for call in traffic.calls) > timedelta(hours=1)


def test_a_devices_events_keep_a_distance_that_no_slow_request_overcomes(traffic: Traffic) -> None:
    devices = defaultdict(list)
    for call in traffic.calls:
        devices[call.anonymous_id or call.user_id].append(call.happened)
    for times in devices.values():
        ordered = sorted(times)
        gaps = [later - earlier for earlier, later in pairwise(ordered)]
        assert min(gaps, default=timedelta.max) >= timedelta(seconds=90)


def test_tablets_are_shared_and_links_are_opened(traffic: Traffic) -> None:
    users = defaultdict(set)
    for call in traffic.calls:
        if call.anonymous_id and call.user_id:
            users[call.anonymous_id].add(call.user_id)
    assert any(len(of_device) == 2 for of_device in users.values())
    assert any(call.event == SIGNED_OUT for call in traffic.calls)
    assert any(linked_email(call) for call in traffic.calls)
