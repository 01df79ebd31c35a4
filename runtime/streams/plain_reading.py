"""The reading side of a plain consumer: a thread that follows orders and posts what arrives.

A partition that has `bytes_max` waiting is read on when they are taken, so memory is bounded whatever the lanes do. Deliberately
absent: groups, seeks and pauses; reading begins with an assignment at a position and ends with its removal.
"""

import asyncio
import threading
from collections.abc import Callable, Iterable
from queue import SimpleQueue

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from runtime.environment.settings import KafkaSettings, ProcessorSettings
from runtime.kafka import reader_config
from runtime.streams.group import TP
from schemas.stream import InputRecord

log = structlog.get_logger()

BATCH_RECORDS = 2_000
IDLE_POLL_S = 0.05  # an order waits as long at most
FULL_POLL_S = 0.002  # while some partition is full, its emptying is waited for
RECORD_BYTES = 200  # what a record takes besides its key and value
BYTES_AHEAD = 4  # fetches of the largest size that the client itself may hold, all partitions together


class Arrival(msgspec.Struct):
    """What one round brought for one partition. `end`: the position behind it; `lost`: why there will be no more."""

    epoch: int
    records: list[InputRecord] = []
    size: int = 0
    end: int | None = None
    lost: str = ""


class Flow(msgspec.Struct):
    """The thread's side: where its next record is, how many bytes nobody has taken yet."""

    epoch: int
    position: int
    waiting: int = 0
    is_reading: bool = False


class Read(msgspec.Struct, frozen=True):
    tp: TP
    epoch: int
    position: int


class Emptied(msgspec.Struct, frozen=True):
    tp: TP
    epoch: int
    size: int


class Forget(msgspec.Struct, frozen=True):
    tp: TP


class Renew(msgspec.Struct, frozen=True):
    """Assign it anew at the thread's own position: what arrived meanwhile stays."""

    tp: TP
    epoch: int


class Mark(msgspec.Struct, frozen=True):
    """Where a partition's reading is, as its taker sees it."""

    epoch: int
    end: int


Order = Read | Emptied | Forget | Renew | None  # None: end


class Reading:
    """The thread and all that it alone may touch; `orders` is the way in."""

    def __init__(
        self,
        consumer: Consumer,
        bytes_max: int,
        post: Callable[[dict[TP, Arrival] | BaseException], None],
    ) -> None:
        self.orders: SimpleQueue[Order] = SimpleQueue()
        self.beats = 0
        self._consumer = consumer
        self._bytes_max = bytes_max
        self._post = post
        self._flows: dict[TP, Flow] = {}
        self._thread = threading.Thread(target=self._live, name="reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def end(self) -> None:
        self.orders.put(None)
        await asyncio.to_thread(self._thread.join)

    def _live(self) -> None:
        try:
            while self._obey():
                self.beats += 1
                if arrivals := self._read():
                    self._post(arrivals)
            self._consumer.close()
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            self._post(error)

    def _obey(self) -> bool:
        """False when there is nothing to do any more."""
        while not self.orders.empty():
            order = self.orders.get()
            if order is None:
                return False
            self._follow(order)
        return True

    def _follow(self, order: Read | Emptied | Forget | Renew) -> None:
        flow = self._flows.get(order.tp)
        match order:
            case Read(tp, epoch, position):
                self._stop(tp, flow)
                flow = self._flows[tp] = Flow(epoch, position)
                self._start(tp, flow)
            case Emptied(tp, epoch, size) if flow is not None and flow.epoch == epoch:
                flow.waiting -= size
                if flow.waiting < self._bytes_max:
                    self._start(tp, flow)
            case Forget(tp):
                self._stop(tp, flow)
                self._flows.pop(tp, None)
            case Renew(tp, epoch) if flow is not None and flow.epoch == epoch and flow.is_reading:
                self._stop(tp, flow)
                self._start(tp, flow)

    def _start(self, tp: TP, flow: Flow) -> None:
        if not flow.is_reading:
            self._consumer.incremental_assign([TopicPartition(tp.topic, tp.partition, flow.position)])
            flow.is_reading = True

    def _stop(self, tp: TP, flow: Flow | None) -> None:
        if flow is not None and flow.is_reading:
            self._consumer.incremental_unassign([TopicPartition(tp.topic, tp.partition)])
            flow.is_reading = False

    def _read(self) -> dict[TP, Arrival]:
        is_full = any(flow.waiting >= self._bytes_max for flow in self._flows.values())
        first = self._consumer.poll(FULL_POLL_S if is_full else IDLE_POLL_S)
        if first is None:
            return {}
        # consume() with a time-out would wait the whole of it for its last record.
        arrivals = self._sorted([first, *self._consumer.consume(BATCH_RECORDS, 0)])
        for tp, arrival in arrivals.items():
            flow = self._flows[tp]
            flow.waiting += arrival.size
            if arrival.lost or flow.waiting >= self._bytes_max:
                self._stop(tp, flow)
        return arrivals

    def _sorted(self, messages: Iterable[Message]) -> dict[TP, Arrival]:
        arrivals: dict[TP, Arrival] = {}
        for message in messages:
            tp = TP(message.topic() or "", message.partition() or 0)
            flow = self._flows.get(tp)
            if message.error() is not None and _passes(message.error()):
                continue
            if flow is None or not flow.is_reading:
                continue
            if (arrival := arrivals.get(tp)) is None:
                arrival = arrivals[tp] = Arrival(flow.epoch)
            _add(arrival, flow, message)
        return arrivals


def _add(arrival: Arrival, flow: Flow, message: Message) -> None:
    error, offset = message.error(), message.offset() or 0
    if error is None:
        if offset >= flow.position:
            key, value = message.key(), message.value()
            arrival.records.append(InputRecord(offset, message.timestamp()[1], key, value))
            arrival.size += RECORD_BYTES + len(key or b"") + len(value or b"")
            arrival.end = flow.position = offset + 1
    elif error.code() == KafkaError._PARTITION_EOF:
        arrival.end = flow.position = max(offset, flow.position)
    else:
        arrival.lost = error.str()


def is_fatal(error: KafkaError) -> bool:
    """Whether the client is of no use any more; in a message the error's own flag is not set."""
    return error.fatal() or error.code() == KafkaError._FATAL


def _passes(error: KafkaError | None) -> bool:
    """Whether an error says nothing about a partition's position. Raises KafkaException when nobody may survive it."""
    if error is None or error.code() in (KafkaError._PARTITION_EOF, KafkaError._AUTO_OFFSET_RESET):
        return False
    if is_fatal(error):
        raise KafkaException(error)
    log.info("the reader waits", cause=error.str())
    return True


def reading_consumer(kafka: KafkaSettings, settings: ProcessorSettings) -> Consumer:
    fetch_bytes = settings.fetch_bytes_max
    ahead_bytes = BYTES_AHEAD * max(fetch_bytes, 1_000_000)
    return Consumer(
        reader_config(kafka, "reader")
        | {
            "auto.offset.reset": "error",
            "max.partition.fetch.bytes": fetch_bytes,
            "fetch.max.bytes": ahead_bytes,
            "receive.message.max.bytes": ahead_bytes + (1 << 20),
            "queued.max.messages.kbytes": ahead_bytes >> 10,
            "fetch.queue.backoff.ms": 10,
            # The broker gathers, so that a transaction is worth its price.
            "fetch.min.bytes": settings.fetch_bytes_min,
            "fetch.wait.max.ms": settings.fetch_wait_ms_max,
        }
    )
