"""A Kafka destination: a record of a topic of our own cluster, that exists and is none of ours.

One producer for all of them, made when the first one is asked for; a thread polls it. A record that is not acknowledged in time
is tried again as any attempt: at least once, with the firing's id in its header `firing-id`.
"""

import asyncio
import threading
import time

import msgspec
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config, deployment_topics
from schemas.actions.action_work import Due
from schemas.actions.destinations import KafkaDestination
from schemas.actions.requests import KafkaRequest
from sinks.sending.sender_outcomes import Answer, final, passing

HEADER = "firing-id"
TIMEOUT_MS = 30_000
POLL_S = 0.05
TOPICS_AGE_S = 10.0
ASK_S = 10.0
VALUE_BYTES_MAX = 900_000

_decode = msgspec.json.Decoder(KafkaRequest).decode


class Topics:
    """Sends to topics; used in the event loop."""

    def __init__(self, kafka: KafkaSettings) -> None:
        self._kafka = kafka
        self._ours = {topic.full_name(kafka.topic_prefix) for topic in deployment_topics(kafka)}
        self._producer: Producer | None = None
        self._stop = threading.Event()
        self._seen: dict[str, float] = {}  # topics that were there, and when that was seen

    def is_ours(self, name: str) -> bool:
        """Kafka's own, and every generation's changelogs, among them."""
        return name in self._ours or name.startswith("__") or name.endswith("-changelog")

    async def send(self, name: str, key: str, value: bytes, firing_id: str) -> None:
        """Raises KafkaException, and KeyError where there is no such topic."""
        producer = self._producer = self._producer or self._made()
        if time.monotonic() - self._seen.get(name, float("-inf")) > TOPICS_AGE_S:
            await asyncio.to_thread(self._look_for, producer, name)
        loop = asyncio.get_running_loop()
        sent: asyncio.Future[None] = loop.create_future()

        def reported(error: KafkaError | None, _message: Message) -> None:
            loop.call_soon_threadsafe(_settle, sent, error)

        headers: list[tuple[str, str | bytes | None]] = [(HEADER, firing_id.encode())]
        producer.produce(name, key=key.encode() or None, value=value, headers=headers, on_delivery=reported)
        await sent

    def close(self) -> None:
        self._stop.set()

    def _made(self) -> Producer:
        producer = Producer(_config(self._kafka))
        threading.Thread(target=self._poll, args=(producer,), name="topics", daemon=True).start()
        return producer

    def _poll(self, producer: Producer) -> None:
        while not self._stop.is_set():
            producer.poll(POLL_S)

    def _look_for(self, producer: Producer, name: str) -> None:
        """The broker would make a topic that is asked for by its name, where it is allowed to."""
        known = producer.list_topics(timeout=ASK_S).topics
        if name not in known:
            raise KeyError(name)
        self._seen[name] = time.monotonic()


class KafkaChannel:
    def __init__(self, destination: KafkaDestination, topics: Topics, prefix: str) -> None:
        self._name = f"{prefix}{destination.topic}"
        self._topics = topics

    async def send(self, due: Due, now_ms: int) -> Answer:
        if self._topics.is_ours(self._name):
            return final("the topic is one of our own")
        try:
            request = _decode(due.request)
            value = msgspec.json.encode(request.value)
        except (msgspec.DecodeError, UnicodeError) as error:
            return final(f"not sent: {error}")
        if len(value) > VALUE_BYTES_MAX:
            return final(f"the record has more than {VALUE_BYTES_MAX} bytes")
        try:
            await self._topics.send(self._name, request.key, value, due.id)
        except KeyError:
            return passing("there is no such topic", "unknown")
        except (KafkaException, BufferError) as error:
            return passing(f"Kafka did not take it: {_told(error)}")
        return Answer(outcome="delivered", health="well")

    async def close(self) -> None:
        """The topics are all destinations'."""


def _told(error: KafkaException | BufferError) -> str:
    return error.args[0].name() if isinstance(error, KafkaException) else "its queue is full"


def _settle(sent: asyncio.Future[None], error: KafkaError | None) -> None:
    if sent.done():
        return
    if error is None:
        sent.set_result(None)
    else:
        sent.set_exception(KafkaException(error))


def _config(kafka: KafkaSettings) -> dict[str, object]:
    return client_config(kafka) | {
        "enable.idempotence": True,
        "acks": "all",
        "linger.ms": 5,
        "message.timeout.ms": TIMEOUT_MS,
        "partitioner": "murmur2_random",
    }
