"""Who enters and who leaves, when, and why; that a refresh finds what a look at everybody finds. Real ClickHouse."""

from collections.abc import Iterator
from random import Random

import pytest

from console.refreshing.refresh import note_edited, run_once
from console.refreshing.refresh_check import check
from console.refreshing.refresh_plan import Attempt
from tests.console.refresh_stage import ALL, HOUR_MS, LATELY, TWICE, VIEWED, Shop, defined, segment
from tests.sinks.stage import START_MS, Tables

MINUTE_MS = 60_000


@pytest.fixture(scope="module")
def tables(clickhouse: str, module_database: str) -> Tables:
    return Tables(clickhouse, module_database)


@pytest.fixture
def shop(tables: Tables) -> Iterator[Shop]:
    made = Shop(tables)
    yield made
    made.empty()


def test_who_is_there_when_a_segment_is_made_is_told_as_initial(shop: Shop) -> None:
    shop.view(1, 0)
    shop.view(2, 0)
    shop.view(2, 1000)
    report = shop.refresh(MINUTE_MS)
    assert (report.run, report.is_full, report.told, report.drift) == (1, True, 3, 0)
    assert shop.news() == [
        ("lately", 1, "enter", "initial"),
        ("lately", 2, "enter", "initial"),
        ("twice", 2, "enter", "initial"),
    ]


def test_what_arrives_moves_those_who_did_it_by_the_time_of_the_event(shop: Shop) -> None:
    shop.view(1, 0)
    shop.view(2, 0)
    shop.refresh(MINUTE_MS)
    shop.news()
    shop.view(1, 2 * MINUTE_MS)
    report = shop.refresh(3 * MINUTE_MS)
    assert (report.is_full, report.touched, shop.news()) == (False, 1, [("twice", 1, "enter", "data")])
    found = shop.row("twice", 1)
    assert (found["entered_at"], found["effective_at"]) == (3 * MINUTE_MS, 2 * MINUTE_MS)
    assert (found["left_at"], found["seq"]) == (None, 1)


def test_time_alone_moves_people_at_the_very_millisecond_at_which_their_window_ends(shop: Shop) -> None:
    shop.view(1, 5000)
    shop.refresh(MINUTE_MS)
    shop.news()
    shop.refresh(HOUR_MS + 5000)
    assert shop.news() == []
    shop.refresh(HOUR_MS + 5001)
    assert shop.news() == [("lately", 1, "leave", "time")]
    found = shop.row("lately", 1)
    assert (found["left_at"], found["effective_at"]) == (HOUR_MS + 5001, HOUR_MS + 5000)
    shop.refresh(3 * HOUR_MS)
    assert shop.news() == [("never", 1, "enter", "time")]
    assert shop.row("never", 1)["effective_at"] == 2 * HOUR_MS + 5000


def test_an_event_of_the_future_counts_when_time_has_passed_it(shop: Shop) -> None:
    shop.view(1, 0)
    shop.view(1, 10 * MINUTE_MS)
    shop.refresh(MINUTE_MS)
    shop.news()
    shop.refresh(10 * MINUTE_MS)
    assert shop.news() == []
    shop.refresh(11 * MINUTE_MS)
    assert shop.news() == [("twice", 1, "enter", "time")]
    assert shop.row("twice", 1)["effective_at"] == 10 * MINUTE_MS


def test_a_late_event_counts_at_the_next_refresh(shop: Shop) -> None:
    shop.view(1, HOUR_MS)
    shop.refresh(HOUR_MS + MINUTE_MS)
    shop.news()
    shop.view(1, 1000)
    shop.refresh(HOUR_MS + 2 * MINUTE_MS)
    assert shop.news() == [("twice", 1, "enter", "data")]
    assert shop.row("twice", 1)["effective_at"] == 1000


def test_a_merge_keeps_the_survivors_stay_and_ends_the_absorbed_ones(shop: Shop) -> None:
    for who in (1, 2, 2, 3):
        shop.view(who, 1000 * who)
    shop.refresh(MINUTE_MS)
    shop.news()
    shop.point(2, 1)  # 2 was in both, 1 in one
    shop.refresh(2 * MINUTE_MS)
    assert shop.news() == [
        ("lately", 2, "leave", "merge"),
        ("twice", 1, "enter", "merge"),
        ("twice", 2, "leave", "merge"),
    ]
    assert shop.row("lately", 1)["entered_at"] == MINUTE_MS
    shop.point(3, 1)
    shop.refresh(3 * MINUTE_MS)
    assert shop.news() == [("lately", 3, "leave", "merge")]


