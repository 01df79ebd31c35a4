"""A partition goes from owner to owner, each dying at another step of the loop, between a real broker and a real engine."""

import threading
from collections.abc import Callable
from contextlib import suppress
from itertools import count

import pytest

from runtime.environment.settings import SinkSettings
from schemas.wire.codec import encoder, schema_id_of
from sinks.storing.batch import Limits
from sinks.storing.block import Block
from sinks.storing.consumer import Polled, SinkConsumer
from sinks.storing.delivery import Delivery
from sinks.storing.inserts import InsertThreads
from sinks.storing.lanes import Lanes
from sinks.storing.loop import Bounds, Loop
from sinks.storing.tables import SINKS
from tests.engines import wait_until
from tests.sinks.stage import Tables, Topics, event, event_record

pytestmark = pytest.mark.timeout(600)  # ten owners, each of whom joins the group

LIMITS = Limits(rows_max=7, bytes_max=10_000_000, age_s_max=0.1, busy_rows_min=100, busy_age_s_max=0.1)
SETTINGS = SinkSettings(session_timeout_s=6, instance_id="")
STEPS = [
    f"{moment} the {step}" for step in ("poll", "intent", "insert", "end") for moment in ("before", "after")
]
COUNT = "SELECT count(), uniqExact(message_id) FROM events"


class Died(Exception):
    """The process is gone."""


class Owner:
    """One process's life: it dies at the step of this name, the third time it comes there; without one it ends when told."""

    def __init__(self, topics: Topics, tables: Tables, schema_ids: frozenset[int], fate: str = "") -> None:
        sink = SINKS["events"]
        topic = sink.topic.full_name(topics.settings.topic_prefix)
        self.lanes = Lanes(topic, schema_ids, LIMITS)
        self.consumer = SinkConsumer(sink, topics.settings, SETTINGS, self.lanes)
        self.delivery = Delivery(tables.writer, sink.table, 0)
        self.inserts = InsertThreads("test", [self.store])
        self.fate = fate
        self.times = count(1)
        self.blocks: list[Block] = []

    def live(self, stop: threading.Event) -> None:
        loop = Loop(
            "events",
            self,
            self.lanes,
            self.inserts,
            Bounds(retry_s_max=0.5, held_bytes_max=10_000_000),
        )
        try:
            loop.run(stop)
        finally:
            self.inserts.close()
            self.consumer.close()

    def poll(self, wait_s: float) -> Polled:
        self._reach("before the poll")
        polled = self.consumer.poll(wait_s)
        if polled.records:
            self._reach("after the poll")
        return polled

    def commit(self, partition: int, offset: int, metadata: str = "") -> None:
        step = "intent" if metadata else "end"
        self._reach(f"before the {step}")
        self.consumer.commit(partition, offset, metadata)
        self._reach(f"after the {step}")

    def hold(self, is_holding: bool) -> None:
        self.consumer.hold(is_holding)

    def store(self, block: Block) -> int:
        self._reach("before the insert")
        refused = self.delivery.deliver(block)
        self.blocks.append(block)
        self._reach("after the insert")
        return refused

    def _reach(self, step: str) -> None:
        last = 1 if step == "after the poll" else 3  # one poll may bring everything
        if step == self.fate and next(self.times) == last:
            raise Died


@pytest.fixture
def topics(kafka: str, topic_prefix: str) -> Topics:
    return Topics(kafka, topic_prefix, partitions=1)


@pytest.fixture
def tables(clickhouse: str, database: str) -> Tables:
    return Tables(clickhouse, database)


def live_until(owner: Owner, is_done: Callable[[], bool]) -> None:
    """The owner lives until this holds; it fails if the owner ends by itself."""
    stop = threading.Event()
    failures: list[BaseException] = []

    def live() -> None:
        try:
            owner.live(stop)
        except BaseException as error:
            failures.append(error)

    thread = threading.Thread(target=live)
    thread.start()
    with suppress(AssertionError):  # said below
        wait_until(lambda: bool(failures) or is_done(), 60, "the owner is done")
    stop.set()
    thread.join()
    assert not failures, failures
    assert is_done()


def test_owners_that_die_at_every_step_store_each_record_once(topics: Topics, tables: Tables) -> None:
    ids = SINKS["events"].schema_ids
    sent = 0
    for fate in STEPS:
        topics.send("events.resolved", [event(n) for n in range(sent, sent + 50)])
        sent += 50
        with pytest.raises(Died):
            Owner(topics, tables, ids, fate).live(threading.Event())
    live_until(Owner(topics, tables, ids), lambda: tables.row(COUNT)[1] == sent)
    assert tables.row(COUNT) == (sent, sent)
    assert tables.row("SELECT count() FROM dead_letters") == (0,)


encode_earlier = encoder(1)


def earlier(number: int) -> bytes:
    """An event as the first version of its schema has it."""
    return encode_earlier(event_record(number))


def later(number: int) -> bytes:
    return event(number, claimed=[number % 50 + 1])


def test_a_schema_that_changes_in_mid_stream_cuts_blocks_and_loses_nothing_though_owners_die(
    topics: Topics, tables: Tables
) -> None:
    ids = SINKS["events"].schema_ids
    topics.send("events.resolved", [earlier(n) if n // 5 % 2 else later(n) for n in range(60)])
    owners = []
    for fate in ("after the intent", "after the insert"):
        # Made when the one before is gone: it is a member of the group at once, and might get the partition without ever polling.
        owners.append(Owner(topics, tables, ids, fate))
        with pytest.raises(Died):
            owners[-1].live(threading.Event())
    last = Owner(topics, tables, ids)
    live_until(last, lambda: tables.row(COUNT)[1] == 60)
    assert tables.row(COUNT) == (60, 60)
    assert tables.row(
        "SELECT countIf(identifiers.claimed = [false]), countIf(identifiers.claimed = [true]) FROM events"
    ) == (30, 30)
    blocks = [block for owner in [*owners, last] for block in owner.blocks]
    for block in blocks:
        assert len({record.offset // 5 for record in block.records}) == 1
        assert block.schema_id == schema_id_of(block.records[0].value or b"")
    tokens = [block.token for block in blocks]
    assert len(tokens) == len(set(tokens)) + 1  # the one whose owner died behind its insert
    assert tables.row("SELECT count() FROM dead_letters") == (0,)
