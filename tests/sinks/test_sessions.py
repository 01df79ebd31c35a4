"""Sessions, touches and signed-in time, asked of a real engine: what a plain recomputation says, in any order of arrival."""

import re
from collections import defaultdict
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from processors.enrichment.visits import DIRECT, SessionRules
from processors.identity.facts import LOGIN_EVENTS, LOGOUT_EVENTS
from runtime.environment.settings import SessionSettings
from schemas.wire.codec import RESOLVED_EVENT
from schemas.wire.stamps import NO_TOUCH, Touch
from sinks.migrating.migrations import shipped
from sinks.migrating.session_rules import write_session_rules
from tests.processors.visit_oracle import Place, Seen, order, places
from tests.processors.visits import MINUTE, START, TOUCHES
from tests.sinks.stage import Tables, event

PAGE = (Path(__file__).parents[2] / "docs" / "sessions.md").read_text()
QUERIES = re.findall(r"```sql\n(.*?);\n```", PAGE, re.DOTALL)
VISITORS, EVENTS = 40, 1_500
SETTINGS = [
    SessionSettings(),
    SessionSettings(new_on_campaign=False),
    SessionSettings(timeout_s=600, midnight_zone="Pacific/Auckland"),
    SessionSettings(midnight_zone="Europe/Berlin"),
]
TYPES = ("page", "page", "screen", "track", "identify")


class Told(msgspec.Struct, frozen=True):
    """An event as it is stored; `takes_part` False for one of a server."""

    seen: Seen
    type: str
    event: str = ""
    page: str = ""
    subject: int = 0
    takes_part: bool = True

    def record(self, number: int, workspace: str = "main") -> bytes:
        seen = self.seen
        fields: dict[str, Any] = {"message_id": seen.id, "timestamp": seen.time, "visitor": seen.visitor}
        fields |= {
            "session_id": "stamped" if self.takes_part else "",
            "subject": self.subject or seen.visitor,
        }
        fields |= {"type": self.type, "event": self.event, "name": self.page if self.type == "screen" else ""}
        page = f'{{"page":{{"url":"https://shop.example/{self.page}?q=1#top"}}}}' if self.page else "{}"
        return event(
            number, workspace=workspace, touch=msgspec.to_builtins(seen.touch), context=page, **fields
        )


def history(seed: int) -> list[Told]:
    """Visits at every distance from each other, some events in the same millisecond."""
    random = Random(seed)  # noqa: S311 - the content of a test
    times = dict.fromkeys(range(1, VISITORS + 1), START)
    found = []
    for number in range(EVENTS):
        visitor = random.randint(1, VISITORS)
        times[visitor] += random.choice(
            [0, 1, MINUTE, 9 * MINUTE, 20 * MINUTE, 30 * MINUTE, 31 * MINUTE, 500 * MINUTE]
        )
        touch = random.choice(TOUCHES) if random.random() < 0.3 else NO_TOUCH
        seen = Seen(f"m{number:05}", visitor, times[visitor], touch)
        page = random.choice(["", "a", "b"])
        found.append(Told(seen, random.choice(TYPES), page=page, subject=visitor % 30 + 1))
    found.append(
        Told(Seen("zero", VISITORS + 1, 0, TOUCHES[0]), "page", page="a", subject=1)
    )  # the first millisecond of all
    return found


M = MINUTE
SIGNED: list[tuple[str, list[tuple[int, str, bool]], list[int]]] = [
    ("from login to logout", [(0, "", True), (M, "Signed In", True), (5 * M, "Signed Out", True), (9 * M, "", True)], [4 * M]),
    ("to the end of the session without logout", [(0, "Logged In", True), (20 * M, "", True)], [20 * M]),
    ("over sessions", [(0, "login", True), (M, "", True), (99 * M, "", True), (102 * M, "", True)], [M, 3 * M]),
    ("up to a first logout", [(0, "", True), (3 * M, "Logged Out", True), (4 * M, "", True)], [3 * M]),
    ("by a server's word", [(0, "", True), (2 * M, "Signed In", False), (6 * M, "", True)], [4 * M]),
    ("not without such an event", [(0, "", True), (2 * M, "", True)], []),
    ("not between sessions", [(0, "Signed In", True), (60 * M, "Signed Out", True)], []),
    ("by a clock that was never set", [(-START, "Signed In", True), (2 * M - START, "", True)], [2 * M]),
]  # fmt: skip


