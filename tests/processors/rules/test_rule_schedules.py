"""Schedules: by the clock of a zone, each moment once, and after a standstill the last one alone."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.rules.rule_schedules import latest
from schemas.identity.identifiers import partition_of
from schemas.rules.rule_candidates import Candidate
from schemas.rules.rules import Limits, Rule, ScheduleTrigger, Trigger
from tests.processors.rules.made_rules import DAY, HOUR, MIN, PARTITIONS, Agent, S, document, rule

BERLIN = "Europe/Berlin"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def text(at: int | None) -> str | None:
    return None if at is None else (EPOCH + timedelta(milliseconds=at)).isoformat().removesuffix("+00:00")


def moments(cron: str, zone: str, first: str, last: str) -> list[str | None]:
    """All of them, by asking again and again as ticks do."""
    found, since = [], ms(first)
    for now in range(ms(first), ms(last) + 1, 5 * MIN):
        at = latest(cron, zone, since, now)
        if at is not None:
            found.append(text(at))
            since = at
    return found


@pytest.mark.parametrize(
    ("cron", "zone", "first", "last", "expected"),
    [
        # Clocks go forward at 01:00 UTC on 2026-03-29, and back at 01:00 UTC on 2026-10-25.
        ("0 9 * * *", BERLIN, "2026-03-28T00:00Z", "2026-03-30T00:00Z", ["2026-03-28T08:00", "2026-03-29T07:00"]),
        ("30 2 * * *", BERLIN, "2026-03-28T12:00Z", "2026-03-30T12:00Z", ["2026-03-29T01:00", "2026-03-30T00:30"]),
        ("30 2 * * *", BERLIN, "2026-10-24T12:00Z", "2026-10-26T12:00Z", ["2026-10-25T00:30", "2026-10-26T01:30"]),
        ("30 * * * *", BERLIN, "2026-10-24T23:45Z", "2026-10-25T02:00Z", ["2026-10-25T00:30", "2026-10-25T01:30"]),
        ("0 0 29 2 *", "UTC", "2026-02-27T00:00Z", "2026-03-02T00:00Z", []),
        ("0 9 * * mon", "UTC", "2026-03-01T00:00Z", "2026-03-10T00:00Z", ["2026-03-02T09:00", "2026-03-09T09:00"]),
        ("15 8 1 * *", "Asia/Tokyo", "2026-01-31T20:00Z", "2026-02-01T00:00Z", ["2026-01-31T23:15"]),
    ],
)  # fmt: skip
def test_moments_are_those_of_the_zones_clock_each_once(
    cron: str, zone: str, first: str, last: str, expected: list[str]
):
    assert moments(cron, zone, first, last) == [f"{each}:00" for each in expected]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["* * * * *", "*/7 3 * * *", "30 2 * * *", "0 */6 * * *", "0 9 * * 1-5", "0 0 1 1 *"]),
    st.sampled_from(["UTC", BERLIN, "America/New_York", "Australia/Lord_Howe"]),
    st.integers(0, 400 * 24 * 60),
    st.integers(1, 3 * 24 * 60),
)
def test_the_last_moment_is_found_however_long_the_standstill_was(
    cron: str, zone: str, start: int, minutes: int
):
    """As by going through all of them, hour by hour."""
    since = ms("2026-01-01T00:00Z") + start * MIN
    until = since + minutes * MIN
    step, found = since, None
    while step < until:
        end = min(step + HOUR, until)
        found = latest(cron, zone, step, end) or found
        step = end
    assert latest(cron, zone, since, until) == found


def scheduled(cron: str = "0 9 * * *", name: str = "digest", zone: str = "UTC", expires: str = "1d") -> Rule:
    trigger = Trigger(schedule=ScheduleTrigger(cron, zone))
    return rule(name, trigger=trigger, limits=Limits(expires_after=expires))


DIGEST = scheduled()
HOME = partition_of(DIGEST.key.encode(), PARTITIONS)
NINE = ms("2026-03-02T09:00Z")


def at(candidates: list[Candidate]) -> list[str | None]:
    return [text(each.at) for each in candidates]


def test_a_moment_is_one_candidate_for_nobody():
    agent = Agent(DIGEST, partition=HOME)
    assert not agent.tick(NINE - 10 * S)
    assert not agent.tick(NINE - 5 * S)
    [candidate] = agent.tick(NINE)
    assert (candidate.person, candidate.subject, candidate.event, candidate.message_id) == (0, 0, b"", "")
    assert (candidate.at, candidate.seen_at, candidate.rule) == (NINE, NINE, document(DIGEST))
    assert candidate.occurrence == f"schedule-{NINE}"
    assert not agent.tick(NINE)
    assert not agent.tick(NINE + 5 * S)
    assert at(agent.tick(NINE + DAY + 3 * S)) == ["2026-03-03T09:00:00"]


def test_one_partition_has_it():
    agents = [Agent(DIGEST, partition=place) for place in range(PARTITIONS)]
    for agent in agents:
        agent.tick(NINE - S)
        agent.tick(NINE + S)
    assert [len(agent.candidates) for agent in agents] == [int(place == HOME) for place in range(PARTITIONS)]


def test_it_begins_when_it_is_first_seen():
    agent = Agent(DIGEST, partition=HOME)
    assert not agent.tick(NINE)
    assert not agent.tick(NINE + HOUR)


def test_after_a_standstill_the_last_moment_comes_up_if_it_has_not_expired():
    for expires, expected in (("1d", ["2026-03-05T09:00:00"]), ("1h", [])):
        agent = Agent(scheduled(expires=expires), partition=HOME)
        agent.tick(NINE - S)
        assert at(agent.tick(NINE + 3 * DAY + 2 * HOUR)) == expected
        assert at(agent.tick(NINE + 4 * DAY + S)) == ["2026-03-06T09:00:00"]


def test_one_that_was_off_or_was_edited_begins_anew():
    off = rule("digest", trigger=DIGEST.trigger, limits=DIGEST.limits, mode="off")
    edited = rule("digest", trigger=DIGEST.trigger, limits=DIGEST.limits, destination="other")
    for between, then in ((off, DIGEST), (edited, edited)):
        agent = Agent(DIGEST, partition=HOME)
        agent.tick(NINE - HOUR)
        agent.apply(between)
        agent.tick(NINE + MIN) if between is off else None
        agent.apply(then)
        assert not agent.tick(NINE + HOUR)
        assert at(agent.tick(NINE + DAY)) == ["2026-03-03T09:00:00"]


def test_what_is_gone_is_not_remembered():
    agent = Agent(DIGEST, partition=HOME)
    agent.tick(NINE)
    assert b"digest" in agent.state[b"s"]
    agent.apply()
    agent.tick(NINE + MIN)
    assert b"digest" not in agent.state[b"s"]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * 24 * 60), min_size=1, max_size=40))
def test_each_moment_comes_up_once_whatever_the_ticks(minutes: list[int]):
    """Late ones, early ones, and such that go back: several processes may tell the time."""
    agent = Agent(scheduled("0 * * * *"), partition=partition_of(b"rule/main/digest", PARTITIONS))
    agent.tick(NINE)
    for minute in minutes:
        agent.tick(NINE + minute * MIN)
    came = [each.at for each in agent.candidates]
    assert came == sorted(set(came))
    reached = max(minutes) // 60
    if reached:
        assert came[-1] == NINE + reached * HOUR
