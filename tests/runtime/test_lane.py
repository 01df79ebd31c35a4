"""A lane over a delivery that drops, repeats and delays: the Part still gets every record once, in order."""

import asyncio
import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from runtime.streams import pump
from runtime.streams.chunk import Chunk, ChunkLimits, Gap
from runtime.streams.group import TP, Parcel, PositionLost, Taken
from runtime.streams.lane import Lane, LaneSpec
from runtime.streams.pump import Surroundings
from runtime.streams.transaction import FENCED, KAFKA, PartLost
from schemas.stream import InputRecord

RECORDS = 300
SMALL = ChunkLimits(5, 1_000)
PATIENT = ChunkLimits(30, 1_000, busy_bytes_min=0, busy_wait_s=0.01)


class Log:
    """What is committed for the partition, by whatever Part."""

    def __init__(self) -> None:
        self.processed: list[int] = []
        self.chunks: list[int] = []
        self.opened = 0


class FakePart:
    """Takes the next chunk only; fails as told."""

    is_behind = False

    def __init__(self, log: Log, fail: Callable[[], None]) -> None:
        self._log = log
        self._fail = fail
        self.next = len(log.processed)
        log.opened += 1

    def process(self, chunk: Chunk) -> None:
        if chunk.start != self.next:
            raise Gap(self.next, chunk.start)
        self._fail()
        self._log.processed += [record.offset for record in chunk.records]
        self._log.chunks.append(len(chunk.records))
        self.next = chunk.end

    def record_progress(self) -> None: ...

    def close(self) -> None: ...


class FakeReader:
    """A partition of RECORDS records. Delivery goes wrong as `luck` says."""

    def __init__(self, luck: Callable[[], float]) -> None:
        self.lane: Lane | None = None
        self._luck = luck
        self._position = 0
        self._lost: set[int] = set()

    async def seek_to(self, tp: TP, position: int) -> None:
        self._position = position

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        await asyncio.sleep(0.001)
        start = self._position
        if start >= RECORDS:
            await asyncio.sleep(timeout_s)
            return None
        self._position = min(start + 7, RECORDS)
        if start not in self._lost and self._luck() < 0.1:
            self._lost.add(start)
            start = min(start + 1, self._position - 1)  # loses the first
        records = [InputRecord(offset, 0, None, b"") for offset in range(start, self._position)]
        return Taken(records, self._position)

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        assert self.lane is not None
        if self._luck() < 0.1:
            return  # dropped
        self.lane.accept(value)
        if self._luck() < 0.1:
            self.lane.accept(value)  # repeated


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as found:
        yield found


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pump, "TAKE_S", 0.01)


async def run_lane(
    reader: FakeReader,
    log: Log,
    pool: ThreadPoolExecutor,
    fail: Callable[[], None],
    limits: ChunkLimits = SMALL,
) -> None:
    around = Surroundings(reader, pool, limits, fenced_pause_s=0.01)
    lane = reader.lane = Lane(
        LaneSpec("toy", TP("toy", 0), contiguous=True), lambda halted: FakePart(log, fail), around
    )
    running = asyncio.create_task(lane.run())
    async with asyncio.timeout(20):
        while len(log.processed) < RECORDS and not running.done():
            await asyncio.sleep(0.01)
            if random.random() < 0.05:  # noqa: S311
                lane.suspend()
                await asyncio.sleep(0.01)
                lane.resume()
        lane.stop()
        await running


@pytest.mark.parametrize("limits", [SMALL, PATIENT], ids=["small", "patient"])
@pytest.mark.parametrize("seed", range(5))
def test_what_delivery_drops_and_repeats_costs_a_seek_and_no_record(
    seed: int, limits: ChunkLimits, pool: ThreadPoolExecutor
) -> None:
    log = Log()
    asyncio.run(run_lane(FakeReader(random.Random(seed).random), log, pool, lambda: None, limits))  # noqa: S311
    assert log.processed == list(range(RECORDS))
    assert log.opened == 1


class Forgetful(FakeReader):
    """Loses another record each time that it is sent back, the first of a take, and has it the next time."""

    def __init__(self) -> None:
        super().__init__(lambda: 0.0 if self._may_lose() else 1.0)
        self._has_lost = False

    def _may_lose(self) -> bool:
        may, self._has_lost = not self._has_lost, True
        return may

    async def seek_to(self, tp: TP, position: int) -> None:
        await super().seek_to(tp, position)
        self._has_lost = False

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        assert self.lane is not None
        self.lane.accept(value)


