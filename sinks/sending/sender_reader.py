"""The sender's side of Kafka: attempts that are due come in, results go out, and positions are committed behind them.

One thread owns the consumer and polls the producer. A record is done when Kafka has acknowledged its result, which says nothing
about its neighbours; so what is done above a position is written into the commit (sender_offsets.py). Attempts that are on their
way when a partition is taken away are waited for, for a while; those that end later are made again by the new owner.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Protocol

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from runtime.environment.settings import DeliverSettings, KafkaSettings
from runtime.kafka import client_config, group_name
from runtime.watch.judgement import Phase, Sight
from schemas.actions.action_work import Due, Result, decode_due, encode_work
from schemas.topics import ACTIONS_DUE, ACTIONS_WORK
from sinks.sending.sender_offsets import Window, bookmark_of

log = structlog.get_logger()

NAME = "deliver"
KEY = b"result"  # of the records; the partition is chosen by hand
BATCH_MAX = 500
POLL_S = 0.05
COMMIT_S = 0.5
FLUSH_S = 5.0
REVOKE_S = 8.0
TAKE_S_MAX = 120.0
UNACKNOWLEDGED_MAX = 20_000
POLL_PAUSE_MS_MAX = 900_000


class Arrival(msgspec.Struct, frozen=True, eq=False):
    """One attempt to make, and where its record is."""

    window: Window
    offset: int
    due: Due


class Taker(Protocol):
    """Called in the event loop."""

    async def arrived(self, arrivals: Sequence[Arrival]) -> None:
        """Each is answered once, in any order, unless its window is revoked."""

    async def revoked(self, windows: Sequence[Window], timeout_s: float) -> None:
        """Returns when nothing of these is on its way, or in time."""


class Reader:
    """`fail` is called, in any thread, with what ended it. `start` is called in the event loop."""

    def __init__(
        self,
        kafka: KafkaSettings,
        settings: DeliverSettings,
        taker: Taker,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._kafka = kafka
        self._settings = settings
        self._taker = taker
        self._fail = fail
        self._topic = ACTIONS_DUE.full_name(kafka.topic_prefix)
        self._work = ACTIONS_WORK.full_name(kafka.topic_prefix)
        self._producer = Producer(_producer_config(kafka))
        self._windows: dict[int, Window] = {}
        self._committed: dict[int, tuple[int, str]] = {}
        self._commit_at_s = 0.0
        self._produced = self._acknowledged = 0
        self._draining, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._live, name=NAME, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.is_assigned = False
        self.beats = 0
        self.sights: list[Sight] = []

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def drain(self) -> None:
        """Hand out nothing more."""
        self._draining.set()

    async def close(self) -> None:
        """Results that were given are sent, positions committed, and the group is left."""
        self._ending.set()
        await asyncio.to_thread(self._thread.join)

    def answer(self, arrival: Arrival, result: Result) -> None:
        """Called in the event loop."""

        def reported(error: KafkaError | None, _message: Message) -> None:
            if error is not None:
                self._fail(KafkaException(error))
                return
            self._acknowledged += 1
            arrival.window.done(arrival.offset)

        self._produced += 1
        self._producer.produce(
            self._work, key=KEY, value=encode_work([result]), partition=arrival.due.home, on_delivery=reported
        )

    def _live(self) -> None:
        try:
            consumer = Consumer(_consumer_config(self._kafka, self._settings) | {"on_commit": self._reported})
            consumer.subscribe(
                [self._topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
            )
            while not self._ending.is_set():
                self._turn(consumer)
            self._producer.flush(FLUSH_S)
            self._commit(consumer, list(self._windows), is_waited_for=True)
            consumer.close()
        except BaseException as error:  # the thread's root: whatever ends it ends the process
            self._fail(error)

    def _turn(self, consumer: Consumer) -> None:
        self.beats += 1
        self._producer.poll(0)
        if self._produced - self._acknowledged > UNACKNOWLEDGED_MAX:
            self._producer.poll(POLL_S)  # Kafka takes nothing, so it would bring nothing either
        elif arrivals := self._arrivals(consumer):
            self._tell(self._taker.arrived(arrivals), TAKE_S_MAX)
        if time.monotonic() >= self._commit_at_s:
            self._commit_at_s = time.monotonic() + COMMIT_S
            self._commit(consumer, list(self._windows), is_waited_for=False)
            self.sights = [self._sight(place, window) for place, window in self._windows.items()]

    def _arrivals(self, consumer: Consumer) -> list[Arrival]:
        first = consumer.poll(POLL_S)
        if first is None:
            return []
        # consume() with a time-out would wait the whole of it for its last record.
        messages = [first, *consumer.consume(BATCH_MAX, 0)]
        if self._draining.is_set():
            return []  # not taken: the next owner reads them
        return [found for message in messages if (found := self._arrival(message)) is not None]

    def _arrival(self, message: Message) -> Arrival | None:
        if (error := message.error()) is not None:
            if error.fatal() or error.code() == KafkaError._FATAL:
                raise KafkaException(error)
            log.info("the sender waits", cause=error.str())
            return None
        window, offset = self._windows.get(message.partition() or 0), message.offset() or 0
        if window is None or not window.take(offset, message.timestamp()[1]):
            return None
        try:
            return Arrival(window, offset, decode_due(message.value() or b""))
        except msgspec.DecodeError as failure:
            log.error(
                "an attempt cannot be read", partition=message.partition(), offset=offset, error=str(failure)
            )
            window.done(offset)
            return None

    def _assigned(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        committed = consumer.committed(partitions, self._kafka.answer_timeout_s) if partitions else []
        for place in committed:
            # As it has always been where nothing is committed: from the beginning of the log, which is found once it is read.
            window = Window(bookmark_of(max(place.offset, 0), place.metadata or ""))
            mark = window.bookmark()
            self._windows[place.partition] = window
            self._committed[place.partition] = mark.floor, mark.metadata
        consumer.incremental_assign(
            [TopicPartition(each.topic, each.partition, each.offset) for each in committed]
        )
        self.is_assigned = True

    def _revoked(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [each.partition for each in partitions]
        windows = [self._windows[place] for place in places if place in self._windows]
        self._tell(self._taker.revoked(windows, REVOKE_S), 2 * REVOKE_S)
        self._producer.flush(FLUSH_S)
        self._commit(consumer, places, is_waited_for=True)
        self._forget(places)

    def _lost(self, _consumer: Consumer, partitions: list[TopicPartition]) -> None:
        places = [each.partition for each in partitions]
        windows = [self._windows[place] for place in places if place in self._windows]
        self._tell(self._taker.revoked(windows, 0), REVOKE_S)
        self._forget(places)

    def _forget(self, places: Sequence[int]) -> None:
        for place in places:
            self._windows.pop(place, None)
            self._committed.pop(place, None)

    def _commit(self, consumer: Consumer, places: Sequence[int], *, is_waited_for: bool) -> None:
        news = {}
        for place in places:
            if (window := self._windows.get(place)) is not None:
                mark = window.bookmark()
                if self._committed.get(place) != (found := (mark.floor, mark.metadata)):
                    news[place] = found
        if not news:
            return
        offsets = [TopicPartition(self._topic, place, floor, text) for place, (floor, text) in news.items()]
        try:
            if is_waited_for:
                consumer.commit(offsets=offsets, asynchronous=False)
            else:
                consumer.commit(offsets=offsets, asynchronous=True)
        except (
            KafkaException
        ) as error:  # somebody else's now, or the next time will do: what is repeated has the same id
            log.warning("the sender's positions are not committed", error=error.args[0].str())
            return
        self._committed |= news

    def _reported(self, error: KafkaError | None, _places: object) -> None:
        if error is not None:  # a rebalance goes on, as a rule; what is repeated then has the same id
            log.info("the sender's positions are committed later", cause=error.str())
            self._committed.clear()

    def _tell(self, news: Coroutine[Any, Any, None], timeout_s: float) -> None:
        assert self._loop is not None, "start() comes first"
        if self._loop.is_closed() or self._ending.is_set():
            news.close()
            return
        with suppress(asyncio.CancelledError):
            asyncio.run_coroutine_threadsafe(news, self._loop).result(timeout_s)

    def _sight(self, partition: int, window: Window) -> Sight:
        return Sight(
            reader=NAME,
            topic=self._topic,
            partition=partition,
            phase=Phase.STOPPING if self._draining.is_set() else Phase.RUNNING,
            position=window.bookmark().floor if window.is_busy else window.next,
            beats=window.beats,
            is_busy=window.is_busy,
            oldest_ms=window.oldest_ms,
        )


def _producer_config(kafka: KafkaSettings) -> dict[str, object]:
    """Results wait for Kafka as long as it takes."""
    return client_config(kafka) | {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "message.timeout.ms": 0,
        "compression.type": "lz4",
    }


def _consumer_config(kafka: KafkaSettings, settings: DeliverSettings) -> dict[str, object]:
    instance = {"group.instance.id": settings.instance_id} if settings.instance_id else {}
    return (
        client_config(kafka)
        | instance
        | {
            "group.id": group_name(kafka, NAME),
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "partition.assignment.strategy": "cooperative-sticky",
            "session.timeout.ms": settings.session_timeout_s * 1000,
            "max.poll.interval.ms": POLL_PAUSE_MS_MAX,
            "queued.max.messages.kbytes": 16_384,
        }
    )
