"""Events that our agents made are put on the way of all events: from `events.derived` to `events.raw`. A stage of the sinks'
process.

The agents of rules write in transactions. Into `events.raw` nobody does: a transaction that is open there, because its process
was killed or frozen, would hold back everybody's events, and every offset of that topic is a record, so that one which a
reader lost is noticed. What was sent and not committed is sent again; message ids make a repetition harmless.
"""

import threading
from collections.abc import Mapping

import structlog
from confluent_kafka import Consumer, KafkaException, Message

from runtime.environment.settings import KafkaSettings, SinkSettings, load
from runtime.kafka import KafkaUnavailable, client_config, group_name
from runtime.sending import send
from schemas.stream import OutputRecord
from schemas.topics import EVENTS_DERIVED, EVENTS_RAW
from sinks.stages.own_thread import OwnThread

log = structlog.get_logger()

NAME = "derived"
BATCH_MAX = 1_000
POLL_S = 0.5
RETRY_S = 1.0


class DerivedThread(OwnThread):
    def __init__(self, environ: Mapping[str, str], stop: threading.Event) -> None:
        super().__init__(NAME, stop)
        self._kafka = load(KafkaSettings, environ)
        self._session_s = load(SinkSettings, environ).session_timeout_s
        self.is_assigned = False

    def _work(self) -> None:
        consumer = Consumer(_config(self._kafka, self._session_s))
        consumer.subscribe([EVENTS_DERIVED.full_name(self._kafka.topic_prefix)], on_assign=self._assigned)
        try:
            while not self._stop_event.is_set():
                messages = consumer.consume(1, POLL_S)
                messages += consumer.consume(BATCH_MAX - 1, 0) if messages else []
                if records := [_record(each) for each in messages if each.error() is None]:
                    self._pass_on(consumer, records)
        finally:
            consumer.close()

    def _assigned(self, _consumer: Consumer, _places: object) -> None:
        self.is_assigned = True

    def _pass_on(self, consumer: Consumer, records: list[OutputRecord]) -> None:
        while not self._stop_event.is_set():
            try:
                send(self._kafka, records)
                consumer.commit(asynchronous=False)
                return
            except KafkaUnavailable as error:
                log.warning("derived events wait", records=len(records), error=str(error))
            except (
                KafkaException
            ) as error:  # somebody else's now, who sends them again, which changes nothing
                log.warning("derived events are not committed", error=error.args[0].str())
                return
            self._stop_event.wait(RETRY_S)


def _record(message: Message) -> OutputRecord:
    """The same record, at the same partition."""
    return OutputRecord(
        EVENTS_RAW.name, message.partition() or 0, message.key() or b"", message.value() or b""
    )


def _config(kafka: KafkaSettings, session_s: int) -> dict[str, object]:
    return client_config(kafka) | {
        "group.id": f"{group_name(kafka, 'sink')}-{NAME}",
        "enable.auto.commit": False,
        "auto.offset.reset": "earliest",
        "isolation.level": "read_committed",
        "session.timeout.ms": session_s * 1000,
    }
