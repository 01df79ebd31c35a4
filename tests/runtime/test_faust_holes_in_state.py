"""How stock Faust loses, doubles and corrupts state, and that our layer does neither: pairs, as in test_faust_holes.py."""

import asyncio
import hashlib
import shutil
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import msgspec
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic
from faust.types import TP

from runtime.environment.settings import KafkaSettings
from runtime.streams.part import Part, PartOpener, PartSpec, open_part
from runtime.streams.store import Store, StoreDamaged
from runtime.streams.transaction import FENCED, KAFKA, STORE, PartLost, Transactions
from schemas.stream import InputRecord, OutputRecord, State
from schemas.topics import DELETE, TOPICS, Topic
from tests.runtime.memory_faust import Broker, MemoryApp, consumer_of, raw, running, stock_app, until
from tests.runtime.toy_part import chunk, closed_after, count, opened, outputs, reopened, state_of

MakeSpec = Callable[..., PartSpec]
IN = TP("in", 0)
CHANGELOG = TP("stock-counts-changelog", 0)
EVENTS = 5


@pytest.fixture
def kept() -> Broker:
    """A broker in memory, for stock Faust, with EVENTS events that are one key."""
    broker = Broker()
    broker.write("in", *[b"a"] * EVENTS)
    return broker


def counting(kept: Broker, folder: Path, **settings: Any) -> tuple[MemoryApp, Any]:
    """An app that counts values in a table, as Faust's own page of tables does."""
    app = stock_app(kept, folder, **settings)
    table = app.Table("counts", default=int)

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for value in stream:
            table[value.decode()] += 1

    return app, table


# A commit before the state is safe.


def test_stock_faust_commits_before_the_changelog_is_written(kept: Broker, tmp_path: Path) -> None:
    app, table = counting(kept, tmp_path)
    answering = asyncio.Event()

    async def slow(topic: str) -> None:
        await answering.wait()

    async def life() -> None:
        kept.before_send = slow
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "everything is committed")
            assert table["a"] == EVENTS
            assert kept.logs[CHANGELOG] == []  # who goes on from here counts from nothing
            answering.set()

    asyncio.run(life())


def test_stock_faust_commits_what_could_not_be_delivered(kept: Broker, tmp_path: Path) -> None:
    app, _ = counting(kept, tmp_path)
    kept.delivery_error = RuntimeError("the record is too large")

    async def life() -> None:
        async with running(app):
            await until(lambda: kept.committed.get(IN) == EVENTS, "everything is committed")

    asyncio.run(life())
    assert kept.logs[CHANGELOG] == []


class Killed(BaseException):
    """The process is gone: nothing is tidied up."""


class KilledBeforeCommit(Transactions):
    """Everything is sent and delivered, and then the process dies."""

    doomed = False

    def _insist(self, call: Callable[[], None]) -> None:
        if self.doomed:
            assert self._producer.flush(30) == 0
            raise Killed
        super()._insist(call)


