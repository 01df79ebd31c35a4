"""How stock Faust loses and repeats events on their way to an agent, and that our layer does neither.

Each hole is a pair. `test_stock_...` shows the fault with Faust's own code, so that an upgrade which mends it is noticed: then
docs/faust.md says what to do. `test_ours_...` is the same accident under our layer, on a real broker.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from faust.types import TP

from runtime.environment.settings import KafkaSettings
from schemas.stream import InputRecord, OutputRecord, State
from schemas.topics import EVENTS_RAW
from tests.runtime.in_process import CHUNK_RECORDS_MAX, Worker, run, working
from tests.runtime.memory_faust import Broker, consumer_of, raw, running, stock_app, until
from tests.runtime.topic_log import write_topic
from tests.runtime.toy_part import count, outputs

IN = TP("in", 0)
EVENTS = 20
VALUES = [b"%d" % number for number in range(EVENTS)]


@pytest.fixture
def environ(environ: dict[str, str]) -> dict[str, str]:
    # A starved member that is thought dead would be given its partitions again, and its step its records.
    return {**environ, "STITCHLINE_PARTITIONS": "2", "PROCESSOR_SESSION_TIMEOUT_S": "15"}


@pytest.fixture
def kept() -> Broker:
    """A broker in memory, for stock Faust, with EVENTS events."""
    broker = Broker()
    broker.write("in", *VALUES)
    return broker


class Toy:
    """Our layer's step: counts each value, remembers what it saw, and fails at a value the first time."""

    def __init__(self, *failing: bytes) -> None:
        self.seen: list[bytes] = []
        self._failing = set(failing)

    def __call__(self, partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        for record in records:
            if record.value in self._failing:
                self._failing.remove(record.value)
                raise RuntimeError("fails once")
        self.seen += [record.value or b"" for record in records]
        return count(partition, records, state)


def done(worker: Worker) -> int:
    return sum(worker.delivery.positions().values())


def run_to_end(worker: Worker) -> Worker:
    """Until every event is done, or what would end the process has happened."""
    return run(worker, lambda: done(worker) == EVENTS, "all is done")


# An exception that leaves an agent.


def test_stock_faust_commits_an_event_that_its_agent_failed_on(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path)
    processed: list[bytes] = []
    failed: list[bytes] = []

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for value in stream:
            if value == b"5":
                failed.append(value)
                raise RuntimeError("fails, each time")
            processed.append(value)

    async def life() -> None:
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "everything is committed")

    asyncio.run(life())
    assert failed == [b"5"]  # and it was not tried again
    assert processed == [value for value in VALUES if value != b"5"]


def test_stock_faust_commits_the_whole_batch_that_take_failed_on(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path)
    batches: list[list[bytes]] = []

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for batch in stream.take(10, within=5):
            batches.append(batch)
            if len(batches) == 1:
                raise RuntimeError("fails once")

    async def life() -> None:
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "everything is committed")

    asyncio.run(life())
    failed, *others = batches
    assert failed
    assert not {value for batch in others for value in batch} & set(failed)  # they were not tried again


def test_ours_keeps_every_event_of_a_chunk_that_failed(
    environ: Mapping[str, str], settings: KafkaSettings
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, value) for value in VALUES])
    toy = Toy(b"15")
    [death] = run_to_end(Worker(environ, toy)).deaths
    assert str(death) == "fails once"
    assert toy.seen == VALUES[: len(toy.seen)]
    assert len(toy.seen) <= 15
    assert run_to_end(Worker(environ, toy)).deaths == []  # as its supervisor would start the process again
    assert toy.seen == VALUES
    assert outputs(settings) == [(value, b"1") for value in VALUES]


# The offset that is committed.


def test_stock_faust_commits_past_an_event_that_was_not_acknowledged(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path)

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for event in stream.noack().events():
            if event.value != b"5":
                event.ack()

    async def life() -> None:
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "the commit has gone past event 5")

    asyncio.run(life())


