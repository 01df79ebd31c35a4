"""The events sink: rows per second into the real tables, over HTTP and from the topic, and the load of the identity dictionaries.

How far the sink has come is asked of Kafka (what it has committed), not of ClickHouse, whose time is measured. An event is
about 1.8 kB of Avro with twelve properties, which become paths of the JSON column, and with every part that enrichment
stamps. Uses the engines that the environment names, else starts the embedded ones, as the tests do.
"""

import json
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from schemas.wire.codec import RESOLVED_EVENT
from schemas.wire.stamps import NO_COMMERCE, NO_TOUCH, Item
from sinks.storing.block import Block, Record
from sinks.storing.clickhouse import ClickHouse
from sinks.storing.delivery import Delivery
from sinks.storing.inserts import Ended, InsertThreads
from sinks.storing.tables import DICTIONARIES, SINKS
from tests import engines
from tests.bench.figures import Figure
from tests.bench.meter import PER, Meter
from tests.sinks.stage import START_MS, Stage, Tables, Topics, event

ROWS = 100_000
BLOCK_ROWS = 20_000
LINKS = 100_000
PARTITIONS = 4
TARGET_ROWS = 60_000
WAIT_S = 120.0
LOOKED_FOR = (
    KafkaError.NOT_COORDINATOR,
    KafkaError.COORDINATOR_NOT_AVAILABLE,
    KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
)
ENGINE = "deploy.embedded.clickhouse"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 Safari/537.36"
ROOTS_SQL = """\
INSERT INTO identity_pointers (workspace, node, owner, version, updated_at)
SELECT 'main', number + 1, intDiv(number, 2) + {links} + 1, 1, now64(3)
FROM numbers({links})"""


def shop_event(number: int, visitors: int) -> bytes:
    """A product view of a shop: about 1.4 kB of Avro with the envelope, twelve properties."""
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
        **stamps(number, visitor),
    )


def stamps(number: int, visitor: int) -> dict[str, object]:
    """What enrichment says of such an event: every part there is. One in twenty begins a visit, one in ten is of an order."""
    touch = {
        "channel": ("email", "direct", "organic_search")[visitor % 3],
        "source": "mail",
        "medium": "email",
        "campaign": f"spring-{visitor % 40}",
        "term": "",
        "content": "",
        "click_kind": "",
        "click_id": "",
        "referrer": "mail.example",
    }
    order = {"order_id": f"o-{number}", "currency": "EUR", "revenue": amount(number % 9000 * 10_000)}
    return {
        "visitor": visitor + 1,
        "session_id": f"{visitor + 1:016x}-{number // 20:x}",
        "touch": touch if number % 20 == 0 else msgspec.to_builtins(NO_TOUCH),
        "visit": {
            "number": visitor % 7 + 1,
            "started_at": START_MS + number // 20 * 5000,
            "touch": touch,
            "first_touch": touch,
            "first_touch_at": START_MS,
        },
        "device": {
            "kind": ("desktop", "mobile")[visitor % 2],
            "brand": "Apple",
            "model": f"model {visitor % 30}",
            "os": "iOS",
            "os_version": f"17.{visitor % 6}",
            "browser": "Safari",
            "browser_version": f"17.{visitor % 6}",
            "is_bot": False,
        },
        "place": {
            "address": f"192.0.{visitor % 250}.0",
            "country": ("DE", "FR", "GB")[visitor % 3],
            "region": "BE",
            "city": f"city {visitor % 300}",
            "timezone": "Europe/Berlin",
        },
        "meaning": {"family": "ecommerce", "event": "Product Viewed", "violations": []},
        "commerce": msgspec.structs.asdict(NO_COMMERCE)
        | (order if number % 10 == 0 else {"currency": "EUR"}),
        "items": [item(number + nth) for nth in range(3 if number % 10 == 0 else 1)],
        "clock_offset_ms": number % 900,
    }


def amount(micros: int) -> bytes:
    """A decimal as Avro's writer of raw records takes it."""
    return micros.to_bytes(8, "big", signed=True)


def item(number: int) -> dict[str, object]:
    return msgspec.structs.asdict(Item()) | {
        "product_id": f"p-{number % 997}",
        "sku": f"s-{number % 997}",
        "name": "Blue chair",
        "brand": "Acme",
        "category": "chairs",
        "currency": "EUR",
        "price": amount(number % 9000 * 10_000),
        "quantity": amount(number % 4 * 1_000_000),
        "position": number % 20,
    }


