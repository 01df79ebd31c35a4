"""Accepted events to Kafka by group commit: gathered while something is on its way, and shortly after that (gathering.py).

Whoever publishes is told when the broker has every record (acks=all, idempotent producer), by a call and not by a future: most of
what would wait for one waits for nothing else. Delivery reports are polled by a thread of their own, so that a lone request
never waits for the next flush. Everything else runs on the event loop's thread.
Absent: what an event is (intake.py) and how packs are cut (packing.py).
"""

import asyncio
import contextlib
import threading
import time
from collections.abc import Sequence
from functools import partial

import structlog
from confluent_kafka import KafkaError, KafkaException, Producer

from collector.availability import Availability
from collector.gathering import Gathering
from collector.packing import seal
from collector.rejection import Letter
from collector.tickets import Parcel, Ticket
from runtime.environment.settings import CollectorSettings, KafkaSettings
from runtime.kafka import KafkaUnavailable, client_config
from runtime.metrics import PACK_EVENTS, QUEUED
from schemas.events.pack import PackedEvent, encode_event
from schemas.identity.identifiers import partition_of
from schemas.topics import EVENTS_DEAD, EVENTS_RAW

log = structlog.get_logger()

POLL_S = 0.1
PROBE_TIMEOUT_S = 1.0
SWEEP_S = 0.1
MESSAGE_OVERHEAD = 100_000  # what a message may have above the pack in it

Report = tuple[Parcel, KafkaError | None]


class Overloaded(Exception):
    """The queue is full: the sender shall come back later."""


class Waiting:
    """What gathers while a flush is on its way: parallel lists, an encoded event, its partition and its ticket. `requests`
    counts them."""

    __slots__ = ("events", "letters", "partitions", "requests", "tickets")

    def __init__(self) -> None:
        self.requests = 0
        self.partitions: list[int] = []
        self.events: list[bytes] = []
        self.tickets: list[Ticket] = []
        self.letters: list[tuple[Letter, Ticket]] = []


