"""A sink's loop without Kafka and ClickHouse: a world in which every change may fail, be late, or be a process's last."""

import threading
from collections.abc import Iterator, Mapping, Sequence

from schemas.wire.codec import encode_ledger_entry
from sinks.storing.batch import Limits
from sinks.storing.block import Block, Record
from sinks.storing.consumer import CommitFailed, Polled
from sinks.storing.delivery import Delivery
from sinks.storing.failure import Unavailable
from sinks.storing.inserts import Ended
from sinks.storing.intent import intent_of
from sinks.storing.lanes import Lanes
from sinks.storing.loop import Bounds, Loop
from sinks.storing.rows import Rows

LIMITS = Limits(rows_max=3, bytes_max=10_000, age_s_max=2.0, busy_rows_min=100, busy_age_s_max=2.0)


class Died(BaseException):
    """The process is gone."""


class World:
    """Partitions in Kafka and one table in ClickHouse: what outlives a process. Each change may fail or be the last."""

    def __init__(
        self,
        offsets: Mapping[int, list[int]],
        fates: Sequence[str] = (),
        moves: Sequence[bool] = (),
        delays: Sequence[bool] = (),
    ) -> None:
        self.records = {
            partition: [Record(offset, 0, entry(offset)) for offset in found]
            for partition, found in offsets.items()
        }
        self.fates = iter(fates)
        self.moves = iter(moves)
        self.delays = iter(delays)
        self.committed = dict.fromkeys(offsets, (0, ""))
        self.blocks: dict[str, Rows] = {}

    def change(self, act: str) -> Iterator[None]:
        fate = next(self.fates, "well")
        if fate == "dies before":
            raise Died
        if fate == "fails":
            raise CommitFailed("away") if act == "commit" else Unavailable("away")
        yield
        if fate == "dies after":
            raise Died

    def insert(self, table: str, rows: Rows, token: str) -> None:
        for _ in self.change("insert"):
            self.blocks.setdefault(token, rows)

    def end(self, partition: int) -> int:
        return self.records[partition][-1].offset + 1

    @property
    def is_done(self) -> bool:
        return all(self.committed[partition] == (self.end(partition), "") for partition in self.records)


def entry(number: int) -> bytes:
    names = dict.fromkeys(("workspace", "source", "stage", "outcome"), "")
    return encode_ledger_entry(names | {"minute": 0, "events": number})


class Apart:
    """Inserts that run when the world pleases: late, or never when the process dies before."""

    at_once = 2

    def __init__(self, world: World) -> None:
        self.world = world
        self.running: list[Block] = []
        self.most = 0

    def start(self, block: Block) -> None:
        assert block.partition not in [other.partition for other in self.running]
        self.running.append(block)
        self.most = max(self.most, len(self.running))
        assert self.most <= self.at_once

    def ended(self, wait_s: float) -> list[Ended]:
        if not self.running or next(self.world.delays, False):
            return []
        block = self.running.pop(-1 if next(self.world.delays, False) else 0)
        try:
            return [Ended(block, 0.0, Delivery(self.world, "ledger_in", 0).deliver(block))]
        except Exception as error:
            return [Ended(block, 0.0, error=error)]


class Process:
    """One process's view: positions of its own, two records a poll, ends when all is committed."""

    def __init__(self, world: World, stop: threading.Event) -> None:
        self.world = world
        self.stop = stop
        self.lanes = Lanes("ledger", frozenset({4}), LIMITS)
        self.inserts = Apart(world)
        self.position: dict[int, int] = {}
        self.assign()
        self.is_holding = False
        self.polls = 0
        self.polls_beside = 0

    def assign(self) -> None:
        self.position = {partition: offset for partition, (offset, _) in self.world.committed.items()}
        self.lanes.assigned(
            {partition: intent_of(*place) for partition, place in self.world.committed.items()}
        )

    def poll(self, wait_s: float) -> Polled:
        self.polls += 1
        self.polls_beside += bool(self.inserts.running)
        assert self.polls < 10_000
        if next(self.world.moves, False):
            self.move()
        if self.world.is_done:
            self.stop.set()
        if self.is_holding:
            return Polled({}, {})
        polled = Polled({}, {})
        for partition, records in self.world.records.items():
            found = [record for record in records if record.offset >= self.position[partition]][:2]
            if found:
                polled.records[partition] = found
                self.position[partition] = found[-1].offset + 1
            else:
                polled.ends[partition] = self.world.end(partition)
        return polled

    def move(self) -> None:
        """The group takes all partitions away and gives them back."""
        self.lanes.revoked(list(self.world.records))
        assert not self.inserts.running
        self.assign()

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        for _ in self.world.change("commit"):
            self.world.committed[partition] = (offset, metadata)

    def hold(self, is_holding: bool) -> None:
        self.is_holding = is_holding

    def loop(self, held_bytes_max: int = 10_000) -> Loop:
        return Loop("ledger", self, self.lanes, self.inserts, Bounds(1.0, held_bytes_max))


def live(world: World, held_bytes_max: int = 10_000) -> Process:
    """One process from its start to its end."""
    stop = threading.Event()
    process = Process(world, stop)
    ticks = iter(range(1_000_000))
    process.loop(held_bytes_max).run(stop, clock=lambda: next(ticks) * 0.1)
    return process
