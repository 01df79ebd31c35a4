"""Kafka's edge: events that the resolver refused, as `events.raw` still has them.

A letter knows its event's place: partition, offset, which one of its pack. Reads jump from place to place; what Kafka has deleted
by time, or what stands there now in another deployment, is simply not found.
"""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from deploy.dead.letters import Letter
from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, reader_config
from schemas.events.dead_letter import Lineage, Stage
from schemas.events.pack import PackedEvent, UnknownPackVersion, decode_pack
from schemas.events.reasons import Reason
from schemas.topics import EVENTS_RAW

POLL_S = 0.5


class Originals:
    """`close` when nobody asks any more. Raises KafkaUnavailable."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._topic = EVENTS_RAW.full_name(kafka.topic_prefix)
        self._consumer = Consumer(reader_config(kafka, "dead-letters"))

    def of(self, letters: Iterable[Letter]) -> dict[Lineage, PackedEvent]:
        """By place, as far as they are still there and are what their letters say."""
        wanted: defaultdict[int, defaultdict[int, list[Letter]]] = defaultdict(lambda: defaultdict(list))
        for letter in letters:
            if letter.stage == Stage.RESOLVE and letter.reason != Reason.UNREADABLE_PACK:
                wanted[letter.lineage.partition][letter.lineage.offset].append(letter)
        found: dict[Lineage, PackedEvent] = {}
        try:
            for partition, by_offset in sorted(wanted.items()):
                self._read(partition, by_offset, found)
        except KafkaException as error:
            raise KafkaUnavailable(f"{self._kafka.bootstrap_servers} does not answer: {error}") from error
        return found

    def close(self) -> None:
        self._consumer.close()

    def _read(
        self, partition: int, wanted: Mapping[int, Sequence[Letter]], found: dict[Lineage, PackedEvent]
    ) -> None:
        place = TopicPartition(self._topic, partition)
        first, end = self._consumer.get_watermark_offsets(place, timeout=self._kafka.answer_timeout_s)
        position = -1
        for offset in sorted(each for each in wanted if first <= each < end):
            if offset != position:
                self._consumer.assign([TopicPartition(self._topic, partition, offset)])
            message = self._next()
            position = offset + 1
            if message is None or message.offset() != offset:
                position = -1
                continue
            found |= _events(message.value() or b"", wanted[offset])

    def _next(self) -> Message | None:
        """None at the end of the partition."""
        deadline = time.monotonic() + self._kafka.answer_timeout_s
        while time.monotonic() < deadline:
            message = self._consumer.poll(POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                return message
            if error.code() == KafkaError._PARTITION_EOF:
                return None
            raise KafkaException(error)
        raise KafkaUnavailable(f"Kafka at {self._kafka.bootstrap_servers} does not answer")


def _events(pack: bytes, letters: Sequence[Letter]) -> dict[Lineage, PackedEvent]:
    try:
        events = decode_pack(pack).events
    except (msgspec.DecodeError, UnknownPackVersion, RecursionError):
        return {}
    return {
        letter.lineage: events[letter.lineage.index]
        for letter in letters
        if 0 <= letter.lineage.index < len(events) and _is_of(letter, events[letter.lineage.index])
    }


def _is_of(letter: Letter, event: PackedEvent) -> bool:
    is_payload = (
        event.payload.startswith(letter.payload) if letter.is_cut else event.payload == letter.payload
    )
    return is_payload and (event.workspace, event.source) == (letter.workspace, letter.source)
