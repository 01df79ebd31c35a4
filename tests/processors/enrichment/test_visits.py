"""Sessions and touches as they are stamped: golden tables, and what holds for any events in any order."""

from datetime import datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from processors.enrichment.arrivals import TOUCH_BYTES_MAX, arrival_of, kept_touch
from processors.enrichment.visits import DIRECT, NO_SESSION, SessionRules, Visits, takes_part
from processors.events.mentions import mentions
from processors.events.parsed import ParsedEvent, parse
from runtime.environment.settings import SessionSettings, SettingsError, load
from schemas.wire.stamps import NO_TOUCH, Touch, Visit
from tests.processors.driver import packed
from tests.processors.visit_oracle import Seen, order, places
from tests.processors.visits import (
    AD,
    AD_AGAIN,
    FROM_BING,
    FROM_GERMANY,
    FROM_GOOGLE,
    LONG,
    MAIL,
    ME,
    MINUTE,
    SERVER,
    START,
    TOUCHES,
    Told,
    stamped,
)


def ms(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def numbers(told: Told, **rules: Any) -> list[int]:
    found = stamped([(START + after, touch) for after, touch in told], SessionRules(**rules), {})
    return [visit.number for _, visit in found]


M = MINUTE
CUTS: list[tuple[str, Told, list[int]]] = [
    ("a silence up to the timeout ends nothing", [(0, NO_TOUCH), (30 * M, NO_TOUCH)], [1, 1]),
    ("a longer one does", [(0, NO_TOUCH), (30 * M + 1, NO_TOUCH)], [1, 2]),
    ("a session may last longer than the timeout", [(n * 20 * M, NO_TOUCH) for n in range(9)], [1] * 9),
    ("another campaign begins a session", [(0, AD), (M, NO_TOUCH), (2 * M, MAIL)], [1, 1, 2]),
    ("the same campaign does not", [(0, AD), (M, AD), (2 * M, NO_TOUCH)], [1, 1, 1]),
    ("another click does", [(0, AD), (M, AD_AGAIN)], [1, 2]),
    ("a campaign that comes back does", [(0, AD), (M, MAIL), (2 * M, AD)], [1, 2, 3]),
    ("a campaign after a visit that nothing brought does", [(0, NO_TOUCH), (M, AD)], [1, 2]),
    ("a campaign's referrer alone is the same arrival", [(0, AD), (M, FROM_GOOGLE), (2 * M, AD)], [1, 1, 1]),
    ("another referrer begins a session", [(0, AD), (M, FROM_BING), (2 * M, FROM_BING)], [1, 2, 2]),
    ("a campaign after a referrer does", [(0, AD), (M, FROM_BING), (2 * M, AD)], [1, 2, 3]),
    ("one search engine under two names is one", [(0, FROM_GOOGLE), (M, FROM_GERMANY)], [1, 1]),
    ("events of one millisecond are in one session", [(0, AD), (0, MAIL), (0, NO_TOUCH)], [1, 1, 1]),
    ("what brought a session may come later in its millisecond", [(0, NO_TOUCH), (0, AD), (M, AD)], [1, 1, 1]),
    ("a late event within a session is part of it", [(0, AD), (9 * M, AD), (5 * M, AD)], [1, 1, 1]),
    ("a late event of a session before is part of that", [(0, AD), (M, AD), (99 * M, AD), (30, AD)], [1, 1, 2, 1]),
    ("the landing page may come late", [(M, NO_TOUCH), (0, AD), (2 * M, AD)], [1, 1, 1]),
    ("a session that comes late counts before", [(0, AD), (300 * M, AD), (100 * M, AD), (301 * M, AD)], [1, 2, 2, 3]),
]  # fmt: skip


@pytest.mark.parametrize(("sentence", "told", "expected"), CUTS, ids=[case[0] for case in CUTS])
def test_sessions_are_cut(sentence, told, expected):
    assert numbers(told) == expected


def test_a_campaign_begins_no_session_where_it_shall_not():
    told = [(0, NO_TOUCH), (M, AD), (2 * M, MAIL), (3 * M, FROM_BING)]
    assert numbers(told, new_on_campaign=False) == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("zone", "moments", "expected"),
    [
        ("Europe/Berlin", ["2024-05-05T23:59:59.999+02:00", "2024-05-06T00:00:00+02:00"], [1, 2]),
        ("Europe/Berlin", ["2024-05-05T23:59:59.999+00:00", "2024-05-06T00:00:00+00:00"], [1, 1]),
        ("Europe/Berlin", ["2024-03-30T23:50+01:00", "2024-03-31T00:00+01:00", "2024-03-31T00:20+01:00"], [1, 2, 2]),
        ("Europe/Berlin", ["2024-03-31T23:50+02:00", "2024-04-01T00:10+02:00"], [1, 2]),
        ("Europe/Berlin", ["2024-10-27T02:50+02:00", "2024-10-27T02:10+01:00"], [1, 1]),
        ("America/Sao_Paulo", ["2018-11-03T23:50-03:00", "2018-11-04T01:00-02:00"], [1, 2]),
        ("Asia/Kathmandu", ["2024-05-05T23:59:59+05:45", "2024-05-06T00:00+05:45"], [1, 2]),
        ("Africa/Monrovia", ["1971-05-05T23:59:59.999-00:44:30", "1971-05-06T00:00-00:44:30"], [1, 2]),
    ],
)  # fmt: skip
def test_a_session_ends_at_midnight_of_its_zone_also_when_clocks_change(zone, moments, expected):
    told = [(ms(moment) - START, NO_TOUCH) for moment in moments]
    assert numbers(told, midnight_zone=zone) == expected
    assert set(numbers(told)) == {1}


