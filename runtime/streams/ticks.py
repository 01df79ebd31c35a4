"""Tells agents the time: a record to each partition of their input that this worker works on, every few seconds.

So time is part of the input, and a replay sees the same ticks between the same records. Several writers are harmless, as an
agent's clock is the latest moment it was told, and a tick that is lost is made good by the next one; therefore nothing waits
for Kafka's answer, and an outage costs nothing but delay. No transaction: a tick belongs to nobody's state.
"""

import threading
from collections.abc import Callable, Iterable, Sequence

import msgspec
import structlog
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config

log = structlog.get_logger()

STOP_S = 5.0
QUEUED_MAX = 1_000  # while Kafka is away; further ticks are dropped


class Tick(msgspec.Struct, frozen=True):
    """`topic` with the deployment's prefix. `make`: the record's value for a moment in ms."""

    topic: str
    partitions: Callable[[], Iterable[int]]
    now_ms: Callable[[], int]
    make: Callable[[int], bytes]


class Ticks:
    """One thread for all topics. `fail` is called in it, with what ended it: a bug."""

    def __init__(
        self,
        kafka: KafkaSettings,
        ticks: Sequence[Tick],
        every_s: float,
        fail: Callable[[BaseException], None],
    ) -> None:
        self._kafka = kafka
        self._ticks = ticks
        self._every_s = every_s
        self._fail = fail
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._live, name="ticks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(STOP_S)

    def _live(self) -> None:
        try:
            producer = Producer(_config(self._kafka, self._every_s))
            while not self._stop.wait(self._every_s):
                for tick in self._ticks:
                    _send(producer, tick)
                producer.poll(0)
            producer.purge()
            producer.flush(0)
        except BaseException as error:  # the thread's root: whatever ends it ends the worker
            self._fail(error)


def _send(producer: Producer, tick: Tick) -> None:
    value = tick.make(tick.now_ms())
    try:
        for partition in sorted(tick.partitions()):
            producer.produce(tick.topic, value=value, partition=partition, on_delivery=_report)
    except (KafkaException, BufferError) as error:
        log.warning("a tick was not sent", topic=tick.topic, error=str(error))


def _config(kafka: KafkaSettings, every_s: float) -> dict[str, object]:
    """An old tick is not worth repeating."""
    return client_config(kafka) | {
        "linger.ms": 0,
        "acks": "all",
        "message.timeout.ms": max(1_000, int(every_s * 1_000)),
        "queue.buffering.max.messages": QUEUED_MAX,
    }


def _report(error: KafkaError | None, _message: Message) -> None:
    if error is not None and error.code() != KafkaError._PURGE_QUEUE:
        log.warning("a tick was not taken", error=error.str())
