"""Wherever the process dies, every record is stored exactly once: shown by dying everywhere."""

import threading
from contextlib import suppress

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks.storing.failure import Refused, SinkError, TooManyRefused, Unavailable
from sinks.storing.intent import intent_of
from sinks.storing.lanes import Lanes
from sinks.storing.reload import ReloadTimer
from sinks.storing.rows import Rows
from tests.sinks.world import LIMITS, Died, Process, World, live

fates = st.sampled_from(["well", "well", "well", "fails", "dies before", "dies after"])
gaps = st.lists(st.integers(1, 3), min_size=1, max_size=15)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(gaps, min_size=1, max_size=3),
    st.lists(fates, max_size=60),
    st.lists(st.booleans(), max_size=40),
    st.lists(st.booleans(), max_size=60),
    st.sampled_from([1, 20, 10_000]),
)
def test_every_record_is_stored_once_wherever_processes_die(
    gaps_of: list[list[int]], drawn: list[str], moves: list[bool], delays: list[bool], held_bytes_max: int
) -> None:
    offsets = {
        partition: [sum(gaps[: place + 1]) for place in range(len(gaps))]
        for partition, gaps in enumerate(gaps_of)
    }
    world = World(offsets, drawn, moves, delays)
    while not world.is_done:
        with suppress(Died):
            live(world, held_bytes_max)
    for partition, expected in offsets.items():
        names = [token.split("-")[1:] for token in world.blocks]
        ranges = sorted((int(start), int(end)) for number, start, end in names if int(number) == partition)
        covered = [offset for start, end in ranges for offset in expected if start <= offset < end]
        assert covered == expected


def test_two_partitions_blocks_are_on_their_way_at_once() -> None:
    world = World({0: [1, 2, 3], 1: [1, 2, 3], 2: [1, 2, 3]}, delays=[True] * 20)
    assert live(world).inserts.most == 2
    assert len(world.blocks) == 3


def test_reading_goes_on_beside_an_insert_until_enough_is_held() -> None:
    def polls_beside(held_bytes_max: int) -> int:
        return live(World({0: list(range(40))}, delays=[True] * 20), held_bytes_max).polls_beside

    assert polls_beside(10_000) > 10
    assert polls_beside(1) == 0


def test_a_partition_goes_when_its_insert_has_ended_and_is_committed() -> None:
    world = World({0: [1, 2, 3, 4, 5, 6]}, moves=[False, False, True], delays=[True] * 10)
    live(world)
    assert sorted(world.blocks) == ["ledger-0-1-4", "ledger-0-4-7"]  # neither was begun again


def test_a_refusal_that_a_person_must_mend_ends_the_loop_with_the_intent_standing() -> None:
    world = World({0: [1, 2, 3]})

    def refuse(table: str, rows: Rows, token: str) -> None:
        raise Refused(60, "no such table")

    world.insert = refuse  # type: ignore[method-assign]
    with pytest.raises(Refused, match="no such table"):
        live(world)
    assert intent_of(*world.committed[0]) is not None


def test_what_waits_when_the_loop_is_told_to_stop_is_stored_first() -> None:
    world = World({0: [1, 2]})
    stop = threading.Event()
    process = Process(world, stop)
    loop = process.loop()
    process.lanes.add(process.poll(0))
    stop.set()
    loop.run(stop, clock=lambda: 0.0)
    assert world.is_done


def test_records_of_a_revoked_partition_are_forgotten() -> None:
    world = World({0: [1, 2]})
    stop = threading.Event()
    process = Process(world, stop)
    loop = process.loop()
    process.lanes.add(process.poll(0))
    process.lanes.revoked([0])
    stop.set()
    loop.run(stop, clock=lambda: 0.0)
    assert world.blocks == {}


@pytest.mark.parametrize("outage", [Unavailable("away"), Refused(497, "not allowed")])
def test_dictionaries_are_loaded_after_the_last_insert_and_their_failure_stops_nothing(
    outage: Exception,
) -> None:
    world = World({0: [1, 2]})
    loads: list[int] = []
    failing = [outage]

    def load() -> None:
        if failing:
            raise failing.pop()
        loads.append(len(world.blocks))

    stop = threading.Event()
    process = Process(world, stop)
    loop = process.loop()
    loop.reload_after_inserts(load, ReloadTimer(0.1))
    ticks = iter(range(1_000_000))
    loop.run(stop, clock=lambda: next(ticks) * 0.1)
    assert loads[-1] == len(world.blocks) == 1


QUOTE = "Cannot parse string 'ann@example.com'"


@pytest.mark.parametrize(
    "error", [Refused(252, QUOTE), Unavailable(QUOTE), Refused(60, QUOTE), Refused(117, QUOTE)]
)
def test_no_log_line_quotes_clickhouse_and_each_names_the_block(error: SinkError) -> None:
    world = World({0: [1, 2, 3]})
    errors = [error] * 9

    def refuse(table: str, rows: Rows, token: str) -> None:
        if errors:
            raise errors.pop()
        world.blocks.setdefault(token, rows)

    world.insert = refuse  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as lines, suppress(Refused, TooManyRefused):
        live(world)
    assert "ann@" not in repr(lines)
    assert all(line["block"].startswith("ledger-0-") for line in lines if "error" in line)


def test_a_refusal_of_too_many_rows_quotes_none_of_them() -> None:
    world = World({0: [1, 2, 3]})

    def refuse(table: str, rows: Rows, token: str) -> None:
        raise Refused(6, QUOTE)

    world.insert = refuse  # type: ignore[method-assign]
    with pytest.raises(TooManyRefused, match=r"ledger-0-1-4.*CANNOT_PARSE_TEXT") as caught:
        live(world)
    assert "ann@" not in str(caught.value)
    assert caught.value.__context__ is None


def test_the_group_has_answered_even_if_it_gave_no_partition() -> None:
    lanes = Lanes("ledger", frozenset({4}), LIMITS)
    assert not lanes.is_assigned
    lanes.assigned({})
    assert lanes.is_assigned
