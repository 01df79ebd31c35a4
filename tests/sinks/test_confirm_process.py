"""Stage `confirm` as a process of its own that dies, and without ClickHouse for a while: every candidate passed on, once."""

import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sinks.confirming import HASH_KEY, NOW, SECOND, Confirming, candidate, id_of, number, rule
from tests.sinks.stage import Stage, Tables, Topics, stop
from tests.sinks.test_process import Door

CANDIDATES = 1_200
AT_ONCE = "100"  # so that a kill meets a batch in its midst
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
        # Who it is nobody knows yet; that the first has expired, the stage may have said already.
        assert [firing.id for firing in confirm.firings() if firing.refused != "expired"] == []
        door.open()
        found = confirm.of(id_of(soon), id_of(later))
    door.close()
    assert [firing.refused for firing in found] == ["expired", ""]
