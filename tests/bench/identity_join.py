"""Two clusters of 100,000 devices, one round an e-mail and one round a user id, become one person by a single identify call.

On a whole `stitchline up`. The clusters' events go into `events.raw` as the collector packs them; the call that joins them goes
through the collector. Nobody stores members, so it moves one pointer, however large the clusters are.
"""

import time
from collections.abc import Iterator

from confluent_kafka import Producer

from runtime.environment.settings import KafkaSettings, load
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import partition_of
from schemas.topics import EVENTS_RAW
from tests import engines
from tests.bench.figures import Figure
from tests.bench.identity_step import Call, device, packed
from tests.bench.stand import Stand, stand

DEVICES = 100_000
SIZE = 100
WAIT_S = 240.0
VISIBLE_S = 60.0
ADDRESS, USER = "hub@shop.example", "hub"
MOVED = 'stitchline_output_records_total{agent="%s",topic="%s"}'
SENT = (
    ("messages of facts", "resolve", "identity.facts"),
    ("messages derived from them", "identity", "identity.facts"),
    ("pointer rows", "identity", "identity.pointers"),
)
LINKED_SQL = "SELECT count() FROM identity_pointers FINAL WHERE owner != node"
PROFILES_SQL = "SELECT uniqExact(idr_profile(node, now64(3))) FROM identifiers WHERE kind = 'a'"


def member(number: int) -> Call:
    """Of the one cluster or the other."""
    call: Call = {"type": "identify", "anonymousId": device(number)}
    return call | ({"userId": USER} if number % 2 else {"traits": {"email": ADDRESS}})


def packs(devices: int, partitions: int) -> Iterator[tuple[int, bytes]]:
    members: dict[int, list[PackedEvent]] = {}
    for number in range(2 * devices):
        event = packed(number, member(number))
        partition = partition_of(event.routing, partitions)
        members.setdefault(partition, []).append(event)
        if len(members[partition]) == SIZE:
            yield partition, encode_pack(members.pop(partition))
    yield from ((partition, encode_pack(rest)) for partition, rest in members.items())


def fill(there: Stand, devices: int) -> None:
    """Until both clusters stand in the tables and in the dictionaries."""
    kafka = load(KafkaSettings, there.processes["processor"].environ())
    producer = Producer({"bootstrap.servers": kafka.bootstrap_servers, "enable.idempotence": True})
    topic = EVENTS_RAW.full_name(kafka.topic_prefix)
    for partition, value in packs(devices, kafka.partitions):
        producer.poll(0)
        producer.produce(topic, value=value, partition=partition)
    producer.flush(60)
    engines.wait_until(lambda: there.ask(LINKED_SQL) == 2 * devices, WAIT_S, "all are linked", every_s=0.5)
    engines.wait_until(lambda: there.ask(PROFILES_SQL) == 2, WAIT_S, "two profiles are seen", every_s=0.5)


def join(there: Stand) -> float:
    """Seconds from the call until a query of all devices sees one profile."""
    began = time.monotonic()
    call = {"userId": USER, "traits": {"email": ADDRESS}, "messageId": "the-join"}
    assert there.up.post("/v1/identify", call) == 200
    engines.wait_until(lambda: there.ask(PROFILES_SQL) == 1, VISIBLE_S, "one profile is seen")
    return time.monotonic() - began


def run(devices: int = DEVICES) -> list[Figure]:
    with stand() as there:
        fill(there, devices)
        before = there.metrics()
        seconds = join(there)
        after = there.metrics()
    load = f"two clusters of {devices:,} devices joined by one call"
    moved = {
        name: after[key] - before.get(key, 0) for name, *of in SENT if (key := MOVED % tuple(of)) in after
    }
    return [
        *(Figure(stage="identity", name=f"{load}: {name}", value=moved.get(name, 0), unit="", at_most=1)
          for name, *_ in SENT),
        Figure(stage="identity", name=f"{load}: seen in queries after", value=round(seconds, 2), unit="s", at_most=15),
    ]  # fmt: skip