def test_whoever_is_parted_is_looked_at_anew_on_both_sides(shop: Shop) -> None:
    shop.view(1, 1000)
    shop.view(2, 2000)
    shop.point(2, 1)
    shop.refresh(MINUTE_MS)
    assert shop.news() == [("lately", 1, "enter", "initial"), ("twice", 1, "enter", "initial")]
    shop.point(2, 2, is_deleted=True)
    shop.refresh(2 * MINUTE_MS)
    assert shop.news() == [("lately", 2, "enter", "identity"), ("twice", 1, "leave", "identity")]


def test_a_device_that_gets_two_owners_moves_both(shop: Shop) -> None:
    half = START_MS + 5000
    shop.view(7, 1000, 2000, 8000, 9000)
    shop.view(1, 500)
    shop.view(2, 500)
    shop.refresh(MINUTE_MS)
    shop.news()
    spans = [
        {"valid_from": 0, "valid_to": half, "owner": 1},
        {"valid_from": half, "valid_to": half * 2, "owner": 2},
    ]
    shop.point(7, 7, segments=spans)
    shop.refresh(2 * MINUTE_MS)
    assert shop.news() == [
        ("lately", 7, "leave", "identity"),
        ("twice", 1, "enter", "identity"),
        ("twice", 2, "enter", "identity"),
        ("twice", 7, "leave", "identity"),
    ]


def test_an_edited_definition_moves_people_by_definition_and_a_deleted_one_ends_all_stays(shop: Shop) -> None:
    for who in (1, 2, 2):
        shop.view(who, 1000)
    shop.refresh(MINUTE_MS, TWICE, LATELY)
    shop.news()
    once = segment("twice", {"did": VIEWED | {"count": {"lte": 1}}})
    shop.refresh(2 * MINUTE_MS, once, LATELY)
    assert shop.news() == [("twice", 1, "enter", "definition"), ("twice", 2, "leave", "definition")]
    shop.refresh(3 * MINUTE_MS, once)
    assert shop.news() == [("lately", 1, "leave", "definition"), ("lately", 2, "leave", "definition")]
    shop.refresh(4 * MINUTE_MS, once, LATELY)
    assert shop.news() == [("lately", 1, "enter", "initial"), ("lately", 2, "enter", "initial")]
    assert shop.row("lately", 1)["seq"] == 3
    stays = shop.tables.rows(
        "SELECT profile, left_reason FROM segment_stays WHERE segment = 'lately' ORDER BY 1, 2"
    )
    assert stays == [(1, ""), (1, "definition"), (2, ""), (2, "definition")]


def test_an_attempt_that_was_cut_off_is_made_again_as_of_its_own_instant(shop: Shop) -> None:
    shop.view(1, 1000)
    shop.refresh(MINUTE_MS, LATELY)
    shop.memory.claim(Attempt(2, 1, START_MS + HOUR_MS, {0: 2}))
    shop.view(1, HOUR_MS + 1500)
    shop.view(2, HOUR_MS + 1600)
    report = shop.refresh(HOUR_MS + MINUTE_MS, LATELY)
    assert report.run == 3
    attempts = shop.tables.rows(
        "SELECT run, attempt, instant FROM segment_runs WHERE step = 'sealed' ORDER BY run"
    )
    assert [(run, attempt) for run, attempt, _ in attempts] == [(1, 1), (2, 2), (3, 1)]
    assert round(attempts[1][2].timestamp() * 1000) % HOUR_MS == START_MS % HOUR_MS
    assert [each.run for each in shop.memory.told] == [1, 3]
    assert shop.members("lately") == {1, 2}


def test_what_an_unsealed_attempt_wrote_is_never_read(shop: Shop) -> None:
    shop.view(1, 1000)
    shop.refresh(MINUTE_MS, LATELY)
    shop.tables.client.command("INSERT INTO segment_runs (run, attempt, step) VALUES (2, 1, 'begun')")
    shop.tables.client.command(
        "INSERT INTO segment_changes SELECT * REPLACE (2 AS run, 2 AS seq, 'leave' AS change) FROM segment_changes"
    )
    assert shop.members("lately") == {1}
    shop.tables.client.command("INSERT INTO segment_runs (run, attempt, step) VALUES (2, 1, 'sealed')")
    assert shop.members("lately") == set()


