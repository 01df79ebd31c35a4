"""Stage `confirm` as a process of its own that dies, and without ClickHouse for a while: every candidate passed on, once."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.processors.actions.desk import Desk
from tests.sinks.confirming.confirming import (
    HASH_KEY,
    NOW,
    SECOND,
    Confirming,
    candidate,
    id_of,
    number,
    rule,
)
from tests.sinks.stage import Stage, Tables, Topics, stop
from tests.sinks.test_process import Door

CANDIDATES = 1_200
AT_ONCE = "100"  # so that a kill meets a batch in its midst
MEMBERS = 200
HOUR = 3_600 * SECOND


@pytest.fixture
def confirm(kafka: str, topic_prefix: str, clickhouse: str, database: str) -> Iterator[Confirming]:
    found = Confirming(Topics(kafka, topic_prefix), Tables(clickhouse, database))
    yield found
    found.close()


def test_a_stage_that_is_killed_in_mid_batch_passes_every_candidate_on_once(
    confirm: Confirming, tmp_path: Path
) -> None:
    stage = Stage(confirm.topics, confirm.tables, tmp_path)
    confirm.apply(of := rule())
    people = [number() for _ in range(40)]
    candidates = [candidate(of, people[n % len(people)]) for n in range(CANDIDATES)]
    confirm.send(*candidates)
    settings = {"STITCHLINE_HASH_KEY": HASH_KEY, "CONFIRM_CANDIDATES_MAX": AT_ONCE}
    for share in (2, 7):
        with stage.sink("confirm", **settings) as process:
            confirm.wait(lambda floor=CANDIDATES * share // 12: len(confirm.firings()) >= floor)  # type: ignore[misc]
            process.kill()
    with stage.sink("confirm", **settings) as process:
        expected = {id_of(each) for each in candidates}
        confirm.of(*expected)
        assert stop(process) == 0
    counts = Counter(firing.id for firing in confirm.firings())
    assert counts == dict.fromkeys(expected, 1)


def test_a_schedule_whose_members_take_many_transactions_reaches_each_once_though_the_stage_is_killed(
    confirm: Confirming, tmp_path: Path
) -> None:
    """What was passed on before a kill is passed on again, under the same ids, to where it is known."""
    stage = Stage(confirm.topics, confirm.tables, tmp_path)
    weekly = rule(trigger={"schedule": {"cron": "0 9 * * 1", "segment": "weekly"}}, limits={"once": True})
    confirm.apply(weekly)
    members = [number() for _ in range(MEMBERS)]
    rows = [["main", "weekly", each, 1, "v", "enter", "data", 1, 1] for each in members]
    columns = ["workspace", "segment", "profile", "seq", "version", "change", "reason", "run", "attempt"]
    confirm.tables.client.insert("segment_changes", rows, column_names=columns)
    confirm.send(one := candidate(weekly, 0, event=b"", message_id=""))
    settings = {"STITCHLINE_HASH_KEY": HASH_KEY, "CONFIRM_FIRINGS_MAX": "5"}
    for _ in range(2):
        with stage.sink("confirm", **settings) as process:
            known = len(confirm.firings())
            confirm.wait(lambda floor=known: len(confirm.firings()) > floor)  # type: ignore[misc]
            process.kill()
    assert len({firing.id for firing in confirm.firings()}) < MEMBERS, "it was killed between two pages"
    with stage.sink("confirm", **settings):
        confirm.of(*(id_of(one, person=each) for each in members))
    assert len(confirm.came) > MEMBERS, "some were passed on twice"
    desk = Desk(confirm.topics.settings.partitions)
    desk.now = NOW + SECOND
    for place, firing in confirm.came:
        desk.take(firing, home=place)
    assert Counter(each["profile"] for each in desk.firings) == dict.fromkeys(members, 1)
    assert {each["state"] for each in desk.firings} == {"sending"}


def test_candidates_wait_for_clickhouse_and_are_refused_if_they_expire_meanwhile(
    confirm: Confirming, clickhouse: str, tmp_path: Path
) -> None:
    stage = Stage(confirm.topics, confirm.tables, tmp_path)
    confirm.apply(of := rule(limits={"expires_after": "1h"}))
    door = Door(clickhouse)
    soon = candidate(of, number(), at=int(time.time() * 1000) - HOUR + 4 * SECOND)  # noqa: TID251 - the stage's clock
    later = candidate(of, number(), at=NOW)
    with stage.sink("confirm", STITCHLINE_HASH_KEY=HASH_KEY, CLICKHOUSE_URL=door.url) as process:
        confirm.send(soon, later)
        confirm.wait(lambda: "rules wait" in process.said())
        confirm.wait(lambda: time.time() * 1000 > soon.at + HOUR)  # noqa: TID251 - as above
        # The attempt that runs now may have asked for the time before: what begins after the next one's end has not.
        waited = process.said().count("rules wait")
        confirm.wait(lambda: process.said().count("rules wait") > waited)
        # Who it is nobody knows yet; that the first has expired, the stage may have said already.
        assert [firing.id for firing in confirm.firings() if firing.refused != "expired"] == []
        door.open()
        found = confirm.of(id_of(soon), id_of(later))
    door.close()
    assert [firing.refused for firing in found] == ["expired", ""]
