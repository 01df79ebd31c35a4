"""Revenue per person from `events.resolved`, `identity.pointers` and `profile.changes`: a consumer to copy, explained in
docs/profile_changes.md.

Run `python -m deploy.examples.revenue --database revenue.db` beside `stitchline up`. It may be killed at any moment: its
positions stand in the same SQLite transaction as the sums. At each start it first reads the pointers that it has not read, to
the end of their topic: that is the present, however long it slept. From there changes are the news.
"""

import argparse
import io
import json
import sys
import urllib.request
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import fastavro
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from deploy.examples.totals import END, UNIT, Order, Totals

EVENTS, POINTERS, CHANGES, CONTROL = "events.resolved", "identity.pointers", "profile.changes", "control"
ERASE = b"order/erase/"  # of `control`, whose values are JSON
BATCH_RECORDS = 500
ANSWER_S = 15
TOTAL_MAX = 1_000_000_000

Record = dict[str, Any]


class Registry:
    """Avro in Confluent's wire format, with the schemas that the collector serves."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._schemas: dict[int, Any] = {}

    def decode(self, value: bytes) -> Record:
        number = int.from_bytes(value[1:5], "big")
        if number not in self._schemas:
            with urllib.request.urlopen(f"{self._url}/schemas/ids/{number}", timeout=ANSWER_S) as reply:  # noqa: S310 - an operator's address
                self._schemas[number] = fastavro.parse_schema(json.loads(json.load(reply)["schema"]))
        record = fastavro.schemaless_reader(io.BytesIO(value[5:]), self._schemas[number], None)
        assert isinstance(record, dict)
        return record


class Revenue:
    """What each record means for the totals. `prefix` is before all topic names of the deployment."""

    def __init__(self, totals: Totals, registry: Registry, prefix: str) -> None:
        self._totals = totals
        self._registry = registry
        self._takers = {EVENTS: self._event, POINTERS: self._pointer, CHANGES: self._change}
        self._prefix = prefix

    def take(self, messages: Sequence[Message]) -> None:
        """One transaction: what the records say, and that they were read."""
        positions = {}
        with self._totals.transaction():
            for message in messages:
                topic, partition = message.topic() or "", message.partition() or 0
                self._take(topic.removeprefix(self._prefix), message.key() or b"", message.value())
                positions[topic, partition] = (message.offset() or 0) + 1
            self._totals.move_to(positions)

    def _take(self, topic: str, key: bytes, value: bytes | None) -> None:
        if topic == CONTROL:
            if key.startswith(ERASE) and value:
                order = json.loads(value)
                self._totals.erase(int(order["node"], 16), order["since"], order["until"])
        elif value:
            self._takers[topic](self._registry.decode(value))

    def _event(self, event: Record) -> None:
        if event["event"] == "Order Completed":
            amount = _amount(event["properties"])
            self._totals.add(Order(event["subject"], _ms(event["timestamp"]), event["message_id"], amount))

    def _pointer(self, pointer: Record) -> None:
        parts = [_part(segment, segment["owner"]) for segment in pointer["segments"]]
        self._totals.point(pointer["node"], pointer["version"], parts or [(0, END, pointer["owner"])])

    def _change(self, change: Record) -> None:
        self._totals.change(change["node"], change["version"], _part(change, change["to"]))


def _part(record: Record, owner: int) -> tuple[int, int, int]:
    return _ms(record["valid_from"]), _ms(record["valid_to"]), owner


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def _amount(properties: str) -> int:
    """The order's total; 0 where there is no sensible one."""
    total = json.loads(properties, parse_float=Decimal).get("total")
    is_number = isinstance(total, int | Decimal) and not isinstance(total, bool)
    return round(total * UNIT) if is_number and abs(total) <= TOTAL_MAX else 0


class Reader:
    """Committed records of whole topics, from where the totals stand. The consumer is in no group."""

    def __init__(self, bootstrap: str, totals: Totals) -> None:
        self._totals = totals
        self._consumer = Consumer(
            {
                "bootstrap.servers": bootstrap,
                "group.id": "revenue",  # the client insists on one; it is never joined
                "enable.auto.commit": False,
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "auto.offset.reset": "earliest",
            }
        )

    def run(self, topics: Iterable[str], revenue: Revenue, *, to_the_end: bool) -> None:
        """Until every partition was read to the end that it had, or for ever."""
        places = [TopicPartition(topic, part) for topic in topics for part in self._partitions(topic)]
        for place in places:
            position = self._totals.position(place.topic, place.partition)
            place.offset = position if position is not None else 0
        self._consumer.assign(places)
        unfinished = {(place.topic, place.partition) for place in places}
        while unfinished or not to_the_end:
            messages = self._consumer.consume(BATCH_RECORDS, 1.0)
            revenue.take([message for message in messages if message.error() is None])
            unfinished -= {
                (message.topic() or "", message.partition() or 0)
                for message in messages
                if _is_end(message.error())
            }

    def close(self) -> None:
        self._consumer.close()

    def _partitions(self, topic: str) -> list[int]:
        return list(self._consumer.list_topics(topic, timeout=ANSWER_S).topics[topic].partitions)


def _is_end(error: KafkaError | None) -> bool:
    """Raises KafkaException for what will not pass by itself."""
    if error is None or error.code() == KafkaError._PARTITION_EOF:
        return error is not None
    if not error.retriable():
        raise KafkaException(error)
    return False


def run(options: argparse.Namespace) -> None:
    totals = Totals(options.database)
    reader = Reader(options.kafka, totals)
    revenue = Revenue(totals, Registry(options.registry), options.prefix)
    try:
        reader.run([options.prefix + POINTERS], revenue, to_the_end=True)
        news = [options.prefix + topic for topic in (CONTROL, EVENTS, CHANGES)]
        reader.run(news, revenue, to_the_end=options.once)
        for profile, total in sorted(totals.profiles().items()):
            sys.stdout.write(f"{profile:016x} {total.orders} {Decimal(total.amount) / UNIT}\n")
    finally:
        reader.close()
        totals.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", default="revenue.db", help="the SQLite file")
    parser.add_argument("--kafka", default="127.0.0.1:9092")
    parser.add_argument("--registry", default="http://127.0.0.1:8080", help="the collector's address")
    parser.add_argument("--prefix", default="", help="STITCHLINE_TOPIC_PREFIX of the deployment")
    parser.add_argument("--once", action="store_true", help="read what there is, print the totals, end")
    run(parser.parse_args())