class Publisher:
    """Made and used on the event loop that serves requests; call `start` before and `close` after."""

    def __init__(self, kafka: KafkaSettings, settings: CollectorSettings) -> None:
        self._kafka = kafka
        self._settings = settings
        self._raw = EVENTS_RAW.full_name(kafka.topic_prefix)
        self._dead = EVENTS_DEAD.full_name(kafka.topic_prefix)
        self._loop = asyncio.get_running_loop()
        self._producer = Producer(self._config())
        self._availability = Availability(self._probe)
        self._poller = threading.Thread(target=self._poll, name="kafka-reports", daemon=True)
        self._partitions = kafka.partitions
        self._events_max, self._bytes_max = settings.queue_events_max, settings.queue_bytes_max
        self._waiting = Waiting()
        self._flights: dict[Parcel, None] = {}  # in order of birth
        self._reports: list[Report] = []  # touched by the poller only
        self._flush_soon: asyncio.Handle | None = None
        self._may_be_sooner = False  # whether _flush_soon is a time limit of gathering
        self._gathering = Gathering()
        self._sweeping: asyncio.Handle | None = None
        self._queued_events = self._queued_bytes = 0
        self._acknowledged = 0
        self._stopped = False
        QUEUED.set_function(lambda: self._queued_events)
        self._empty = asyncio.Event()
        self.fatal = asyncio.Event()  # the producer cannot go on: the process shall end and be started again

    def start(self) -> None:
        self._poller.start()
        self._availability.start()

    @property
    def problem(self) -> str:
        """What keeps Kafka from being used, "" when nothing does."""
        return self._availability.problem

    def publish(self, events: Sequence[PackedEvent], letters: Sequence[Letter], ticket: Ticket) -> None:
        """The ticket is settled when all are acknowledged, or with KafkaUnavailable; some may be in Kafka even then.

        Raises Overloaded or KafkaUnavailable when they are not taken at all.
        """
        if not events and not letters:
            ticket.settled(None)
            return
        if self._availability.problem:
            raise KafkaUnavailable(self._availability.problem)
        packed = [encode_event(event) for event in events]
        size = 0
        for value in packed:
            size += len(value)
        for letter in letters:
            size += len(letter.value)
        records = len(events) + len(letters)
        self._admit(records, size)
        waiting = self._waiting
        ticket.pending = records
        waiting.requests += 1
        waiting.events += packed
        for event in events:
            waiting.partitions.append(partition_of(event.routing, self._partitions))
            waiting.tickets.append(ticket)
        for letter in letters:
            waiting.letters.append((letter, ticket))
        self._plan_flush()

    async def close(self, timeout_s: float) -> None:
        """Waits for what is on its way, no longer than told, and ends the threads."""
        if self._waiting.requests or self._flights:
            self._empty.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await self._empty.wait()
        self._stopped = True
        if self._sweeping:
            self._sweeping.cancel()
        await asyncio.to_thread(self._join)

    def _join(self) -> None:
        self._poller.join(timeout=5)
        self._availability.stop()

    def _config(self) -> dict[str, object]:
        return client_config(self._kafka) | {
            "acks": "all",
            "enable.idempotence": True,
            "compression.type": "lz4",
            "linger.ms": 0,  # gathering is done here, before packs are cut
            "message.timeout.ms": self._settings.delivery_timeout_ms,
            "message.max.bytes": self._settings.pack_bytes_max + MESSAGE_OVERHEAD,
            "queue.buffering.max.messages": self._settings.queue_events_max + 1,
            "queue.buffering.max.kbytes": self._settings.queue_bytes_max // 1024 + 1,
            "error_cb": self._on_error,
        }

    def _admit(self, count: int, size: int) -> None:
        if self._queued_events + count > self._events_max:
            raise Overloaded(f"{self._events_max} events wait for Kafka already")
        if self._queued_bytes + size > self._bytes_max:
            raise Overloaded(f"{self._bytes_max} bytes wait for Kafka already")
        self._count(count, size)

    def _count(self, count: int, size: int) -> None:
        self._queued_events += count
        self._queued_bytes += size

    def _plan_flush(self) -> None:
        if self._flights:
            if self._flush_soon is None:
                self._replan(self._loop.call_later(self._settings.pack_age_ms_max / 1000, self._flush))
        elif self._gathering.is_complete(self._waiting.requests):
            if self._flush_soon is None or self._may_be_sooner:
                self._replan(self._loop.call_soon(self._flush))
        elif self._flush_soon is None:
            self._replan(self._loop.call_later(self._settings.gather_ms_max / 1000, self._flush))
            self._may_be_sooner = True

    def _replan(self, handle: asyncio.Handle | None) -> None:
        if self._flush_soon:
            self._flush_soon.cancel()
        self._flush_soon, self._may_be_sooner = handle, False

    def _flush(self) -> None:
        self._replan(None)
        waiting, self._waiting = self._waiting, Waiting()
        self._gathering.sent(waiting.requests, beside_others=bool(self._flights))
        born = time.monotonic()
        for pack in seal(waiting.partitions, waiting.events, self._settings.pack_bytes_max):
            PACK_EVENTS.observe(len(pack.members))
            parcel = Parcel([waiting.tickets[place] for place in pack.members], pack.weight, born)
            self._send(
                parcel, partial(self._producer.produce, self._raw, pack.value, partition=pack.partition)
            )
        for letter, ticket in waiting.letters:
            key = letter.source.encode()
            target = partition_of(key, self._kafka.partitions)
            parcel = Parcel([ticket], len(letter.value), born)
            self._send(
                parcel, partial(self._producer.produce, self._dead, letter.value, key, partition=target)
            )
        if self._flights and self._sweeping is None:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)

    def _send(self, parcel: Parcel, produce: "partial[None]") -> None:
        try:
            produce(on_delivery=partial(self._on_report, parcel))
        except (BufferError, KafkaException) as error:
            self._count(-len(parcel.tickets), -parcel.weight)
            parcel.fail(KafkaUnavailable(f"Kafka's client refused a message: {error}"))
        else:
            self._flights[parcel] = None

    def _on_report(self, parcel: Parcel, error: KafkaError | None, _message: object) -> None:
        self._reports.append((parcel, error))

    def _poll(self) -> None:
        while not self._stopped:
            self._producer.poll(POLL_S)
            if self._reports:
                reports, self._reports = self._reports, []
                self._loop.call_soon_threadsafe(self._settle, reports)
                # Else the last requests, and connections whose bodies nobody reads, would be held until the next report.
                del reports

    def _settle(self, reports: list[Report]) -> None:
        for parcel, error in reports:
            self._flights.pop(parcel, None)
            self._count(-len(parcel.tickets), -parcel.weight)
            if error is None:
                self._acknowledged += 1
                parcel.succeed()
            else:
                self._availability.doubt()
                parcel.fail(KafkaUnavailable(f"Kafka did not acknowledge: {error.str()}"))
        if self._flights:
            return
        if self._waiting.requests:
            self._replan(None)  # of a time limit beside what was on its way
            self._plan_flush()
        else:
            self._empty.set()

    def _sweep(self) -> None:
        # A report of a timeout may come a second late; a request is answered in time all the same.
        self._sweeping = None
        oldest = time.monotonic() - self._settings.delivery_timeout_ms / 1000
        for parcel in self._flights:
            if parcel.born > oldest:
                break
            self._availability.doubt()
            parcel.fail(
                KafkaUnavailable(f"Kafka did not acknowledge within {self._settings.delivery_timeout_ms} ms")
            )
        if self._flights:
            self._sweeping = self._loop.call_later(SWEEP_S, self._sweep)

    def _on_error(self, error: KafkaError) -> None:
        if error.fatal():
            log.critical("kafka producer failed for good", error=error.str())
            self._loop.call_soon_threadsafe(self.fatal.set)
        self._availability.doubt()

    def _probe(self) -> str:
        before = self._acknowledged
        try:
            found = self._producer.list_topics(timeout=PROBE_TIMEOUT_S).topics
        except KafkaException as error:
            if self._acknowledged != before:  # busy, not away
                return ""
            return f"Kafka does not answer at {self._kafka.bootstrap_servers}: {error.args[0].str()}"
        for topic in (self._raw, self._dead):
            if topic not in found:
                return f"topic {topic} is missing: create the topics"
            if len(found[topic].partitions) != self._kafka.partitions:
                return f"topic {topic} has {len(found[topic].partitions)} partitions, not {self._kafka.partitions}"
        return ""
