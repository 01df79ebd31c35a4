"""Identity in a whole worker: facts a second through Kafka, RocksDB and transactions, what an id takes there, and its recovery.

First the resolver and identity together, on events that each link a new device and a new address to a user. Then a backlog of
facts about half a million devices straight into `identity.facts`; the worker is killed, its folder wiped, and the next one reads
the changelog.
"""

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition

from processors.identity.facts import ASSERTED, Fact, encode_facts
from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import ensure_topics
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_key, partition_of
from schemas.topics import IDENTITY_FACTS, changelog
from tests import engines
from tests.bench.figures import Figure
from tests.bench.identity_step import NOW, address, device, login, packed
from tests.bench.meter import PER, cpu_s
from tests.bench.processor import PARTITIONS, environment, pin, worker
from tests.bench.recovery import read_log

PEOPLE = 20_000
IDS = 500_000
WARM_UP_IDS = 1_000
SIZE = 100
READ_S = 120.0
IDS_WAIT_S = 300.0
PEOPLE_IDS = 2  # nodes with state that each of `people` makes
MILLION = 1_000_000


def people(first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Packs of events, one for each person: a device, a user id and an e-mail, two facts."""
    members: dict[int, list[PackedEvent]] = {}
    for number in range(first, first + count):
        event = packed(number, login(number) | address(number))
        partition = partition_of(event.routing, PARTITIONS)
        members.setdefault(partition, []).append(event)
        if len(members[partition]) == SIZE:
            yield partition, encode_pack(members.pop(partition))
    yield from ((partition, encode_pack(rest)) for partition, rest in members.items())


def devices(first: int, count: int) -> Iterator[tuple[int, bytes]]:
    """Packs of facts: each links one device to one user."""
    facts: dict[int, list[Fact]] = {}
    for number in range(first, first + count):
        node, user = node_key("main", "a", device(number)), node_key("main", "u", f"user-{number}")
        partition = partition_of(node, PARTITIONS)
        facts.setdefault(partition, []).append(Fact(node, user, NOW + number, ASSERTED, True))
        if len(facts[partition]) == SIZE:
            yield from ((partition, value) for value in encode_facts(facts.pop(partition), []))
    for partition, rest in facts.items():
        yield from ((partition, value) for value in encode_facts(rest, []))


def changelog_bytes(settings: KafkaSettings) -> int:
    """Keys and values of all records, as they would be without Kafka's own few bytes."""
    reader = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": "bench-changelog",
            "enable.partition.eof": True,
        }
    )
    name = changelog(settings.generation, "identity").full_name(settings.topic_prefix)
    reader.assign([TopicPartition(name, partition, 0) for partition in range(settings.partitions)])
    found, ended, deadline = 0, 0, time.monotonic() + READ_S
    while ended < settings.partitions:
        assert time.monotonic() < deadline, "the changelog is not read in time"
        for message in reader.consume(10_000, 1):
            ended += message.error() is not None
            found += 0 if message.error() else len(message.key() or b"") + len(message.value() or b"")
    reader.close()
    return found


def folder_bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def rates(folder: Path, environ: dict[str, str], count: int, ids: int) -> Iterator[Figure]:
    """The worker is pinned to one core and killed in the end."""
    with worker(folder, environ) as found:
        pin(found.process)
        found.work(people(0, WARM_UP_IDS))
        before = cpu_s(found.process)
        seconds = found.work(people(WARM_UP_IDS, count))
        between = cpu_s(found.process)
        load = "a whole worker, events with a new device, user and e-mail"
        yield _figure(load, count / seconds, "events/s")
        yield _figure(f"{load}: CPU", (between - before) / count * PER, "s/100,000")
        seconds = found.work(devices(PEOPLE_IDS * (WARM_UP_IDS + count), ids), IDENTITY_FACTS, IDS_WAIT_S)
        yield _figure("a whole worker, facts of new devices", ids / seconds, "facts/s")
        spent = (cpu_s(found.process) - between) / ids * PER
        yield _figure("a whole worker, facts of new devices: CPU", spent, "s/100,000")
        found.process.kill()


def recovery(folder: Path, environ: dict[str, str], nodes: int) -> Iterator[Figure]:
    state = folder / "state"
    yield _figure("RocksDB's folder after the kill", folder_bytes(state) / nodes, "B/id")
    yield _figure("changelog, keys and values", changelog_bytes(load(KafkaSettings, environ)) / nodes, "B/id")
    shutil.rmtree(state)
    began = time.monotonic()
    with worker(folder, environ):
        ready = time.monotonic() - began
    records, span = read_log(folder / "worker.log")
    yield _figure(f"killed, folder wiped: ready again, {nodes:,} ids", ready, "s")
    yield _figure("of it reading the changelog, per million ids", span / nodes * MILLION, "s")
    yield _figure("records read", records, "records")


def _figure(name: str, value: float, unit: str) -> Figure:
    return Figure(stage="identity", name=name, value=round(value, 1), unit=unit)


def run(count: int = PEOPLE, ids: int = IDS) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        bootstrap = stack.enter_context(engines.kafka_engine(folder, os.environ, lambda text: None))
        # With a name, its successor does not wait until the group has missed it.
        environ = environment(bootstrap) | {"PROCESSOR_INSTANCE_ID": "bench"}
        stack.callback(engines.delete_topics, bootstrap, environ["STITCHLINE_TOPIC_PREFIX"])
        ensure_topics(load(KafkaSettings, environ))
        nodes = PEOPLE_IDS * (WARM_UP_IDS + count) + ids
        return [*rates(folder, environ, count, ids), *recovery(folder, environ, nodes)]