def test_each_record_that_a_reader_loses_is_read_again_though_it_has_lost_others(
    pool: ThreadPoolExecutor,
) -> None:
    log = Log()
    asyncio.run(run_lane(Forgetful(), log, pool, lambda: None, ChunkLimits(100, 10_000, 0, 0.05)))
    assert log.processed == list(range(RECORDS))


@pytest.mark.parametrize("cause", [KAFKA, FENCED])
def test_a_lost_part_is_opened_again_and_goes_on(cause: str, pool: ThreadPoolExecutor) -> None:
    log = Log()
    failures = iter([False, True, False, False, True])

    def fail() -> None:
        if next(failures, False):
            raise PartLost(cause, "a test")

    asyncio.run(run_lane(FakeReader(lambda: 1.0), log, pool, fail))
    assert log.processed == list(range(RECORDS))
    assert log.opened == 3


def test_a_steps_exception_leaves_the_lane(pool: ThreadPoolExecutor) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_lane(FakeReader(lambda: 1.0), Log(), pool, fail))


class Stream:
    """Takes of so many records of ten bytes each, at once; then nothing, or what is `lost`. Nothing else goes wrong."""

    def __init__(self, takes: list[int], *, lost: bool = False) -> None:
        self._takes = iter(takes)
        self._lost = lost
        self._position = 0
        self.lane: Lane | None = None

    async def seek_to(self, tp: TP, position: int) -> None: ...

    async def take(self, tp: TP, timeout_s: float) -> Taken | None:
        if not (count := next(self._takes, 0)):
            if self._lost:
                raise PositionLost("a test")
            await asyncio.sleep(timeout_s)
            return None
        start, self._position = self._position, self._position + count
        records = [InputRecord(offset, 0, None, b"x" * 10) for offset in range(start, self._position)]
        return Taken(records, self._position)

    async def deliver(self, tp: TP, value: Parcel, offset: int) -> None:
        assert self.lane is not None
        self.lane.accept(value)


async def chunks_of(
    takes: list[int], limits: ChunkLimits, pool: ThreadPoolExecutor, *, lost: bool = False
) -> list[int]:
    """How many records each chunk had."""
    log, reader = Log(), Stream(takes, lost=lost)
    around = Surroundings(reader, pool, limits, fenced_pause_s=0.01)
    lane = reader.lane = Lane(
        LaneSpec("toy", TP("toy", 0), contiguous=True), lambda halted: FakePart(log, lambda: None), around
    )
    running = asyncio.create_task(lane.run())
    async with asyncio.timeout(20):
        while len(log.processed) < sum(takes):
            await asyncio.sleep(0.01)
        lane.stop()
        await running
    return log.chunks


@pytest.mark.parametrize(
    ("busy_bytes_min", "wait_s", "takes", "chunks"),
    [
        pytest.param(70, 60, [7, 7, 7, 7, 7, 7], [21, 21], id="much waits until a chunk is full"),
        pytest.param(70, 60, [8, 8, 8], [21, 3], id="what is too much for one chunk is cut"),
        pytest.param(71, 60, [7, 7, 7], [7, 7, 7], id="little waits for nothing"),
        pytest.param(70, 0.01, [7], [7], id="what comes alone waits no longer than it may"),
        pytest.param(0, 0, [7, 7], [7, 7], id="by default nothing waits"),
    ],
)
def test_a_take_that_brings_much_waits_for_more(
    busy_bytes_min: int, wait_s: float, takes: list[int], chunks: list[int], pool: ThreadPoolExecutor
) -> None:
    limits = ChunkLimits(21, 1_000, busy_bytes_min, wait_s)
    assert asyncio.run(chunks_of(takes, limits, pool)) == chunks


def test_what_waits_for_more_is_processed_though_the_position_behind_it_is_lost(
    pool: ThreadPoolExecutor,
) -> None:
    limits = ChunkLimits(21, 1_000, 70, 60)
    assert asyncio.run(chunks_of([7, 7], limits, pool, lost=True)) == [14]
