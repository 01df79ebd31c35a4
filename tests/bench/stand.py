"""What the benchmarks run against: one `stitchline up` in a folder of its own, its processes by name, and what its engines say.

Deliberately absent: any load.
"""

import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from signal import SIGTERM
from typing import Any
from urllib.parse import urlsplit

import psutil
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.pipeline.up import Up

PORTS = ("PROCESSOR_METRICS_PORT", "SINK_METRICS_PORT")
ANSWER_S = 10
# The processes of the stack by what stands in their command lines.
MARKS = {
    "collector": ("deploy", "collector"),
    "processor": ("deploy", "processor"),
    "sinks": ("deploy", "sink"),
    "clickhouse": ("-m", "deploy.embedded.clickhouse"),
    "kafka": ("-m", "deploy.leash"),
}
# Those that an event does not pass on its way into ClickHouse.
BESIDE = {name: ("deploy", name) for name in ("rules", "deliver", "segments", "console")}


class Stand:
    """A running stack."""

    def __init__(self, up: Up) -> None:
        self.up = up
        self.processes = named(psutil.Process(up.process.pid))
        self.beside = named(psutil.Process(up.process.pid), BESIDE)
        self.kafka = Offsets(up.addresses["kafka"])

    @property
    def collector(self) -> tuple[str, int]:
        address = urlsplit(self.up.addresses["collector"])
        return address.hostname or "", address.port or 0

    def ask(self, sql: str) -> Any:
        """The first value of the answer."""
        return self.up.ask(sql)[0][0]

    def metrics(self) -> dict[str, float]:
        """All samples of the collector, the processor and the sinks."""
        environ = self.processes["processor"].environ()
        addresses = [f"http://127.0.0.1:{environ[port]}" for port in PORTS]
        found: dict[str, float] = {}
        for address in (*addresses, self.up.addresses["collector"]):
            for name, value in scrape(f"{address}/metrics").items():
                found[name] = found.get(name, 0) + value  # each process exposes all names
        return found


@contextmanager
def stand(**settings: str) -> Iterator[Stand]:
    """A stack that starts empty and leaves nothing behind; `settings` are further variables."""
    with tempfile.TemporaryDirectory() as folder:
        up = Up(Path(folder) / "data", **settings)
        try:
            there = Stand(up)
            with closing(there.kafka):
                yield there
        finally:
            up.end(SIGTERM)


def named(root: psutil.Process, marks: Mapping[str, tuple[str, ...]] = MARKS) -> dict[str, psutil.Process]:
    children = root.children()
    return {name: child for name, mark in marks.items() for child in children if _has(child.cmdline(), mark)}


def _has(argv: list[str], mark: tuple[str, ...]) -> bool:
    return any(tuple(argv[at : at + len(mark)]) == mark for at in range(len(argv)))


def scrape(url: str) -> dict[str, float]:
    """Prometheus' text as a mapping from a sample's name with labels to its value."""
    with urllib.request.urlopen(url, timeout=ANSWER_S) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rsplit(" ", 1) for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, value in samples}


class Offsets:
    """Ends of topics and positions of groups, each summed over the partitions."""

    def __init__(self, bootstrap: str) -> None:
        config: dict[str, str | int | float | bool] = {"bootstrap.servers": bootstrap, "log_level": 0}
        self._admin = AdminClient(config)
        self._reader = Consumer(config | {"group.id": "bench-offsets"})

    def end(self, topic: str) -> int:
        partitions = self._reader.list_topics(topic, ANSWER_S).topics[topic].partitions
        places = (TopicPartition(topic, partition) for partition in partitions)
        return sum(self._reader.get_watermark_offsets(place, ANSWER_S)[1] for place in places)

    def position(self, group: str, topic: str) -> int:
        asked = self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)])
        found = asked[group].result(ANSWER_S).topic_partitions or ()
        return sum(max(0, place.offset) for place in found if place.topic == topic)

    def behind(self, groups: Mapping[str, tuple[str, str]]) -> dict[str, int]:
        """By stage: how many messages its group has before it. The end is asked last, so that no lag is negative by haste."""
        positions = {stage: self.position(*place) for stage, place in groups.items()}
        return {stage: self.end(topic) - positions[stage] for stage, (_, topic) in groups.items()}

    def close(self) -> None:
        self._reader.close()
