"""The example's totals per profile: right after every merge and split, whatever comes first, twice, or from a compacted topic."""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.examples.totals import END, Order, Sum, Totals
from tests.processors.driver import Pipeline, ms
from tests.processors.histories import PATIENT, mixed, rulings, visits

Record = dict[str, Any]
Part = tuple[int, int, int]
DEVICE, TABLET, MAIL, ANN, BOB, CARL = 1, 2, 3, 4, 5, 6


@pytest.fixture
def totals() -> Iterator[Totals]:
    found = Totals(":memory:")
    yield found
    found.close()


def order(subject: int, happened: int = 10, message: str = "m", amount: int = 5) -> Order:
    return Order(subject, happened, message, amount)


def test_a_merge_takes_a_nodes_orders_to_its_owner_and_all_that_it_had_received(totals: Totals) -> None:
    totals.add(order(DEVICE))
    totals.add(order(MAIL, amount=7))
    totals.change(DEVICE, 1, (0, END, MAIL))
    assert totals.profiles() == {MAIL: Sum(12, 2)}
    totals.change(MAIL, 1, (0, END, ANN))
    totals.add(order(DEVICE, message="later", amount=1))
    assert totals.profiles() == {ANN: Sum(13, 3)}


def test_a_chain_is_taken_away_and_given_back_as_a_whole(totals: Totals) -> None:
    for number, (node, owner) in enumerate([(DEVICE, MAIL), (MAIL, ANN), (ANN, BOB)]):
        totals.add(order(node, message=str(number)))
        totals.change(node, 1, (0, END, owner))
    assert totals.profiles() == {BOB: Sum(15, 3)}
    totals.change(MAIL, 2, (0, END, CARL))
    assert totals.profiles() == {BOB: Sum(5, 1), CARL: Sum(10, 2)}
    totals.change(MAIL, 3, (0, END, MAIL))
    assert totals.profiles() == {BOB: Sum(5, 1), MAIL: Sum(10, 2)}


def test_a_split_takes_orders_by_their_time_and_a_new_cut_moves_those_between(totals: Totals) -> None:
    for moment in (10, 20, 30, 40):
        totals.add(order(TABLET, moment, amount=moment))
    totals.change(TABLET, 1, (0, END, ANN))
    totals.change(TABLET, 2, (25, END, BOB))
    assert totals.profiles() == {ANN: Sum(30, 2), BOB: Sum(70, 2)}
    totals.change(TABLET, 3, (15, 25, BOB))
    totals.change(TABLET, 3, (35, END, TABLET))
    assert totals.profiles() == {ANN: Sum(10, 1), BOB: Sum(50, 2), TABLET: Sum(40, 1)}
    totals.add(order(TABLET, 36))
    assert totals.profiles()[TABLET] == Sum(45, 2)


def test_what_comes_again_or_is_older_than_what_is_known_changes_nothing(totals: Totals) -> None:
    for _ in range(2):
        totals.add(order(DEVICE))
        totals.change(DEVICE, 2, (0, END, ANN))
        totals.change(DEVICE, 1, (0, END, BOB))
        totals.point(DEVICE, 1, [(0, END, CARL)])
    assert totals.profiles() == {ANN: Sum(5, 1)}


def test_what_is_erased_is_taken_from_its_owners_and_does_not_come_back(totals: Totals) -> None:
    totals.change(DEVICE, 1, (0, END, MAIL))
    totals.change(MAIL, 1, (0, END, ANN))
    for moment in (10, 20, 30):
        totals.add(order(DEVICE, moment))
    for _ in range(2):
        totals.erase(DEVICE, 10, 20)
        totals.add(order(DEVICE, 10))
        assert totals.profiles() == {ANN: Sum(5, 1)}
    totals.change(MAIL, 2, (0, END, BOB))
    assert totals.profiles() == {BOB: Sum(5, 1)}


def test_what_was_not_written_as_a_whole_was_not_written(tmp_path: Path) -> None:
    path = str(tmp_path / "totals.db")
    totals = Totals(path)
    with totals.transaction():
        totals.add(order(DEVICE))
        totals.move_to({("events", 0): 1})
    totals.change(DEVICE, 1, (0, END, ANN))
    totals.move_to({("changes", 0): 1})
    totals.close()
    again = Totals(path)
    assert again.profiles() == {DEVICE: Sum(5, 1)}
    assert (again.position("events", 0), again.position("changes", 0)) == (1, None)
    again.close()


class Feed:
    """The public topics of a run of the cores, as a consumer may get them."""

    def __init__(self, pipeline: Pipeline, seed: int) -> None:
        self.random = Random(seed)  # noqa: S311 - the order of a test
        self.events = pipeline.records["events.resolved"]
        self.changes = pipeline.records["profile.changes"]
        self.pointers = pipeline.pointers.values()

    def in_some_order(self, *topics: Iterable[Record]) -> list[Record]:
        """Events anywhere, records of one node in their order, some of all twice."""
        queues: dict[Any, list[Record]] = {}
        for record in chain(*topics):
            queues.setdefault(record.get("message_id") or record["node"], []).append(record)
        found = []
        waiting = list(queues.values())
        while waiting:
            queue = self.random.choice(waiting)
            found += [queue.pop(0)] * self.random.choice((1, 1, 2))
            waiting = [queue for queue in waiting if queue]
        return found


def take(totals: Totals, records: Iterable[Record]) -> None:
    for record in records:
        if "message_id" in record:
            totals.add(Order(record["subject"], record["timestamp"], record["message_id"], 1))
        elif "to" in record:
            part = ms(record["valid_from"]), ms(record["valid_to"]), record["to"]
            totals.change(record["node"], record["version"], part)
        else:
            parts = [(ms(one["valid_from"]), ms(one["valid_to"]), one["owner"]) for one in record["segments"]]
            totals.point(record["node"], record["version"], parts or [(0, END, record["owner"])])


def found_by(records: Iterable[Record]) -> dict[str, Sum]:
    totals = Totals(":memory:")
    take(totals, records)
    found = {f"{profile:016x}": total for profile, total in totals.profiles().items()}
    totals.close()
    return found


@PATIENT
@given(visits(), rulings(), st.integers(0, 1000))
def test_every_way_of_reading_gives_the_people_of_now(history, orders, seed):
    pipeline = Pipeline(seed=seed)
    for event in mixed(history, orders, seed):
        pipeline.visit([event])
    wanted = {profile: Sum(count, count) for profile, count in Counter(pipeline.profiles().values()).items()}
    feed = Feed(pipeline, seed)
    compacted = {(change["node"], change["valid_from"]): change for change in feed.changes}.values()
    assert found_by(feed.in_some_order(feed.events, feed.changes)) == wanted, "from the beginning"
    assert found_by([*feed.pointers, *feed.in_some_order(feed.events, compacted)]) == wanted, "late"
    half = feed.changes[: len(feed.changes) // 2]
    slept = [*feed.in_some_order(feed.events, half), *feed.pointers, *feed.in_some_order(compacted)]
    assert found_by(slept) == wanted, "after a long sleep"


def test_others_may_read_while_it_writes(tmp_path: Path) -> None:
    totals = Totals(str(tmp_path / "totals.db"))
    with totals.transaction():
        totals.add(order(DEVICE))
    with totals.transaction():
        totals.add(order(ANN))
        other = sqlite3.connect(tmp_path / "totals.db")
        assert other.execute("SELECT profile FROM totals").fetchall() == [(DEVICE,)]
        other.close()
    totals.close()