class Unreliable:
    """A stream that loses its first event, and repeats the second."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def noack(self) -> "Unreliable":
        return self

    async def events(self) -> AsyncIterator[Any]:
        number = 0
        async for event in self._stream.noack().events():
            number += 1
            if number > 1:
                yield event
            if number == 2:
                yield event


def test_ours_goes_by_positions_whatever_is_lost_or_repeated_on_the_way(
    environ: Mapping[str, str], settings: KafkaSettings
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, value) for value in VALUES])
    toy = Toy()
    run_to_end(Worker(environ, toy, Unreliable))
    assert toy.seen == VALUES
    assert outputs(settings) == [(value, b"1") for value in VALUES]


# A rebalance.


def test_stock_faust_forgets_at_a_rebalance_what_was_acknowledged(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path, broker_commit_interval=600, stream_wait_empty=True)
    seen: list[bytes] = []

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for value in stream:
            seen.append(value)  # noqa: PERF401 - it never ends, and is watched

    async def life() -> None:
        async with running(app):
            await until(lambda: not app.rebalancing and len(seen) == EVENTS, "every event is processed")
            consumer = consumer_of(app)
            await until(lambda: len(consumer._acked[IN]) == EVENTS, "every event is acknowledged")
            await consumer.rebalance({IN})
            assert kept.committed == {}
            await until(lambda: len(seen) == 2 * EVENTS, "every event is processed again")

    asyncio.run(life())
    assert Counter(seen) == dict.fromkeys(VALUES, 2)


def test_ours_processes_nothing_twice_when_partitions_move(
    environ: Mapping[str, str], settings: KafkaSettings, tmp_path: Path
) -> None:
    toy = Toy()
    one = Worker(environ, toy)
    two = Worker({**environ, "PROCESSOR_STATE_DIR": str(tmp_path / "two")}, toy)

    def write(values: list[bytes]) -> None:
        write_topic(settings, EVENTS_RAW.name, [(index % 2, value) for index, value in enumerate(values)])

    async def life() -> None:
        async with working(one):
            write(VALUES[:10])
            await until(lambda: done(one) == 10, "the first half is done by the first worker")
            async with working(two):
                await until(lambda: len(two.delivery.positions()) == 1, "a partition has moved")
                await until(lambda: len(one.delivery.positions()) == 1, "the other has stayed")
                write(VALUES[10:])
                await until(lambda: done(one) + done(two) == EVENTS, "all is done")

    asyncio.run(life())
    assert Counter(toy.seen) == dict.fromkeys(VALUES, 1)
    assert Counter(outputs(settings)) == {(value, b"1"): 1 for value in VALUES}


def test_stock_faust_drops_what_it_has_delivered_when_a_rebalance_ends(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path)
    app.Table("counts", default=int)  # an app without tables resumes its queues in another order
    seen: list[bytes] = []
    queues: list[asyncio.Queue[Any]] = []
    go_on = asyncio.Event()

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        queues.append(stream.channel.queue)
        async for value in stream:
            seen.append(value)
            if value == b"slow":
                await go_on.wait()

    async def meanwhile(topic: str) -> None:
        """The next partition's committed offset takes its time; this one is read on."""
        if topic == "in" and consumer_of(app).flow_active and len(kept.logs[IN]) == EVENTS:
            kept.write("in", b"slow", b"lost")
            await until(lambda: seen[-1] == b"slow" and queues[0].qsize() == 1, "both are delivered")

    async def life() -> None:
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "everything is committed")
            consumer = consumer_of(app)
            kept.after_committed = meanwhile
            await consumer.rebalance(consumer.assignment())
            await until(lambda: not app.rebalancing, "the rebalance has ended")
            go_on.set()
            kept.write("in", b"later")
            await until(lambda: kept.committed[IN] == EVENTS + 3, "the commit has gone past the lost event")

    asyncio.run(life())
    assert seen == [*VALUES, b"slow", b"later"]


class Held:
    """A stream whose events stay in Faust's queue until they are let go."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.queue: Any = None

    def __call__(self, stream: Any) -> "Held":
        self._stream = stream
        self.queue = stream.channel.queue
        return self

    def noack(self) -> "Held":
        return self

    async def events(self) -> AsyncIterator[Any]:
        await self.go_on.wait()
        async for event in self._stream.noack().events():
            yield event


def test_ours_reads_again_what_faust_dropped_from_its_queues(
    environ: Mapping[str, str], settings: KafkaSettings
) -> None:
    write_topic(settings, EVENTS_RAW.name, [(0, value) for value in VALUES])
    toy, held = Toy(), Held()
    worker = Worker(environ, toy, held)

    async def life() -> None:
        async with working(worker):
            await until(lambda: held.queue.qsize() == EVENTS // CHUNK_RECORDS_MAX, "all is in Faust's queue")
            worker.group.app.flow_control.resume()
            assert held.queue.empty()
            held.go_on.set()
            await until(lambda: done(worker) == EVENTS, "all is done")

    asyncio.run(life())
    assert toy.seen == VALUES
    assert outputs(settings) == [(value, b"1") for value in VALUES]
