"""A sender process, what is due for it, and the results it writes: what the tests of `stitchline deliver` share."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from runtime.control import write_control
from runtime.environment.settings import KafkaSettings
from runtime.kafka import ensure_topics, group_name
from schemas.actions.action_work import VERSION, Due, Result, decode_work, encode_due
from schemas.actions.destinations import Destination, HttpDestination, KafkaDestination, SmtpDestination
from schemas.actions.requests import WebhookRequest
from schemas.topics import ACTIONS_DUE, ACTIONS_WORK
from sinks.sending.sender_offsets import Bookmark, bookmark_of
from tests.forked import Forked

PATIENCE_S = 60.0
PARTITIONS = 2


def due(firing_id: str, destination: str, request: Any = None, **fields: Any) -> Due:
    """A webhook unless `kind` says otherwise."""
    request = WebhookRequest(body=f'{{"id":"{firing_id}"}}') if request is None else request
    known: dict[str, Any] = {
        "version": VERSION,
        "id": firing_id,
        "attempt": 1,
        "workspace": "main",
        "rule": "rule",
        "destination": destination,
        "kind": "webhook",
        "request": msgspec.json.encode(request),
        "home": 1,
        "due_at": 0,
        "not_after": 0,
    }
    return Due(**(known | fields))


def http(name: str, url: str, **fields: Any) -> Destination:
    """A destination on this machine; fields of Destination are told from those of HttpDestination by their names."""
    own = {key: fields.pop(key) for key in ("concurrency_max", "requests_per_s_max") if key in fields}
    known: dict[str, Any] = {"url": url, "allow_private_addresses": True}
    target = HttpDestination(**(known | fields))
    return Destination(destination=name, http=target, **own)


def smtp(name: str, port: int, **fields: Any) -> Destination:
    known: dict[str, Any] = {
        "host": "127.0.0.1",
        "from_": "Shop <shop@shop.example>",
        "port": port,
        "security": "none",
    }
    return Destination(
        destination=name, smtp=SmtpDestination(**(known | {"allow_private_addresses": True} | fields))
    )


def topic(name: str, at: str) -> Destination:
    return Destination(destination=name, kafka=KafkaDestination(topic=at))


class Deployment:
    """Topics under a prefix, destinations on `control`, and senders between them."""

    def __init__(self, bootstrap: str, prefix: str, folder: Path) -> None:
        self.settings = KafkaSettings(
            bootstrap_servers=bootstrap,
            topic_prefix=prefix,
            partitions=PARTITIONS,
            replication_factor=1,
            min_insync_replicas=1,
        )
        ensure_topics(self.settings)
        self._folder = folder
        self._log = folder / "deliver.log"
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5})
        self._results = self._reader()
        self.results: list[Result] = []

    def define(self, *destinations: Destination) -> None:
        write_control(
            self.settings, {each.key: msgspec.json.encode(each) for each in destinations}, apply_id="test"
        )

    def undefine(self, *destinations: Destination) -> None:
        write_control(
            self.settings, dict.fromkeys((each.key for each in destinations), None), apply_id="test"
        )

    def send(self, *attempts: Due) -> None:
        """Spread over the partitions by the number in the order given."""
        name = ACTIONS_DUE.full_name(self.settings.topic_prefix)
        for number, each in enumerate(attempts):
            self._producer.produce(name, key=each.id, value=encode_due(each), partition=number % PARTITIONS)
        assert self._producer.flush(PATIENCE_S) == 0

    def read(self, wait_s: float = 0.05) -> list[Result]:
        """All results so far."""
        for message in self._results.consume(1_000, wait_s):
            assert message.error() is None, message.error()
            self.results += [
                each for each in decode_work(message.value() or b"").items if isinstance(each, Result)
            ]
        return self.results

    def until(self, holds: Callable[[list[Result]], bool], what: str) -> list[Result]:
        end = time.monotonic() + PATIENCE_S
        while not holds(self.read()):
            assert time.monotonic() < end, (
                f"not within {PATIENCE_S} s: {what}; {self.results[-5:]}; {self.said()}"
            )
        return self.results

    def result_of(self, firing_id: str, attempt: int = 1) -> Result:
        def found() -> list[Result]:
            return [each for each in self.results if each.id == firing_id and each.attempt == attempt]

        self.until(lambda _: bool(found()), f"a result of {firing_id}")
        return found()[0]

    def make_topic(self, name: str) -> str:
        """Its full name."""
        full = f"{self.settings.topic_prefix}{name}"
        admin = AdminClient({"bootstrap.servers": self.settings.bootstrap_servers})
        for made in admin.create_topics([NewTopic(full, 1, 1)]).values():
            made.result(PATIENCE_S)
        return full

    def one_of(self, full_name: str) -> Message:
        """The first record of a topic with one partition."""
        consumer = Consumer({"bootstrap.servers": self.settings.bootstrap_servers, "group.id": "one"})
        consumer.assign([TopicPartition(full_name, 0, 0)])
        try:
            [found] = consumer.consume(1, PATIENCE_S)
            return found
        finally:
            consumer.close()

    def committed(self) -> int:
        """Offsets of actions.due below which all is done, all partitions together."""
        return sum(mark.floor for mark in self._bookmarks())

    def settled(self) -> int:
        """How many records are written down as done."""
        return sum(mark.high - len(mark.holes) for mark in self._bookmarks())

    def _bookmarks(self) -> list[Bookmark]:
        name = ACTIONS_DUE.full_name(self.settings.topic_prefix)
        consumer = Consumer(
            {
                "bootstrap.servers": self.settings.bootstrap_servers,
                "group.id": group_name(self.settings, "deliver"),
            }
        )
        try:
            places = [TopicPartition(name, place) for place in range(PARTITIONS)]
            committed = consumer.committed(places, PATIENCE_S)
            return [bookmark_of(max(place.offset, 0), place.metadata or "") for place in committed]
        finally:
            consumer.close()

    def said(self) -> str:
        return self._log.read_text()[-3_000:] if self._log.exists() else ""

    @contextmanager
    def sender(self, environ: Mapping[str, str] | None = None) -> Iterator[Forked]:
        """Killed at the end if it still runs."""
        kafka = {
            "KAFKA_BOOTSTRAP_SERVERS": self.settings.bootstrap_servers,
            "STITCHLINE_TOPIC_PREFIX": self.settings.topic_prefix,
            "STITCHLINE_PARTITIONS": str(PARTITIONS),
            "STITCHLINE_REPLICATION_FACTOR": "1",
            "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
            "DELIVER_SESSION_TIMEOUT_S": "6",
        }
        with self._log.open("ab") as out:
            process = Forked("deploy", "deliver", env=os.environ | kafka | dict(environ or {}), stdout=out)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def close(self) -> None:
        self._results.close()

    def _reader(self) -> Consumer:
        name = ACTIONS_WORK.full_name(self.settings.topic_prefix)
        consumer = Consumer({"bootstrap.servers": self.settings.bootstrap_servers, "group.id": "results"})
        consumer.assign([TopicPartition(name, place, 0) for place in range(PARTITIONS)])
        return consumer
