"""Rows per second into ClickHouse over HTTP, and from topic to table; time of a dictionary load. A script, not a test.

    python -m tests.bench.sink --rows 100000 --block 20000 [--links 1000000]

Uses the engines that the environment names, else starts the embedded ones, as the tests do.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Producer

from schemas.codec import RESOLVED_EVENT
from sinks.block import Block, Record
from sinks.clickhouse import ClickHouse
from sinks.delivery import Delivery
from sinks.tables import DICTIONARIES
from tests import engines
from tests.sinks.stage import START_MS, Stage, Tables, Topics, event

WAIT_S = 300.0
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36"
ROOTS_SQL = """\
INSERT INTO identity_pointers SELECT 'main', number + 1, intDiv(number, 2) + {links} + 1, [], 1, 0, now64(3)
FROM numbers({links})"""


def shop_event(number: int, visitors: int) -> bytes:
    """A product view of a shop: about 1.5 kB of Avro with the envelope, twelve properties."""
    visitor = number * 7919 % visitors
    anonymous = f"6f1c1c5e-7a37-4d5a-9d6b-{visitor:012d}"
    properties = {
        "product_id": f"p-{number % 997}",
        "sku": f"s-{number % 997}",
        "name": "Blue chair",
        "category": "chairs",
        "brand": "Acme",
        "price": number % 9000 / 100,
        "quantity": number % 4,
        "currency": "EUR",
        "position": number % 20,
        "coupon": "SPRING",
        "url": f"https://shop.example/chairs/{number % 997}",
        "in_stock": number % 3 > 0,
    }
    context = {
        "page": {
            "url": f"https://shop.example/chairs/{number}?utm_source=mail",
            "path": "/chairs",
            "title": "Chair",
        },
        "userAgent": AGENT,
        "locale": "de-DE",
        "library": {"name": "analytics.js", "version": "npm:next-1.66.0"},
    }
    call = {"type": "track", "event": "Product Viewed", "anonymousId": anonymous, "properties": properties}
    is_identify = number % 50 == 0
    return event(
        number,
        type="identify" if is_identify else "track",
        event="" if is_identify else "Product Viewed",
        traits='{"email":"person@example.com","plan":"pro","n":1}' if is_identify else "{}",
        anonymous_id=anonymous,
        subject=visitor + 1,
        timestamp=START_MS + number * 250,
        properties=json.dumps(properties),
        context=json.dumps(context),
        envelope=json.dumps(call | {"context": context, "messageId": f"m{number}"}),
        identifiers=[{"node": visitor + 1, "kind": "a", "value": anonymous}],
    )


def inserts(tables: Tables, values: list[bytes], rows: int) -> Iterator[str]:
    """One connection, one block after the other."""
    delivery = Delivery(ClickHouse(tables.settings, timeout_s=60), "events_in", 0)
    records = [Record(offset, START_MS, value) for offset, value in enumerate(values)]
    began = time.perf_counter()
    for start in range(0, len(records), rows):
        part = tuple(records[start : start + rows])
        delivery.deliver(Block("bench", 0, start, start + len(part), RESOLVED_EVENT, part, ()))
    took = time.perf_counter() - began
    yield f"inserts of {rows:,} rows: {len(values) / took:,.0f} rows/s, {sum(map(len, values)) / took / 1e6:.0f} MB/s"


def from_topic(stage: Stage, values: list[bytes]) -> Iterator[str]:
    """A backlog in the topic, a sink process that has just started."""
    topic = stage.topics.settings.topic_prefix + "events.resolved"
    producer = Producer(
        {"bootstrap.servers": stage.topics.settings.bootstrap_servers, "queue.buffering.max.messages": 10**6}
    )
    for number, value in enumerate(values):
        producer.produce(topic, value=value, partition=number % stage.topics.settings.partitions)
    producer.flush(60)
    ready = "SELECT count() FROM events"
    before = stage.tables.row(ready)[0]
    with stage.sink("events", SINK_BLOCK_AGE_MS_MAX="500"):
        _until(lambda: stage.tables.row(ready)[0] > before)
        began, first = time.perf_counter(), stage.tables.row(ready)[0]
        _until(lambda: stage.tables.row(ready)[0] == before + len(values))
        took = time.perf_counter() - began
    rest = before + len(values) - first
    yield f"from topic to table: {rest:,} rows in {took:.1f} s, {rest / took:,.0f} rows/s"


def loads(tables: Tables, links: int) -> Iterator[str]:
    """All dictionaries, twice; the second replaces what is in use."""
    tables.client.command(ROOTS_SQL.replace("{links}", str(links)))
    for _ in range(2):
        began = time.perf_counter()
        tables.reload(DICTIONARIES)
        yield f"load of {links:,} linked ids: {time.perf_counter() - began:.2f} s"


def _until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline, "the sink is not getting on"
        time.sleep(0.02)


def main(rows: int, block: int, links: int) -> None:
    name = uuid.uuid4().hex[:8]

    def say(text: str) -> None:
        sys.stderr.write(f"{text}\n")

    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for engine in ("kafka", "clickhouse"):
            (folder / engine).mkdir()
        bootstrap = stack.enter_context(engines.kafka_engine(folder / "kafka", os.environ, say))
        url = stack.enter_context(engines.clickhouse_engine(folder / "clickhouse", os.environ))
        stage = Stage(Topics(bootstrap, f"b{name}-", 4), Tables(url, f"b_{name}"), folder)
        events = [
            shop_event(number, rows // 10) for number in range(2 * rows)
        ]  # a merge would drop equal ones
        sys.stdout.write(f"{sum(map(len, events)) // len(events)} B of Avro an event\n")
        for lines in (
            inserts(stage.tables, events[:rows], block),
            from_topic(stage, events[rows:]),
            loads(stage.tables, links),
        ):
            for line in lines:
                sys.stdout.write(f"{line}\n")
        stage.tables.client.command(f"DROP DATABASE b_{name}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--block", type=int, default=20_000)
    parser.add_argument("--links", type=int, default=100_000)
    options = parser.parse_args()
    main(options.rows, options.block, options.links)