def test_a_segment_that_fails_leaves_the_others_alone_and_says_why(shop: Shop) -> None:
    spent = segment("spent", {"did": {"event": "Order Completed", "sum": {"path": "revenue", "lte": 10}}})
    asked = defined(spent, LATELY)
    note_edited(shop.tools().tables, asked, dict.fromkeys(asked, "{}"), START_MS)
    shop.view(1, 1000)
    shop.refresh(MINUTE_MS, spent, LATELY)
    assert shop.news() == [("lately", 1, "enter", "initial"), ("spent", 1, "enter", "initial")]
    shop.view(2, 2000)
    shop.tables.client.command("RENAME TABLE base_currency TO no_currency")
    try:
        report = shop.refresh(2 * MINUTE_MS, spent, LATELY)
    finally:
        shop.tables.client.command("RENAME TABLE no_currency TO base_currency")
    assert shop.news() == [("lately", 2, "enter", "data")]
    assert "base_currency" in report.standings["main", "spent"].error
    states = "SELECT segment, state, size, reason != '' FROM segment_states ORDER BY segment"
    assert shop.tables.rows(states) == [("lately", "late", 2, True), ("spent", "failed", 1, True)]
    shop.refresh(3 * MINUTE_MS, spent, LATELY)
    assert shop.news() == [("spent", 2, "enter", "data")]


def test_states_say_how_fresh_each_segment_is(shop: Shop) -> None:
    asked = defined(LATELY, TWICE)
    note_edited(shop.tools().tables, asked, dict.fromkeys(asked, "{}"), START_MS)
    state = "SELECT DISTINCT state FROM segment_states"
    assert shop.tables.rows(state) == [("refreshing",)]
    shop.view(1, 1000)
    shop.refresh(MINUTE_MS, LATELY, TWICE)
    assert shop.tables.rows(state) == [("late",)]  # that was years ago
    run_once(shop.tools(period_s=2_000_000_000), asked, START_MS + 2 * MINUTE_MS)
    assert shop.tables.rows(state) == [("live",)]
    note_edited(shop.tools().tables, defined(LATELY), {("main", "lately"): "{}"}, START_MS + 1)
    assert shop.tables.rows("SELECT segment, size FROM segment_states") == [("lately", 1)]


def test_a_look_at_everybody_finds_what_no_refresh_could_know_and_calls_it_drift(shop: Shop) -> None:
    for who in range(1, 5):
        shop.view(who, 1000)
    shop.refresh(MINUTE_MS)
    shop.news()
    shop.view(3, 2000, raw_offset=0)  # below the mark: it was said to be stored
    shop.refresh(2 * MINUTE_MS)
    assert shop.news() == []
    found = check(shop.tools().tables, defined(*ALL), 1)
    assert (found.run, found.drift) == (2, {("main", "twice"): 1})
    report = shop.refresh(3 * MINUTE_MS, is_full=True)
    assert (report.drift, report.standings["main", "twice"].drift) == (1, 1)
    assert shop.news() == [("twice", 3, "enter", "data")]
    assert check(shop.tools().tables, defined(*ALL), 5).drift == {}


def test_a_check_leaves_out_what_the_next_refresh_will_tell(shop: Shop) -> None:
    shop.view(1, 1000)
    shop.refresh(MINUTE_MS)
    shop.view(1, 2000)
    shop.view(2, 2000)
    shop.point(1, 2)
    assert check(shop.tools().tables, defined(*ALL), 1).drift == {}


def test_any_series_of_refreshes_ends_where_one_look_at_everybody_ends(shop: Shop) -> None:
    chance = Random(8)  # noqa: S311 - the same story each time
    at_ms = 0
    for _ in range(7):
        for _ in range(chance.randrange(4)):
            shop.view(chance.randrange(1, 9), at_ms - chance.choice([0, 1000, HOUR_MS, -HOUR_MS]))
        if chance.random() < 0.5:
            shop.point(chance.randrange(5, 9), chance.randrange(1, 5), is_deleted=chance.random() < 0.3)
        at_ms += chance.choice([MINUTE_MS, HOUR_MS // 2, HOUR_MS])
        shop.refresh(at_ms)
    report = shop.refresh(at_ms, is_full=True)
    assert (report.is_full, report.told, report.drift) == (True, 0, 0)
    by_hand = {each.segment: shop.members(each.segment) for each in ALL}
    shop.tables.client.command("TRUNCATE TABLE segment_changes")
    shop.tables.client.command("TRUNCATE TABLE segment_runs")
    shop.memory.claimed = None
    shop.refresh(at_ms)
    assert {each.segment: shop.members(each.segment) for each in ALL} == by_hand
