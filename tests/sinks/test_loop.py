"""Wherever the process dies, every record is stored exactly once: shown by dying everywhere."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.codec import encode_ledger_entry
from sinks.batch import Limits
from sinks.block import Record
from sinks.consumer import CommitFailed, Polled
from sinks.delivery import Delivery
from sinks.failure import Refused, SinkError, TooManyRefused, Unavailable
from sinks.intent import intent_of
from sinks.loop import Lanes, Loop
from sinks.reload import ReloadTimer

LIMITS = Limits(rows_max=3, bytes_max=10_000, age_s_max=2.0, busy_rows_min=100, busy_age_s_max=2.0)


class Died(BaseException):
    """The process is gone."""


class World:
    """One partition in Kafka and one table in ClickHouse: what outlives a process. Each change may fail or be the last."""

    def __init__(self, offsets: list[int], fates: Iterator[str], moves: Sequence[bool] = ()) -> None:
        self.records = [
            Record(
                offset,
                0,
                encode_ledger_entry(
                    dict.fromkeys(("workspace", "source", "stage", "outcome"), "")
                    | {"minute": 0, "events": offset}
                ),
            )
            for offset in offsets
        ]
        self.fates = fates
        self.moves = iter(moves)
        self.committed = (0, "")
        self.blocks: dict[str, bytes] = {}

    def change(self, act: str) -> Iterator[None]:
        fate = next(self.fates, "well")
        if fate == "dies before":
            raise Died
        if fate == "fails":
            raise CommitFailed("away") if act == "commit" else Unavailable("away")
        yield
        if fate == "dies after":
            raise Died

    def insert(self, table: str, data: bytes, token: str) -> None:
        for _ in self.change("insert"):
            self.blocks.setdefault(token, data)

    @property
    def is_done(self) -> bool:
        offset, metadata = self.committed
        return not metadata and offset == self.records[-1].offset + 1


class Process:
    """One process's view: a position of its own, two records a poll, ends when all is committed."""

    def __init__(self, world: World, stop: threading.Event) -> None:
        self.world = world
        self.stop = stop
        self.lanes = Lanes("ledger", frozenset({4}), LIMITS)
        self.position, metadata = world.committed
        self.lanes.assigned({0: intent_of(self.position, metadata)})
        self.is_holding = False
        self.polls = 0

    def poll(self, wait_s: float) -> Polled:
        self.polls += 1
        assert self.polls < 10_000
        if next(self.world.moves, False):
            self.move()
        if self.world.is_done:
            self.stop.set()
        if self.is_holding:
            return Polled({}, {})
        found = [record for record in self.world.records if record.offset >= self.position][:2]
        if not found:
            return Polled({}, {0: self.world.records[-1].offset + 1})
        self.position = found[-1].offset + 1
        return Polled({0: found}, {})

    def move(self) -> None:
        """The group takes the partition away and gives it back."""
        self.lanes.revoked([0])
        self.position, metadata = self.world.committed
        self.lanes.assigned({0: intent_of(self.position, metadata)})

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        for _ in self.world.change("commit"):
            self.world.committed = (offset, metadata)

    def hold(self, is_holding: bool) -> None:
        self.is_holding = is_holding


def live(world: World) -> None:
    """One process from its start to its end."""
    stop = threading.Event()
    process = Process(world, stop)
    loop = Loop("ledger", process, process.lanes, Delivery(world, "ledger_in", 0), retry_s_max=1.0)
    ticks = iter(range(1_000_000))
    loop.run(stop, clock=lambda: next(ticks) * 0.1)


fates = st.sampled_from(["well", "well", "well", "fails", "dies before", "dies after"])


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=25),
    st.lists(fates, max_size=60),
    st.lists(st.booleans(), max_size=40),
)
def test_every_record_is_stored_once_wherever_processes_die(
    gaps: list[int], drawn: list[str], moves: list[bool]
) -> None:
    offsets = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    world = World(offsets, iter(drawn), moves)
    while not world.is_done:
        try:
            live(world)
        except Died:
            continue
    ranges = sorted(tuple(int(part) for part in token.split("-")[2:]) for token in world.blocks)
    covered = [offset for start, end in ranges for offset in offsets if start <= offset < end]
    assert covered == offsets


def test_a_refusal_that_a_person_must_mend_ends_the_loop_with_the_intent_standing() -> None:
    world = World([1, 2, 3], iter(()))

    def refuse(table: str, data: bytes, token: str) -> None:
        raise Refused(60, "no such table")

    world.insert = refuse  # type: ignore[method-assign]
    with pytest.raises(Refused, match="no such table"):
        live(world)
    assert intent_of(*world.committed) is not None


def test_what_waits_when_the_loop_is_told_to_stop_is_stored_first() -> None:
    world = World([1, 2], iter(()))
    stop = threading.Event()
    process = Process(world, stop)
    loop = Loop("ledger", process, process.lanes, Delivery(world, "ledger_in", 0), retry_s_max=1.0)
    process.lanes.add(process.poll(0))
    stop.set()
    loop.run(stop, clock=lambda: 0.0)
    assert world.is_done


def test_records_of_a_revoked_partition_are_forgotten() -> None:
    world = World([1, 2], iter(()))
    stop = threading.Event()
    process = Process(world, stop)
    loop = Loop("ledger", process, process.lanes, Delivery(world, "ledger_in", 0), retry_s_max=1.0)
    process.lanes.add(process.poll(0))
    process.lanes.revoked([0])
    stop.set()
    loop.run(stop, clock=lambda: 0.0)
    assert world.blocks == {}


@pytest.mark.parametrize("outage", [Unavailable("away"), Refused(497, "not allowed")])
def test_dictionaries_are_loaded_after_the_last_insert_and_their_failure_stops_nothing(
    outage: Exception,
) -> None:
    world = World([1, 2], iter(()))
    loads: list[int] = []
    failing = [outage]

    def load() -> None:
        if failing:
            raise failing.pop()
        loads.append(len(world.blocks))

    stop = threading.Event()
    process = Process(world, stop)
    loop = Loop("ledger", process, process.lanes, Delivery(world, "ledger_in", 0), retry_s_max=1.0)
    loop.reload_after_inserts(load, ReloadTimer(0.1))
    ticks = iter(range(1_000_000))
    loop.run(stop, clock=lambda: next(ticks) * 0.1)
    assert loads[-1] == len(world.blocks) == 1


QUOTE = "Cannot parse string 'ann@example.com'"


@pytest.mark.parametrize(
    "error", [Refused(252, QUOTE), Unavailable(QUOTE), Refused(60, QUOTE), Refused(117, QUOTE)]
)
def test_no_log_line_quotes_clickhouse_and_each_names_the_block(error: SinkError) -> None:
    world = World([1, 2, 3], iter(()))
    errors = [error] * 9

    def refuse(table: str, data: bytes, token: str) -> None:
        if errors:
            raise errors.pop()
        world.blocks.setdefault(token, data)

    world.insert = refuse  # type: ignore[method-assign]
    with structlog.testing.capture_logs() as lines, suppress(Refused, TooManyRefused):
        live(world)
    assert "ann@" not in repr(lines)
    assert all(line["block"].startswith("ledger-0-") for line in lines if "error" in line)


def test_a_refusal_of_too_many_rows_quotes_none_of_them() -> None:
    world = World([1, 2, 3], iter(()))

    def refuse(table: str, data: bytes, token: str) -> None:
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
