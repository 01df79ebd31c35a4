"""The control topic's edge: a thread that tails it, and the writer behind `stitchline apply`.

A process is ready only when it has read the topic to the end it had at the start. The reader keeps a snapshot file, so that a
process started while Kafka is away still knows its sources: a wrong 401 would make clients drop events. The snapshot serves
only until the topic has been read: what the topic no longer has is gone then. Several processes may share one snapshot file.
"""

import os
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, client_config, reader_config
from schemas.control import ControlState, Record
from schemas.topics import CONTROL

log = structlog.get_logger()

POLL_S = 0.2
END_WAIT_MS, NEWS_WAIT_MS = 10, 2_000  # of a fetch that finds nothing; a record ends it at once
BATCH_RECORDS_MAX = 10_000
APPLY_ID_HEADER = "apply-id"


class ControlReader:
    """Tails `control` in a thread of its own; `state` may be read from any thread at any time."""

    def __init__(self, kafka: KafkaSettings, snapshot: Path | None = None) -> None:
        self._kafka = kafka
        self._snapshot = snapshot
        self._current = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)
        self._unfinished: list[Record] = []  # of the first reading, until its end is reached
        self.position = 0  # the offset up to which `state` says what the topic says
        self.problem = ""  # why the topic is not read any more; the process must be started again then
        self.state = ControlState(_read_snapshot(snapshot))
        _tell_unreadable(self.state, {})

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=10)

    @property
    def is_current(self) -> bool:
        """True once the topic has been read to its end, and as long as it is being read."""
        return self._current.is_set() and not self.problem

    def wait_current(self, timeout_s: float) -> bool:
        return self._current.wait(timeout_s)

    def _run(self) -> None:
        try:
            self._tail()
        except Exception as error:  # the thread's root: nobody else would ever see it
            self.problem = f"the control topic is not read any more: {error!r}"
            log.exception("control reader ended")

    def _tail(self) -> None:
        """Two consumers one after the other, since a wait is a consumer's for life: to the end, which is told when a fetch there
        has brought nothing, and then behind it, where nearly always there is nothing to bring."""
        self._read(END_WAIT_MS, self._current.is_set)
        self._read(NEWS_WAIT_MS, lambda: False)

    def _read(self, wait_ms: int, is_done: Callable[[], bool]) -> None:
        consumer = Consumer(
            reader_config(self._kafka, "control-reader")
            | {"auto.offset.reset": "earliest", "fetch.wait.max.ms": wait_ms}
        )
        try:
            consumer.assign([TopicPartition(CONTROL.full_name(self._kafka.topic_prefix), 0, self.position)])
            while not (self._stop.is_set() or is_done()):
                first = consumer.poll(POLL_S)
                if first is not None:  # a deletion is a message too, and is false
                    self._take([first, *consumer.consume(BATCH_RECORDS_MAX, 0)])
        finally:
            consumer.close()

    def _take(self, messages: list[Message]) -> None:
        records: list[Record] = []
        ended = False
        for message in messages:
            error = message.error()
            if error is None:
                records += _record(message)
            elif error.code() == KafkaError._PARTITION_EOF:
                ended = True
            elif not error.retriable():
                log.warning("control cannot be read", error=error.str())
        if self._current.is_set():
            if records:
                self._serve(self.state.updated(records))
            self.position = max(self.position, _end(messages))
            return
        self._unfinished += records
        if ended:
            self._serve(ControlState().updated(self._unfinished))
            self._unfinished = []
            self.position = _end(messages)
            self._current.set()
            log.info("control read", documents=len(self.state.documents))

    def _serve(self, state: ControlState) -> None:
        _tell_unreadable(state, self.state.unreadable)
        self.state = state
        if self._snapshot is not None:
            _write_snapshot(self._snapshot, state)


def _end(messages: list[Message]) -> int:
    """Behind the last record, and behind the end where that is told; 0 where neither is among them."""
    told = (message.offset() or 0 for message in messages if _is_end(message))
    return max(
        [*told, *((message.offset() or 0) + 1 for message in messages if message.error() is None)], default=0
    )


def _is_end(message: Message) -> bool:
    error = message.error()
    return error is not None and error.code() == KafkaError._PARTITION_EOF


def _record(message: Message) -> list[Record]:
    """One record, or none when it cannot be ours."""
    try:
        return [((message.key() or b"").decode(), message.value())]
    except UnicodeDecodeError:
        log.error("control record ignored: its key is not UTF-8", offset=message.offset())
        return []


def _tell_unreadable(state: ControlState, told: Mapping[str, str]) -> None:
    for key, why in state.unreadable.items() - told.items():
        log.error("control document ignored", key=key, error=why)


def _write_snapshot(path: Path, state: ControlState) -> None:
    """Only logs a failure: without a newer snapshot the next start knows less, and that is all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(msgspec.msgpack.encode(state.documents))
        os.replace(partial, path)
    except OSError as error:
        log.error("control snapshot not written", path=str(path), error=str(error))
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def _read_snapshot(path: Path | None) -> dict[str, bytes]:
    if path is None:
        return {}
    try:
        return msgspec.msgpack.decode(path.read_bytes(), type=dict[str, bytes])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.DecodeError) as error:
        log.error("control snapshot ignored", path=str(path), error=str(error))
        return {}


def read_control(kafka: KafkaSettings, timeout_s: float) -> ControlState:
    """What the topic says now. Raises KafkaUnavailable when its end is not reached in time."""
    reader = ControlReader(kafka)
    reader.start()
    try:
        if reader.wait_current(timeout_s):
            return reader.state
    finally:
        reader.stop()
    raise KafkaUnavailable(
        reader.problem or f"the control topic at {kafka.bootstrap_servers} cannot be read to its end"
    )


def write_control(
    kafka: KafkaSettings, records: Mapping[str, bytes | None], apply_id: str, *, writer: str = "apply"
) -> None:
    """Write documents (None deletes) in one transaction, all under one apply-id. Raises KafkaUnavailable.

    Of two that write as the same `writer` at once, the later one lets the earlier one fail.
    """
    topic = CONTROL.full_name(kafka.topic_prefix)
    producer = Producer(
        client_config(kafka) | {"transactional.id": f"{kafka.topic_prefix}{writer}", "linger.ms": 0}
    )
    try:
        producer.init_transactions(kafka.answer_timeout_s)
        producer.begin_transaction()
        for key, value in records.items():
            producer.produce(topic, key=key, value=value, partition=0, headers={APPLY_ID_HEADER: apply_id})
        producer.commit_transaction(kafka.answer_timeout_s)
    except KafkaException as error:
        raise KafkaUnavailable(
            f"control could not be written at {kafka.bootstrap_servers}: {error.args[0].str()}"
        ) from error