def test_what_is_stamped_says_what_brought_the_session_and_what_came_first():
    (one, first), (two, second) = stamped([(START, AD), (START + 99 * M, MAIL)], SessionRules(), {})
    assert (one, two) == (f"{ME:016x}-{START:x}", f"{ME:016x}-{START + 99 * M:x}")
    assert first == Visit(number=1, started_at=START, touch=AD, first_touch=AD, first_touch_at=START)
    assert second == Visit(
        number=2, started_at=START + 99 * M, touch=MAIL, first_touch=AD, first_touch_at=START
    )


def test_a_session_that_nothing_is_known_to_have_brought_is_direct():
    ((_, visit),) = stamped([(START, NO_TOUCH)], SessionRules(), {})
    assert (visit.touch, visit.first_touch) == (DIRECT, NO_TOUCH)


def test_an_earlier_touch_that_comes_late_is_the_first_one():
    later = stamped([(START, MAIL), (START - 999 * M, AD), (START + M, NO_TOUCH)], SessionRules(), {})[2][1]
    assert (later.touch, later.first_touch, later.first_touch_at) == (MAIL, AD, START - 999 * M)


def test_of_a_long_touch_a_bounded_part_is_kept():
    kept = arrival_of(LONG).kept
    assert len(kept) <= TOUCH_BYTES_MAX
    assert kept_touch(kept) == Touch(channel="x" * 24, source="s" * 24, medium="m" * 24)


CALLS: list[tuple[str, dict[str, Any], bool]] = [
    ("a page view", {"type": "page"}, True),
    ("a screen", {"type": "screen"}, True),
    ("a call with its page", {"type": "track", "context": {"page": {"url": "https://shop.example/"}}}, True),
    ("a call with a user agent", {"type": "identify", "context": {"userAgent": "Mozilla/5.0"}}, True),
    ("a call of an app", {"type": "track", "context": {"device": {"type": "ios"}}}, True),
    ("a server's call", {"type": "track", "context": SERVER}, False),
    ("a call without context", {"type": "alias", "previousId": "x"}, False),
    ("an empty page", {"type": "track", "context": {"page": {}}}, False),
    ("a blocked id", {"type": "page", "anonymousId": "undefined", "userId": "ann"}, False),
]


def event_of(call: dict[str, Any]) -> ParsedEvent:
    event = parse(packed(call))
    assert isinstance(event, ParsedEvent)
    return event