def signings() -> list[Told]:
    """Each case is a visitor, in a workspace of their own."""
    return [
        Told(
            Seen(f"s{case}-{n}", 1_000 + case, START + at),
            "track" if name else "page",
            name,
            "",
            7,
            takes_part,
        )
        for case, (_, events, _) in enumerate(SIGNED)
        for n, (at, name, takes_part) in enumerate(events)
    ]


@pytest.fixture(scope="module")
def told() -> list[Told]:
    return history(1)


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str, told: list[Told]) -> Tables:
    """All of it, shuffled, in several blocks."""
    tables = Tables(clickhouse, module_database)
    signed = [one.record(number, "signed") for number, one in enumerate(reversed(signings()))]
    tables.insert("events_in", RESOLVED_EVENT, signed, "signed")
    shuffled = list(told)
    Random(7).shuffle(shuffled)  # noqa: S311 - the order of a test
    for at in range(0, len(told), 400):
        records = [one.record(at + number) for number, one in enumerate(shuffled[at : at + 400])]
        tables.insert("events_in", RESOLVED_EVENT, records, f"block{at}")
    return tables


def rules_of(settings: SessionSettings) -> SessionRules:
    return SessionRules(
        timeout_ms=settings.timeout_s * 1000,
        new_on_campaign=settings.new_on_campaign,
        midnight_zone=settings.midnight_zone,
    )


def ruled(tables: Tables, settings: SessionSettings) -> SessionRules:
    write_session_rules(tables.client, tables.settings.database, settings)
    return rules_of(settings)


def expected_sessions(told: list[Told], found: dict[str, Place]) -> dict[str, tuple[Any, ...]]:
    """By session id: number, start, end, page views, events, landing page, exit page, bounce, touch, subject."""
    by_session: dict[str, list[Told]] = defaultdict(list)
    for one in sorted(told, key=lambda one: order(one.seen)):
        by_session[found[one.seen.id].session_id].append(one)
    return {session: _summary(ones, found[ones[0].seen.id]) for session, ones in by_session.items()}


def _summary(ones: list[Told], place: Place) -> tuple[Any, ...]:
    at = sorted((one.seen.time, _shown(one)) for one in ones if _shown(one))
    views = sum(one.type in ("page", "screen") for one in ones)
    acts = sum(one.type == "track" for one in ones)
    touch = next((one.seen.touch for one in ones if one.seen.touch.channel), DIRECT)
    pages = (at[0][1], at[-1][1]) if at else ("", "")
    subject = min((one.seen.time, one.subject) for one in ones)[1]
    end = ones[-1].seen.time
    return (
        place.number,
        place.started_at,
        end,
        views,
        len(ones),
        *pages,
        views + acts <= 1,
        touch,
        f"{subject:016x}",
    )


def _shown(one: Told) -> str:
    page = f"https://shop.example/{one.page}" if one.page else ""
    return one.page if one.type == "screen" else page


SESSIONS = """
SELECT session_id, number, toUnixTimestamp64Milli(started_at), toUnixTimestamp64Milli(ended_at), page_views, events,
    landing_page, exit_page, is_bounce, touch, profile_id
FROM sessions WHERE workspace = 'main'"""


@pytest.mark.parametrize("settings", SETTINGS, ids=["default", "campaigns off", "a zone", "daylight saving"])
def test_views_of_shuffled_events_say_what_a_plain_recomputation_says(tables, told, settings):
    found = places([one.seen for one in told], ruled(tables, settings))
    rows = tables.rows("SELECT message_id, session_id FROM event_sessions WHERE workspace = 'main'")
    assert len(rows) == len(told)
    assert dict(rows) == {id: place.session_id for id, place in found.items()}
    sessions = {row[0]: (*row[1:8], bool(row[8]), Touch(**row[9]), row[10]) for row in tables.rows(SESSIONS)}
    assert sessions == expected_sessions(told, found)


