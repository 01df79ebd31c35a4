"""The demonstration's expectations follow from its traffic by the rules, not from what came out."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from deploy.demo import shop
from deploy.demo.call import ADDED, ORDERED, SIGNED_OUT, Call
from deploy.demo.oracle import AFTER, BEFORE, STATED, channel_of, expect, is_arrival, is_lapsed
from deploy.demo.people import People, email_of, linked_email
from deploy.demo.traffic import make_traffic
from tests.processors.oracle import Oracle, Visit

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def groups(pairs: Iterable[tuple[str, object]]) -> set[frozenset[str]]:
    """Message ids, by whoever they were given to."""
    found = defaultdict(set)
    for message_id, owner in pairs:
        found[owner].add(message_id)
    return {frozenset(ids) for ids in found.values()}


def as_visit(call: Call) -> Visit:
    return Visit(
        id=call.message_id,
        kind="logout" if call.event == SIGNED_OUT else call.type,
        time=int(call.happened.timestamp() * 1000),
        user=call.user_id,
        email=email_of(call),
        device=call.anonymous_id,
        params=(("email", linked_email(call)),) if linked_email(call) else (),
    )


@pytest.mark.parametrize("seed", [1, 2, 3, 7])
def test_its_people_are_those_that_the_rules_of_identity_give(seed: int) -> None:
    calls = make_traffic(300, seed, NOW).calls
    people, rules = People(calls), Oracle([as_visit(call) for call in calls])
    ours = groups((call.message_id, people.of(call)) for call in calls)
    theirs = groups((call.message_id, rules.profile(as_visit(call))) for call in calls)
    assert ours == theirs


def test_every_number_has_something_to_count() -> None:
    expected = expect(make_traffic(400, 7, NOW), NOW)
    assert expected.accepted == expected.stored + expected.duplicates + sum(expected.dead.values())
    assert 0 < expected.on_two_devices < expected.with_account < expected.people
    assert 0 < len(expected.segment) < expected.people
    assert {channel.name for channel in expected.channels} == {
        shop.DIRECT, shop.ORGANIC, shop.PAID, shop.EMAIL, shop.SOCIAL, shop.PAID_SOCIAL, shop.REFERRAL,
    }  # fmt: skip
    assert all(channel.orders and channel.revenue for channel in expected.channels)


def test_the_person_shown_is_known_in_all_three_ways_and_on_two_devices() -> None:
    expected = expect(make_traffic(400, 7, NOW), NOW)
    assert set(expected.journey_known) == {BEFORE, AFTER, STATED}
    known = dict(zip(expected.journey_known, expected.journey, strict=True))
    assert len({step.device for step in expected.journey}) == 2
    assert known[STATED].user_id == "user-0000"
    assert "user-0000" in expected.segment


@pytest.mark.parametrize(
    ("arrival", "channel"),
    [(arrival, arrival.channel) for arrival in dict.fromkeys([*shop.ARRIVALS, shop.NEWSLETTER])],
)
def test_an_arrival_belongs_to_its_channel(arrival: shop.Arrival, channel: str) -> None:
    page = shop.page_context(shop.address("/", arrival), "Home", arrival.referrer)
    call = Call(type="page", message_id="m", timestamp="", context={"page": page})
    assert is_arrival(call)
    assert channel_of(call) == channel


def test_a_page_that_the_shop_led_to_is_no_arrival() -> None:
    page = shop.page_context(shop.address("/tea-01"), "Tea", shop.address("/"))
    assert not is_arrival(Call(type="page", message_id="m", timestamp="", context={"page": page}))


@pytest.mark.parametrize(
    ("days", "events", "is_member"),
    [
        (1, [ADDED, ADDED], True),
        (1, [ADDED], False),
        (1, [ADDED, ADDED, ORDERED], False),
        (8, [ADDED, ADDED], False),
    ],
)
def test_a_lapsed_cart_was_filled_twice_in_the_last_week_and_not_ordered(
    days: int, events: list[str], is_member: bool
) -> None:
    at = (NOW - timedelta(days=days)).isoformat()
    calls = [Call(type="track", message_id="m", timestamp=at, event=event) for event in events]
    assert is_lapsed(calls, NOW) is is_member
