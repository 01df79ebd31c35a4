"""Threads for inserts: beside each other, and whatever happens to one comes back."""

import threading

import pytest

from sinks.storing.block import Block
from sinks.storing.failure import Unavailable
from sinks.storing.inserts import Ended, InsertThreads

PATIENCE_S = 60.0


def block(partition: int) -> Block:
    return Block("ledger", partition, 0, 1, 4, (), ())


def collected(inserts: InsertThreads, number: int) -> list[Ended]:
    found: list[Ended] = []
    while len(found) < number:
        more = inserts.ended(PATIENCE_S)
        assert more, "nothing ended in time"
        found += more
    return found


def test_as_many_inserts_run_at_once_as_there_are_stores() -> None:
    meeting = threading.Barrier(2, timeout=PATIENCE_S)

    def store(block: Block) -> int:
        return meeting.wait() * 0 + block.partition

    inserts = InsertThreads("ledger", [store, store])
    assert inserts.at_once == 2
    assert inserts.ended(0) == []
    inserts.start(block(1))
    inserts.start(block(2))
    assert sorted((ended.block.partition, ended.refused) for ended in collected(inserts, 2)) == [
        (1, 1),
        (2, 2),
    ]
    inserts.close()


@pytest.mark.parametrize("error", [Unavailable("away"), ZeroDivisionError("a bug")])
def test_what_stopped_an_insert_comes_back_and_the_next_one_runs(error: Exception) -> None:
    errors = [error]

    def store(block: Block) -> int:
        if errors:
            raise errors.pop()
        return 0

    inserts = InsertThreads("ledger", [store])
    inserts.start(block(0))
    inserts.start(block(1))
    first, second = collected(inserts, 2)
    assert (first.block.partition, first.error) == (0, error)
    assert (second.block.partition, second.error) == (1, None)
    inserts.close()