def test_a_range_has_the_sessions_that_begin_in_it(tables):
    ruled(tables, SessionSettings())
    since, until = "'2024-05-06 00:00:00'", "'2024-05-08 12:00:00'"
    columns = "session_id, ended_at, page_views, landing_page, touch.channel"
    whole = tables.rows(
        f"SELECT {columns} FROM sessions WHERE workspace = 'main' AND started_at >= {since} AND started_at < {until} ORDER BY 1"  # noqa: S608 - ours
    )
    some = tables.rows(
        f"SELECT {columns} FROM sessions_between(since = {since}, until = {until}) WHERE workspace = 'main' ORDER BY 1"  # noqa: S608 - ours
    )
    assert some == whole
    assert len(some) > 20


def test_a_profile_counts_its_sessions_over_all_its_visitors(tables):
    ruled(tables, SessionSettings())
    rows = tables.rows(
        "SELECT profile_id, profile_number, started_at FROM sessions WHERE workspace = 'main' ORDER BY 1, 2"
    )
    by_profile: dict[str, list[tuple[int, Any]]] = defaultdict(list)
    for profile, number, started in rows:
        by_profile[profile].append((number, started))
    for numbered in by_profile.values():
        assert [number for number, _ in numbered] == list(range(1, len(numbered) + 1))
        assert [started for _, started in numbered] == sorted(started for _, started in numbered)
    assert len(by_profile) == 30


@pytest.mark.parametrize("settings", SETTINGS[:2], ids=["default", "campaigns off"])
def test_touches_are_the_arrivals_in_order(tables, told, settings):
    found = places([one.seen for one in told], ruled(tables, settings))
    arrived = {(one.seen.visitor, one.seen.time) for one in told if found[one.seen.id].touch.channel}
    rows = tables.rows(
        "SELECT profile_id, visitor, toUnixTimestamp64Milli(timestamp), touch, number FROM touches "
        "WHERE workspace = 'main' ORDER BY 1, number"
    )
    assert {row[1:3] for row in rows} <= arrived
    if settings.new_on_campaign:
        brought = {place.started_at for place in found.values() if place.touch.channel}
        sessions = {place.session_id for place in found.values() if place.touch.channel}
        assert {row[2] for row in rows} == brought
        assert len(rows) == len(sessions)
    by_profile: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        by_profile[row[0]].append(row)
    first = dict(tables.rows("SELECT profile_id, touch FROM first_touch"))
    last = dict(tables.rows("SELECT profile_id, touch FROM last_touch"))
    assert first == {profile: mine[0][3] for profile, mine in by_profile.items()}
    assert last == {profile: mine[-1][3] for profile, mine in by_profile.items()}


@pytest.mark.parametrize("case", range(len(SIGNED)), ids=[case[0] for case in SIGNED])
def test_signed_in_time_is_counted(tables, case):
    ruled(tables, SessionSettings())
    rows = tables.rows(
        f"SELECT signed_in_ms, profile_id FROM signed_in WHERE visitor = {1_000 + case} ORDER BY started_at"  # noqa: S608 - ours
    )
    assert rows == [(lasted, f"{7:016x}") for lasted in SIGNED[case][2]]


def test_the_view_knows_the_names_of_logins_and_logouts():
    (text,) = [migration.text for migration in shipped() if migration.name.endswith("_sessions.sql")]
    logins = ", ".join(f"'{name}'" for name in sorted(LOGIN_EVENTS))
    logouts = ", ".join(f"'{name}'" for name in sorted(LOGOUT_EVENTS))
    assert f"IN ({logins}, {logouts})" in text
    assert f"NOT IN ({logouts})" in text


@pytest.mark.parametrize("number", range(len(QUERIES)))
def test_the_queries_of_the_page_have_answers(tables, number):
    ruled(tables, SessionSettings())
    assert tables.rows(
        QUERIES[number].replace("'main'", "'signed'") if "signed_in" in QUERIES[number] else QUERIES[number]
    )


def test_rules_are_written_when_they_change_and_kept(tables):
    count = "SELECT count() FROM session_rules"
    ruled(tables, SessionSettings(timeout_s=5))
    before = tables.row(count)[0]
    ruled(tables, SessionSettings(timeout_s=5))
    assert tables.row(count)[0] == before
    ruled(tables, SessionSettings())
    assert tables.row(count)[0] == before + 1