@pytest.mark.parametrize(("sentence", "call", "expected"), CALLS, ids=[case[0] for case in CALLS])
def test_only_what_a_device_tells_is_part_of_a_visit(sentence, call, expected):
    event = event_of({"messageId": "m", "anonymousId": "d"} | call)
    about = mentions(event, "m")
    assert about is not None
    state: dict[bytes, bytes] = {}
    visits = Visits(state, SessionRules())
    assert takes_part(event, about) is expected
    assert (visits.of(event, about, ME, AD) == NO_SESSION) is not expected
    visits.save()
    assert bool(state) is expected


times = st.integers(START, START + 200 * MINUTE) | st.integers(0, 6).map(lambda n: START + n * 29 * MINUTE)
touches = st.just(NO_TOUCH) | st.sampled_from(TOUCHES)
seen = st.lists(st.tuples(st.integers(1, 3), times, touches), min_size=1, max_size=40).map(
    lambda drawn: [Seen(f"m{n}", visitor, time, touch) for n, (visitor, time, touch) in enumerate(drawn)]
)
rules = st.builds(
    SessionRules,
    timeout_ms=st.sampled_from([1_000, 30 * MINUTE]),
    new_on_campaign=st.booleans(),
    midnight_zone=st.sampled_from(["", "Europe/Berlin", "Pacific/Auckland"]),
)


def run(
    events: list[Seen], rules: SessionRules, size: int
) -> tuple[dict[str, tuple[str, Visit]], dict[bytes, bytes]]:
    state: dict[bytes, bytes] = {}
    found = {}
    for at in range(0, len(events), size):
        chunk = Visits(state, rules)
        for event in events[at : at + size]:
            found[event.id] = chunk.at(event.visitor, event.time, event.touch)
        chunk.save()
        assert max(map(len, state.values())) < 280
    return found, state


def kept(touch: Touch) -> Touch:
    return kept_touch(arrival_of(touch).kept)


@settings(max_examples=300, deadline=None)
@given(seen, rules, st.integers(1, 20))
def test_in_order_of_time_the_stamps_are_what_a_plain_recomputation_says(events, rules, size):
    found, _ = run(sorted(events, key=order), rules, size)
    expected = {}
    for id, place in places(events, rules).items():
        touch = kept(place.touch) if place.touch.channel else DIRECT
        first = kept(place.first) if place.first.channel else NO_TOUCH
        visit = Visit(number=place.number, started_at=place.started_at, touch=touch)
        visit = msgspec.structs.replace(visit, first_touch=first, first_touch_at=place.first_at)
        expected[id] = place.session_id, visit
    assert found == expected


@settings(max_examples=200, deadline=None)
@given(seen, rules, st.integers(1, 20))
def test_in_any_order_every_event_has_a_session_that_holds_it_and_the_earliest_touch_so_far(
    events, rules, size
):
    found, _ = run(events, rules, size)
    earliest: dict[int, int] = {}
    for event in events:
        session_id, visit = found[event.id]
        assert session_id == f"{event.visitor:016x}-{visit.started_at:x}"
        assert visit.number >= 1
        if event.touch.channel:
            earliest[event.visitor] = min(earliest.get(event.visitor, event.time), event.time)
        assert visit.first_touch_at <= earliest.get(event.visitor, 0)


@settings(max_examples=100, deadline=None)
@given(seen, st.integers(1, 20))
def test_how_events_are_cut_into_chunks_changes_nothing(events, size):
    assert run(events, SessionRules(), size) == run(events, SessionRules(), 1)


def test_a_zone_that_is_none_is_refused_at_the_start():
    assert load(SessionSettings, {"SESSION_MIDNIGHT_ZONE": "Europe/Berlin"}).midnight_zone == "Europe/Berlin"
    for name in ("Europe/Nowhere", "../etc/passwd", "Europe"):
        with pytest.raises(SettingsError):
            load(SessionSettings, {"SESSION_MIDNIGHT_ZONE": name})
