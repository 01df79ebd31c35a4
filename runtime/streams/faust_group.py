"""The group as Faust runs it: an app with one agent per topic, whose events are chunks.

Faust brings group membership, agents and delivery; see transport.py for what of it is replaced. No table, no producer, no web
server, no topic creation.
"""

from collections.abc import Mapping
from typing import Any

import faust
from mode import CrashingSupervisor

from runtime.environment.settings import KafkaSettings, ProcessorSettings, folder
from runtime.kafka import client_id
from runtime.streams import transport
from runtime.streams.group import Member, Reader, Vitals

CHUNKS_BUFFERED_MAX = 64  # of one agent, all partitions together; lanes bound it long before
# What waits for a stage asks for its commits (progress.py): firings are later by two of these.
COMMIT_INTERVAL_S = 0.25


class FaustGroup:
    """`name`: what the group is called in Kafka."""

    def __init__(self, name: str, kafka: KafkaSettings, settings: ProcessorSettings) -> None:
        self._app = _app(name, kafka, settings)
        self._member: Member | None = None
        self._consumer: transport.ChunkConsumer | None = None

    def join(self, member: Member, topics: Mapping[str, str]) -> None:
        self._member = member
        self._app.on_partitions_revoked.connect(self._revoked)
        self._app.on_partitions_assigned.connect(self._assigned)
        for agent, topic in topics.items():
            channel = self._app.topic(topic, schema=transport.ChunkSchema())
            self._app.agent(channel, name=agent)(self._deliver)

    @property
    def reader(self) -> Reader:
        return self._ensure_consumer()

    def _ensure_consumer(self) -> transport.ChunkConsumer:
        if self._consumer is None:
            self._consumer = transport.consumer_of(self._app)
            self._consumer.positions = self._joined.positions
        return self._consumer

    async def run(self) -> None:
        await self._app.start()
        await self._app.wait_until_stopped()
        raise self._app.crash_reason or RuntimeError("Faust stopped by itself")

    def vitals(self) -> Vitals:
        consumer = self._consumer
        if consumer is None:
            return Vitals("it has not been joined yet")
        return Vitals(consumer.unsettled(), loops={"reader's event loop": consumer.reader_loop})

    async def leave(self) -> None:
        await self._app.stop()

    @property
    def _joined(self) -> Member:
        assert self._member is not None, "join() comes first"
        return self._member

    async def _deliver(self, stream: Any) -> None:
        """An agent's whole work. Never acks; positions are the Parts'."""
        member = self._joined
        async for event in stream.noack().events():
            member.accept(event.message.tp, event.value)

    async def _revoked(self, *_: Any, **__: Any) -> None:
        await self._joined.revoked()

    async def _assigned(self, *signal: Any, **_: Any) -> None:
        self._ensure_consumer()  # a spare member, which is given no partition, never asks for its reader
        await self._joined.assigned(signal[1])


class _Boot(faust.app.BootStrategy):
    enable_kafka_producer = False  # outputs are the Parts' transactions


class _App(faust.App):
    BootStrategy = _Boot
    gathering: transport.Gathering
    access: dict[str, Any]  # to Kafka: Faust's own credentials know less


def _app(name: str, kafka: KafkaSettings, settings: ProcessorSettings) -> faust.App:
    transport.register()
    app = _App(
        name,
        broker=[f"{transport.SCHEME}://{address}" for address in kafka.bootstrap_servers.split(",")],
        # It insists on a folder, and writes nothing there.
        datadir=folder(f"{settings.state_dir}/{kafka.generation}/faust"),
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        agent_supervisor=CrashingSupervisor,
        table_standby_replicas=0,
        consumer_group_instance_id=settings.instance_id or None,
        consumer_max_fetch_size=settings.fetch_bytes_max,
        broker_client_id=client_id(settings),
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 10,
        broker_request_timeout=max(40, settings.session_timeout_s + 10),
        broker_rebalance_timeout=settings.session_timeout_s,
        broker_commit_interval=COMMIT_INTERVAL_S,
        stream_buffer_maxsize=CHUNKS_BUFFERED_MAX,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
    )
    app.access = transport.aiokafka_access(kafka)
    app.gathering = transport.Gathering(settings.fetch_bytes_min, settings.fetch_wait_ms_max)
    return app
