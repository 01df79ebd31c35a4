"""What we rely on in Faust, at work: what the one life of faust_story.py shows. faust_contract.py says for which names."""

import asyncio
import uuid
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from faust.transport import drivers
from faust.transport.drivers import aiokafka as driver
from mode import CrashingSupervisor
from yarl import URL

from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from runtime.kafka import ensure_topics
from runtime.streams import transport
from runtime.streams.faust_group import COMMIT_INTERVAL_S, FaustGroup
from runtime.streams.group import TP
from schemas.topics import EVENTS_RAW
from tests.engines import delete_topics
from tests.runtime.faust_story import PARCEL, POSITION, Story, life
from tests.runtime.memory_faust import Broker, raw, stock_app


@pytest.fixture(scope="module")
def story(kafka: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    environ = {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "STITCHLINE_TOPIC_PREFIX": prefix,
        "STITCHLINE_PARTITIONS": "2",
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "PROCESSOR_STATE_DIR": str(tmp_path_factory.mktemp("state")),
        "PROCESSOR_SESSION_TIMEOUT_S": "15",
        "STITCHLINE_HASH_KEY": "0" * 32,
    }
    settings = load(KafkaSettings, environ)
    ensure_topics(settings)
    one, notes = asyncio.run(life(settings, load(ProcessorSettings, environ)))
    reader = Consumer({"bootstrap.servers": kafka, "group.id": one.app.conf.id})
    [committed] = reader.committed([TopicPartition(EVENTS_RAW.full_name(prefix), 0)], timeout=30)
    reader.close()
    yield Story(one.app, one.app.consumer, notes, committed.offset)
    delete_topics(kafka, prefix)


def test_the_consumer_is_ours_and_lives_in_our_thread(story: Story) -> None:
    consumer = story.consumer
    assert isinstance(consumer, transport.ChunkConsumer)
    assert len(story.of("thread")) == 1
    assert isinstance(consumer._thread, transport.ReaderThread)
    assert consumer.app is consumer._thread.app is story.app
    native = consumer._thread._ensure_consumer()
    assert native is consumer._thread._consumer
    assert getattr(native, "_isolation_level", "") == "read_committed"  # so it is the one that we made
    assert consumer._thread.thread_loop is not consumer.loop
    assert consumer.beacon is not None


def test_the_fetcher_runs_our_loop_and_stops_it(story: Story) -> None:
    fetchers = [note.details[0] for note in story.of("drain")]
    assert all(fetcher is story.app._fetcher for fetcher in fetchers)
    assert callable(fetchers[0].sleep)
    assert (fetchers[0].should_stop, story.consumer.should_stop) == (True, True)


def test_a_rebalance_ends_after_the_seek(story: Story) -> None:
    order = [note.what for note in story.of("revoked", "assigned", "seek")]
    assert order[-3:] == ["revoked", "assigned", "seek"]
    assert all(note.rebalancing for note in story.of("seek"))
    generations = [note.generation for note in story.of("assigned")]
    assert all(earlier < later for earlier, later in pairwise(generations))


def test_the_flow_stands_still_from_the_revocation_to_the_end(story: Story) -> None:
    [*_, revoked, assigned, seek] = story.of("revoked", "assigned", "seek")
    for note in (revoked, assigned, seek):
        assert (note.rebalancing, note.flow_active) == (True, False)


def test_the_signals_tell_the_app_and_a_set_of_partitions(story: Story) -> None:
    *_, before, last = story.of("assigned")
    revoked = story.of("revoked")[-1]
    for note in (before, last, revoked):
        sender, partitions = note.details
        assert sender is story.app
        assert {TP(*tp) for tp in partitions} == partitions  # equal to ours
    assert revoked.details == before.details
    assert len(last.details[1]) == 1


def test_an_event_holds_the_very_object_that_was_delivered(story: Story) -> None:
    accept = story.of("accept")[0]
    tp, parcel = accept.details
    assert parcel is PARCEL
    assert (tp, tp.partition) == (TP(tp.topic, 0), 0)
    assert not story.consumer._acked  # nothing is acknowledged on the way


def test_faust_commits_by_a_timer_and_only_through_us(story: Story) -> None:
    assert story.of("commit")
    assert story.app.conf.broker_commit_interval == COMMIT_INTERVAL_S
    assert story.committed == POSITION


def test_the_verifier_asks_us(story: Story) -> None:
    assert {note.details[0].partition for note in story.of("verify")} <= {0, 1}
    assert story.of("verify")


def test_no_producer_is_started_and_none_is_needed(story: Story) -> None:
    producer: Any = story.app.producer
    assert not producer.started
    assert producer.buffer.size == 0


def test_the_settings_that_we_give_are_those_that_we_read(tmp_path: Path) -> None:
    kafka = KafkaSettings()
    processor = ProcessorSettings(
        hash_key="0" * 32,
        state_dir=str(tmp_path),
        instance_id="me",
        session_timeout_s=30,
        fetch_bytes_max=12_345,
    )
    conf: Any = FaustGroup("processors", kafka, processor)._app.conf
    assert conf.id == "processors"
    assert (conf.consumer_group_instance_id, conf.consumer_max_fetch_size) == ("me", 12_345)
    assert (conf.broker_session_timeout, conf.broker_heartbeat_interval) == (30, 3)
    assert (conf.broker_rebalance_timeout, conf.broker_request_timeout) == (30, 40)
    assert conf.broker_client_id
    assert conf.consumer_metadata_max_age_ms > 0


def test_a_scheme_names_our_transport_and_its_addresses() -> None:
    transport.register()
    assert drivers.by_url(URL(f"{transport.SCHEME}://host:1")) is transport.Transport
    urls = [URL(f"{transport.SCHEME}://one:1"), URL(f"{transport.SCHEME}://two")]
    assert driver.server_list(urls, transport.Transport.default_port) == ["one:1", "two:9092"]


def test_an_exception_of_an_agent_ends_the_app_with_its_reason(tmp_path: Path) -> None:
    kept = Broker()
    kept.write("in", b"poison")
    app = stock_app(kept, tmp_path, agent_supervisor=CrashingSupervisor)
    error = RuntimeError("a bug")

    @app.agent(raw(app, "in"), name="agent")
    async def agent(stream: Any) -> None:
        async for _ in stream:
            raise error

    async def life() -> None:
        await app.start()
        async with asyncio.timeout(60):
            await app.wait_until_stopped()
        await app.stop()

    asyncio.run(life())
    assert app.crash_reason is error