class Bench:
    """A stage, the engine's process, and events that no two inserts share."""

    def __init__(self, stage: Stage, rows: int) -> None:
        self.stage = stage
        self.engine = _engine()
        self.rows = rows

    def inserts(self, values: list[bytes], rows: int, at_once: int) -> Iterator[Figure]:
        """So many connections, as the sink's; on each one block after the other."""
        connections = [ClickHouse(self.stage.tables.settings, timeout_s=60) for _ in range(at_once)]
        stores = [Delivery(connection, "events_in", 0).deliver for connection in connections]
        name = f"inserts of {rows:,} rows, {at_once} at once"
        records = [Record(offset, START_MS, value) for offset, value in enumerate(values)]
        blocks = [
            Block(f"bench{at_once}", 0, start, start + len(part), RESOLVED_EVENT, part, ())
            for start in range(0, len(records), rows)
            if (part := tuple(records[start : start + rows]))
        ]
        inserts = InsertThreads("bench", stores)
        meter = Meter(self.engine)
        for block in blocks:
            inserts.start(block)
        ended: list[Ended] = []
        while len(ended) < len(blocks):
            ended += inserts.ended(WAIT_S)
        inserts.close()
        assert all(one.error is None for one in ended), ended
        least = TARGET_ROWS if at_once > 1 else None
        yield _figure(f"{name}: rate", len(values) / meter.seconds, "rows/s", at_least=least)
        yield from _cpu(name, meter, len(values))

    def from_topic(self, values: list[bytes]) -> Iterator[Figure]:
        """A backlog in the topic, a sink process that has just started."""
        settings = self.stage.topics.settings
        producer = Producer(
            {"bootstrap.servers": settings.bootstrap_servers, "queue.buffering.max.messages": 10**6}
        )
        for number, value in enumerate(values):
            partition = number % settings.partitions
            producer.produce(f"{settings.topic_prefix}events.resolved", value=value, partition=partition)
        producer.flush(60)
        # The backlog's last blocks are not full, and would wait for rows that never come.
        with (
            self._progress() as stored,
            self.stage.sink("events", SINK_BLOCK_AGE_MS_MAX="500", SINK_BUSY_AGE_MS_MAX="500") as sink,
        ):
            engines.wait_until(lambda: stored() > 0, WAIT_S, "the sink has begun")
            meter, first = Meter(self.engine | {"sinks": psutil.Process(sink.pid)}), stored()
            engines.wait_until(lambda: stored() == len(values), WAIT_S, "all is stored")
            rows = len(values) - first
            yield _figure(
                "backlog from the topic: rate", rows / meter.seconds, "rows/s", at_least=TARGET_ROWS
            )
            yield from _cpu("backlog from the topic", meter, rows)

    @contextmanager
    def _progress(self) -> Iterator[Callable[[], int]]:
        """How many rows the sink's group has done, all partitions together."""
        settings, sink = self.stage.topics.settings, SINKS["events"]
        group = sink.group(settings.topic_prefix, settings.generation)
        topic = sink.topic.full_name(settings.topic_prefix)
        places = [TopicPartition(topic, partition) for partition in range(settings.partitions)]
        consumer = Consumer({"bootstrap.servers": settings.bootstrap_servers, "group.id": group})
        try:
            yield lambda: _committed(consumer, places)
        finally:
            consumer.close()

    def loads(self, links: int) -> Iterator[Figure]:
        """All dictionaries, twice; the second replaces what is in use."""
        self.stage.tables.client.command(ROOTS_SQL.replace("{links}", str(links)))
        for which in ("first", "second"):
            began = time.perf_counter()
            self.stage.tables.reload(DICTIONARIES)
            yield _figure(f"{which} load of {links:,} linked ids", time.perf_counter() - began, "s")


def _committed(consumer: Consumer, places: list[TopicPartition]) -> int:
    """Records of all places; none while Kafka still looks for the coordinator of a group that is new."""
    try:
        return sum(max(place.offset, 0) for place in consumer.committed(places, timeout=WAIT_S))
    except KafkaException as error:
        if error.args[0].code() not in LOOKED_FOR:
            raise
        return 0


def _engine() -> dict[str, psutil.Process]:
    """Our own ClickHouse, under its name; none when it is not ours."""
    found = [child for child in psutil.Process().children() if ENGINE in child.cmdline()]
    return {ENGINE: found[0]} if found else {}


def _figure(name: str, value: float, unit: str, *, at_least: float | None = None) -> Figure:
    return Figure(stage="sink", name=name, value=round(value, 2), unit=unit, at_least=at_least)


def _cpu(name: str, meter: Meter, rows: int) -> Iterator[Figure]:
    names = {ENGINE: "ClickHouse", "sinks": "the sink"}
    for module, spent in meter.cpu_s().items():
        yield _figure(f"{name}: CPU of {names[module]}", spent / rows * PER, "s/100,000")


@contextmanager
def bench(rows: int) -> Iterator[Bench]:
    name = uuid.uuid4().hex[:8]
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        for engine in ("kafka", "clickhouse"):
            (folder / engine).mkdir()
        bootstrap = stack.enter_context(engines.kafka_engine(folder / "kafka", os.environ, lambda text: None))
        url = stack.enter_context(engines.clickhouse_engine(folder / "clickhouse", os.environ))
        stage = Stage(Topics(bootstrap, f"b{name}-", PARTITIONS), Tables(url, f"b_{name}"), folder)
        stack.callback(stage.tables.client.command, f"DROP DATABASE b_{name}")
        stack.callback(engines.delete_topics, bootstrap, f"b{name}-")
        yield Bench(stage, rows)


def run(rows: int = ROWS, block: int = BLOCK_ROWS, links: int = LINKS) -> list[Figure]:
    with bench(rows) as found:
        # All unlike: a merge would drop equal ones.
        values = [shop_event(number, rows // 10) for number in range(3 * rows)]
        return [
            *found.inserts(values[:rows], block, 1),
            *found.from_topic(values[rows : 2 * rows]),
            *found.inserts(values[2 * rows :], block, 2),
            *found.loads(links),
        ]