def test_ours_has_changed_nothing_for_anybody_before_the_commit(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    reopened(spec(), opener)
    transactions = KilledBeforeCommit(settings, spec().transactional_id, 60, lambda: False)
    transactions.take_over()
    store = Store(spec().folder, f"{opener.lookup.topic_identity(spec().changelog_name)}/0")
    part = Part(spec(), count, transactions, store, 0)
    transactions.doomed = True
    with pytest.raises(Killed):
        part.process(chunk(0, *[b"a"] * EVENTS))
    store.close()
    again = opened(spec(), opener)
    assert (again.next, state_of(again), outputs(settings)) == (0, {}, [])
    again.process(chunk(0, *[b"a"] * EVENTS))
    again.close()
    assert outputs(settings) == [(b"a", b"%d" % number) for number in range(1, EVENTS + 1)]
    assert reopened(spec(folder="elsewhere"), opener) == (EVENTS, {b"a": b"5"})
    part.close()


def test_ours_stays_where_it_is_when_an_output_cannot_be_delivered(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    narrow = Topic(name="narrow", key="", cleanup=DELETE, partitions=1)
    name = narrow.full_name(settings.topic_prefix)
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    new = NewTopic(name, num_partitions=1, replication_factor=1, config={"max.message.bytes": "500"})
    admin.create_topics([new])[name].result(30)
    sizes = iter([5_000, 5])

    def too_much(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        noise = hashlib.shake_256(b"does not compress").digest(next(sizes))
        return [*count(partition, records, state), OutputRecord(narrow.name, 0, b"k", noise)]

    wide = msgspec.structs.replace(spec(), outputs=(*TOPICS, narrow))
    part = opened(wide, opener, too_much)
    with pytest.raises(PartLost) as lost:
        part.process(chunk(0, b"a", b"a"))
    part.close()
    assert lost.value.cause == KAFKA
    again = opened(wide, opener, too_much)
    assert (again.next, state_of(again), outputs(settings)) == (0, {}, [])
    again.process(chunk(0, b"a", b"a"))
    again.close()
    assert outputs(settings) == [(b"a", b"1"), (b"a", b"2")]


# A crash between the state and the commit.


def test_stock_faust_counts_again_what_was_not_committed(kept: Broker, tmp_path: Path) -> None:
    app, _ = counting(kept, tmp_path / "one", broker_commit_interval=600)
    left: list[Broker] = []

    async def life() -> None:
        async with running(app):
            await until(lambda: len(kept.logs[CHANGELOG]) == EVENTS, "the changelog is written")
            left.append(deepcopy(kept))  # what a SIGKILL leaves

    asyncio.run(life())
    again, table = counting(left[0], tmp_path / "two")

    async def second_life() -> None:
        async with running(again):
            await until(lambda: left[0].committed.get(IN) == EVENTS, "everything is committed")

    asyncio.run(second_life())
    assert table["a"] == 2 * EVENTS


def test_ours_counts_once_whatever_the_disk_missed(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    closed_after(spec(), opener, chunk(0, b"a"))
    shutil.copytree(spec().folder, spec(folder="left").folder)
    closed_after(spec(), opener, chunk(1, b"a", b"b"))
    left = opened(spec(folder="left"), opener)  # a SIGKILL between the commit and the write of the folder
    assert (left.next, state_of(left)) == (3, {b"a": b"2", b"b": b"1"})
    left.process(chunk(3, b"a"))
    left.close()
    assert outputs(settings) == [(b"a", b"1"), (b"a", b"2"), (b"b", b"1"), (b"a", b"3")]


# Recovery.


def test_stock_faust_leaves_out_what_it_cannot_recover(kept: Broker, tmp_path: Path) -> None:
    kept.append(CHANGELOG, b'"b"', b"1")
    kept.append(CHANGELOG, b'"b"', b"{not JSON")
    kept.append(CHANGELOG, b'"c"', b"1")
    app, table = counting(kept, tmp_path)

    async def life() -> None:
        async with running(app):
            await until(lambda: table["a"] == EVENTS, "the app is at work")

    asyncio.run(life())
    assert (table["b"], table["c"]) == (1, 1)


def test_ours_recovers_every_byte_and_a_step_that_cannot_read_one_ends_the_worker(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    closed_after(spec(), opener, chunk(0, b"b", b"c"))
    producer = Producer({"bootstrap.servers": settings.bootstrap_servers})
    producer.produce(spec().changelog_name, key=b"\x01b", value=b"{no number", partition=0)
    assert producer.flush(30) == 0
    again = opened(spec(folder="elsewhere"), opener)
    assert state_of(again) == {b"b": b"{no number", b"c": b"1"}
    with pytest.raises(ValueError, match="no number"):  # what leaves a lane, and ends the process
        again.process(chunk(2, b"c", b"b"))
    again.close()
    assert reopened(spec(folder="elsewhere"), opener) == (2, {b"b": b"{no number", b"c": b"1"})


def test_ours_opens_no_part_on_half_a_recovery(
    spec: MakeSpec, opener: PartOpener, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_after(spec(), opener, *(chunk(start, b"a") for start in range(3)))
    elsewhere = spec(folder="elsewhere")
    with monkeypatch.context() as broken:
        broken.setattr(Store, "write", damaged)
        with pytest.raises(PartLost) as lost:
            open_part(elsewhere, count, opener)
    assert lost.value.cause == STORE
    assert not elsewhere.folder.exists()
    assert reopened(elsewhere, opener) == (3, {b"a": b"3"})


def damaged(*_: Any) -> None:
    raise StoreDamaged("the disk is full")


# A worker that is no longer the owner.


def test_stock_faust_lets_a_former_owner_write_state(kept: Broker, tmp_path: Path) -> None:
    app = stock_app(kept, tmp_path, stream_wait_empty=False)
    table = app.Table("counts", default=int)
    frozen, go_on = asyncio.Event(), asyncio.Event()

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for value in stream:
            number = table[value.decode()] + 1
            frozen.set()
            await go_on.wait()
            table[value.decode()] = number

    async def life() -> None:
        async with running(app):
            await frozen.wait()
            await consumer_of(app).rebalance(set())
            kept.append(CHANGELOG, b'"a"', b"5")  # by the new owner
            go_on.set()
            await until(lambda: len(kept.logs[CHANGELOG]) == 2, "the former owner has written")

    asyncio.run(life())
    assert [record.value for record in kept.logs[CHANGELOG]] == [b"5", b"1"]


def test_ours_lets_a_former_owner_write_nothing(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    frozen, go_on = threading.Event(), threading.Event()

    def slow(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
        frozen.set()
        assert go_on.wait(60)
        return count(partition, records, state)

    former = opened(spec(), opener, slow)
    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(former.process, chunk(0, b"a"))
        assert frozen.wait(60)
        owner = opened(spec(folder="owner"), opener)
        owner.process(chunk(0, b"a", b"b"))
        go_on.set()
        with pytest.raises(PartLost) as lost:
            writing.result(60)
    assert lost.value.cause == FENCED
    assert state_of(former) == {}
    former.close()
    owner.process(chunk(2, b"a"))
    owner.close()
    assert outputs(settings) == [(b"a", b"1"), (b"b", b"1"), (b"a", b"2")]
    assert reopened(spec(), opener) == (3, {b"a": b"2", b"b": b"1"})
