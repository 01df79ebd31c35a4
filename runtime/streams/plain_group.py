"""The group as a plain confluent-kafka consumer: no Faust.

Two clients, each in its own thread. One is the membership: it subscribes, hears what the group decides, and is assigned
nothing, so that it reads nothing and a rebalance touches no fetch. The other reads what lanes ask for (plain_reader.py).
Partitions are assigned by range and eagerly, as with Faust: agents with equal partition counts get equal partitions, and a
deployment may change from one to the other worker by worker.
"""

import asyncio
import threading
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from typing import Any

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from runtime.environment.settings import KafkaSettings, ProcessorSettings
from runtime.kafka import client_config, client_id
from runtime.streams.group import REVOKE_S, TP, Member, Reader, Vitals
from runtime.streams.group_state import GroupState
from runtime.streams.plain_reader import PlainReader
from runtime.streams.plain_reading import is_fatal

log = structlog.get_logger()

POLL_S = 0.1
TELL_S = REVOKE_S + 2  # the event loop's answer is waited for as long at most
COMMIT_INTERVAL_S = 0.25  # as the other group (faust_group.py)


class PlainGroup:
    """`name`: what the group is called in Kafka."""

    def __init__(self, name: str, kafka: KafkaSettings, settings: ProcessorSettings) -> None:
        self._name = name
        self._kafka = kafka
        self._settings = settings
        self._member: Member | None = None
        self._topics: list[str] = []
        self._reader: PlainReader | None = None
        self._membership: _Membership | None = None
        self._committing: asyncio.Task[None] | None = None

    def join(self, member: Member, topics: Mapping[str, str]) -> None:
        self._member = member
        self._topics = list(topics.values())

    @property
    def reader(self) -> Reader:
        assert self._reader is not None, "run() comes first"
        return self._reader

    async def run(self) -> None:
        assert self._member is not None, "join() comes first"
        broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def fail(error: BaseException) -> None:
            if not broken.done():
                broken.set_exception(error)

        reader = self._reader = PlainReader(self._kafka, self._settings, self._member, fail)
        membership = self._membership = _Membership(self._member, reader, fail)
        membership.start(_consumer(self._name, self._kafka, self._settings, membership.state), self._topics)
        self._committing = asyncio.create_task(_commit_positions(self._member, membership))
        await broken

    def vitals(self) -> Vitals:
        if self._membership is None or self._reader is None:
            return Vitals("it has not been joined yet")
        beats = {"group": self._membership.beats, "reader": self._reader.beats}
        return Vitals(self._membership.state.unsettled, threads=beats)

    async def leave(self) -> None:
        if self._committing is not None:
            self._committing.cancel()
        if self._membership is not None:
            await self._membership.leave()
        if self._reader is not None:
            await self._reader.close()


async def _commit_positions(member: Member, membership: "_Membership") -> None:
    """For displays of lag, and for whoever waits for a stage (progress.py); no stage reads its own back."""
    told: Mapping[TP, int] = {}
    while True:
        await asyncio.sleep(COMMIT_INTERVAL_S)
        positions = member.positions()
        if positions and positions != told and not membership.is_joining:
            told = membership.to_commit = positions


class _Membership:
    """The member's consumer and its thread: no other thread may call the consumer."""

    def __init__(self, member: Member, reader: PlainReader, fail: "Any") -> None:
        self.to_commit: Mapping[TP, int] = {}
        self.beats = 0
        self.is_joining = True  # until the group has said which partitions are ours
        self.state = GroupState()
        self._member = member
        self._reader = reader
        self._fail = fail
        self._loop = asyncio.get_running_loop()
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._live, name="group", daemon=True)
        self._consumer: Consumer | None = None

    def start(self, consumer: Consumer, topics: list[str]) -> None:
        self._consumer = consumer
        consumer.subscribe(
            topics, on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_revoke
        )
        self._thread.start()

    async def leave(self) -> None:
        self._leaving.set()
        await asyncio.to_thread(self._thread.join)

    def _live(self) -> None:
        try:
            while not self._leaving.is_set():
                self._turn()
            self._joined.close()
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            if not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._fail, error)

    def _turn(self) -> None:
        self.beats += 1
        message = self._joined.poll(POLL_S)
        if message is not None and (error := message.error()) is not None:
            if is_fatal(error):  # among others: another process has our instance id
                raise KafkaException(error)
            log.info("the group waits", cause=error.str())
        positions, self.to_commit = self.to_commit, {}
        # A named member that joins anew commits under the id that it had before, which the broker takes for a rival's: fatal.
        if positions and not self.is_joining:
            offsets = [TopicPartition(tp.topic, tp.partition, end) for tp, end in positions.items()]
            with suppress(KafkaException):  # a rebalance goes on; the next time will do
                self._joined.commit(offsets=offsets, asynchronous=True)

    @property
    def _joined(self) -> Consumer:
        assert self._consumer is not None, "start() comes first"
        return self._consumer

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        # Without this answer the client would assign them all, and read.
        consumer.assign([])
        self.is_joining = False
        self._tell(self._assigned({TP(found.topic, found.partition) for found in partitions}))

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self.is_joining = True
        consumer.unassign()
        self._tell(self._member.revoked())

    async def _assigned(self, partitions: set[TP]) -> None:
        self._reader.keep(partitions)
        await self._member.assigned(partitions)

    def _tell(self, news: Coroutine[Any, Any, None]) -> None:
        """Have the event loop hear it, and wait until it has; but not for ever, or the group would wait for us."""
        if self._leaving.is_set() or self._loop.is_closed():
            news.close()
            return
        told = asyncio.run_coroutine_threadsafe(news, self._loop)
        try:
            told.result(TELL_S)
        except TimeoutError:
            log.warning("the worker is slow to hear what its group decided")


def _consumer(name: str, kafka: KafkaSettings, settings: ProcessorSettings, state: GroupState) -> Consumer:
    session_ms = settings.session_timeout_s * 1000
    instance = {"group.instance.id": settings.instance_id} if settings.instance_id else {}
    return Consumer(
        client_config(kafka)
        | instance
        | state.config
        | {
            "group.id": name,
            "client.id": client_id(settings),
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "partition.assignment.strategy": "range",
            "session.timeout.ms": session_ms,
            "heartbeat.interval.ms": session_ms // 10,
            # Also how long a rebalance waits for us: the thread polls, except while it waits for the event loop.
            "max.poll.interval.ms": max(session_ms, int(2 * TELL_S * 1000)),
        }
    )
