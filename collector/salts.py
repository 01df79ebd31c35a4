"""The edge of topic `visitors.salts`: a thread that reads it, and makes the day's salt where nobody has yet.

Every worker of every collector may make one: the first that the topic has for a day is everybody's (daily.py). It is made hours
before its day, so that none is without it when the day begins. A broker that is away only matters to who needs a salt that
is not known yet; such requests are answered 503.
"""

import secrets
import threading
import time

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, Message, Producer, TopicPartition

from collector.daily import SALT_BYTES, Salt, Salts
from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config, reader_config
from schemas.topics import VISITORS_SALTS
from schemas.values.json_values import UNREADABLE

log = structlog.get_logger()

POLL_S = 0.2
BATCH_RECORDS_MAX = 1_000
MADE_ANEW_S = 30.0  # a salt that was made and is not read by then was lost

_decode = msgspec.msgpack.Decoder(Salt).decode


class SaltReader:
    """`of` may be asked from any thread at any time."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._topic = VISITORS_SALTS.full_name(kafka.topic_prefix)
        self._salts = Salts()
        self._made_at_s: dict[int, float] = {}
        self._is_current = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="salts", daemon=True)
        self.problem = ""  # why the topic is not read any more; the process must be started again then

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    @property
    def is_ready(self) -> bool:
        return bool(self.of(_now()))

    def of(self, now: int) -> bytes:
        """The salt of this moment's day, b"" as long as it is not known; `now` is in ms since the epoch."""
        return self._salts.of(now)

    def _run(self) -> None:
        try:
            self._tail()
        except Exception as error:  # the thread's root: nobody else would ever see it
            self.problem = f"the salts of visitors without cookies are not read any more: {error!r}"
            log.exception("salt reader ended")

    def _tail(self) -> None:
        consumer = Consumer(reader_config(self._kafka, "salt-reader") | {"auto.offset.reset": "earliest"})
        producer = Producer(client_config(self._kafka) | {"linger.ms": 0})
        try:
            consumer.assign([TopicPartition(self._topic, 0, 0)])
            while not self._stop.is_set():
                self._take(consumer.consume(BATCH_RECORDS_MAX, POLL_S))
                now = _now()
                self._salts.forget(now)
                if self._is_current:
                    self._make_missing(producer, now)
                producer.poll(0)
        finally:
            consumer.close()

    def _take(self, messages: list[Message]) -> None:
        for message in messages:
            error = message.error()
            if error is None:
                self._take_one(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                self._is_current = True
            elif not error.retriable():
                log.warning("salts cannot be read", error=error.str())

    def _take_one(self, message: Message) -> None:
        try:
            self._salts.take([_decode(message.value() or b"")])
        except UNREADABLE as error:
            log.error("salt ignored", offset=message.offset(), error=str(error))

    def _make_missing(self, producer: Producer, now: int) -> None:
        """What has been read counts, also of our own."""
        for day in self._salts.missing(now):
            if time.monotonic() - self._made_at_s.get(day, -MADE_ANEW_S) >= MADE_ANEW_S:
                self._made_at_s[day] = time.monotonic()
                value = msgspec.msgpack.encode(Salt(day, secrets.token_bytes(SALT_BYTES)))
                producer.produce(self._topic, key=str(day), value=value, partition=0)


def _now() -> int:
    return time.time_ns() // 1_000_000
