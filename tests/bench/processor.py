"""The processor alone: a real worker, with RocksDB and transactions, on one core, against a backlog of packs of real size.

The packs have as many events as the collector puts into one at 8,000 events/s (chain.py prints that mean). The worker is stopped
while the backlog is written, then let run; done is when the facts that its agents state for one another are processed too. It is
asked for its metrics seldom, and often towards the end alone: each answer takes 3 ms of the core that is measured.
"""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import Producer

from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import ensure_topics
from runtime.parent import LEASHED
from schemas.events.pack import PackedEvent, encode_pack
from schemas.identity.identifiers import node_key, partition_of
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS, Topic
from tests import engines
from tests.bench import traffic
from tests.bench.figures import ROOT, Figure
from tests.bench.meter import PER, cpu_s, memory_mib
from tests.bench.stand import scrape

EVENTS = 120_000
WARM_UP_EVENTS = 10_000
PACK_EVENTS = 8
PARTITIONS = 4
WAIT_S = 120.0
ASK_S_MIN, ASK_S_MAX = 0.02, 0.5
START_MS = 1_767_348_000_000
FACTS_OUT = 'stitchline_output_records_total{agent="%s",topic="identity.facts"}'
RECORDS_IN = 'stitchline_chunk_records_total{agent="%s"}'


def packed(run: str, number: int) -> PackedEvent:
    """As the collector packs it."""
    payload = traffic.call(run, number)
    anonymous = msgspec.json.decode(payload)["anonymousId"]
    return PackedEvent(
        workspace="main",
        source="shop",
        routing=node_key("main", "a", anonymous),
        type=traffic.kind_of(number),
        message_id=f"ajs-next-{run}-{number}",
        received_at=START_MS + number,
        sent_at="",
        context=b"",
        payload=payload,
        unsigned_links=True,
    )


def packs(run: str, events: int, size: int) -> Iterator[tuple[int, bytes]]:
    """(partition, message), in the order in which the packs would fill."""
    open_packs: dict[int, list[PackedEvent]] = {}
    for number in range(events):
        event = packed(run, number)
        partition = partition_of(event.routing, PARTITIONS)
        members = open_packs.setdefault(partition, [])
        members.append(event)
        if len(members) == size:
            yield partition, encode_pack(open_packs.pop(partition))
    for partition, members in open_packs.items():
        yield partition, encode_pack(members)


class Worker:
    """`stitchline processor` on a core of its own, where the machine has several."""

    def __init__(self, process: psutil.Process, settings: KafkaSettings, port: int) -> None:
        self.process = process
        self._url = f"http://127.0.0.1:{port}"
        self._prefix = settings.topic_prefix
        self._producer = Producer(
            {"bootstrap.servers": settings.bootstrap_servers, "enable.idempotence": True}
        )
        self._sent = {EVENTS_RAW: 0, IDENTITY_FACTS: 0}

    def work(
        self, messages: Iterable[tuple[int, bytes]], topic: Topic = EVENTS_RAW, wait_s: float = WAIT_S
    ) -> float:
        """Seconds for this backlog of (partition, message)."""
        before, _ = self._done()
        self.process.suspend()
        for partition, value in messages:
            self._producer.poll(0)
            self._producer.produce(topic.full_name(self._prefix), value=value, partition=partition)
            self._sent[topic] += 1
        self._producer.flush(60)
        self.process.resume()
        began = time.monotonic()
        while True:
            done, wanted = self._done()
            took = time.monotonic() - began
            if done == wanted:
                return took
            assert took < wait_s, f"not within {wait_s} s: the backlog is processed"
            rest_s = took * (wanted - done) / max(1.0, done - before)
            time.sleep(min(max(rest_s / 2, ASK_S_MIN), ASK_S_MAX))

    def _done(self) -> tuple[float, float]:
        """Records processed, and those that there are for it, what its agents sent to one another included."""
        found = scrape(f"{self._url}/metrics")
        wanted = self._sent[EVENTS_RAW] + self._sent[IDENTITY_FACTS] + _facts_sent(found)
        return sum(found.get(RECORDS_IN % agent, 0) for agent in ("resolve", "identity")), wanted

    def is_ready(self) -> bool:
        try:
            urllib.request.urlopen(f"{self._url}/readyz", timeout=5).close()
        except OSError:  # HTTPError, of a 503, is one
            return False
        return True


def _facts_sent(metrics: Mapping[str, float]) -> float:
    return sum(metrics.get(FACTS_OUT % agent, 0) for agent in ("resolve", "identity"))


@contextmanager
def worker(folder: Path, environ: dict[str, str]) -> Iterator[Worker]:
    """The process ends with ours."""
    port = engines.free_port()
    mine = {"PROCESSOR_STATE_DIR": str(folder / "state"), "PROCESSOR_METRICS_PORT": str(port), LEASHED: "1"}
    given = {**os.environ, **environ, **mine}
    argv = [sys.executable, "-m", "deploy", "processor"]
    with (folder / "worker.log").open("wb") as out:
        child = subprocess.Popen(argv, cwd=ROOT, env=given, stdin=subprocess.PIPE, stdout=out, stderr=out)
    try:
        found = Worker(psutil.Process(child.pid), load(KafkaSettings, given), port)
        engines.wait_until(found.is_ready, WAIT_S, "the processor is ready", every_s=0.2)
        yield found
    finally:
        assert child.stdin
        child.stdin.close()
        child.terminate()
        child.wait(30)


def environment(bootstrap: str) -> dict[str, str]:
    return {
        "KAFKA_BOOTSTRAP_SERVERS": bootstrap,
        "STITCHLINE_TOPIC_PREFIX": f"bench{uuid.uuid4().hex[:8]}-",
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "STITCHLINE_HASH_KEY": "0" * 32,
    }


def pin(process: psutil.Process) -> None:
    """Its threads share one core: what a worker does there is what one core can do."""
    if sys.platform == "linux":
        for thread in process.threads():
            with suppress(ProcessLookupError):  # one that answered a question has ended
                os.sched_setaffinity(thread.id, {min(os.sched_getaffinity(0))})


def run(events: int = EVENTS, size: int = PACK_EVENTS) -> list[Figure]:
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        bootstrap = stack.enter_context(engines.kafka_engine(folder, os.environ, lambda text: None))
        environ = environment(bootstrap)
        stack.callback(engines.delete_topics, bootstrap, environ["STITCHLINE_TOPIC_PREFIX"])
        ensure_topics(load(KafkaSettings, environ))
        found = stack.enter_context(worker(folder, environ))
        pin(found.process)
        found.work(packs("warm", WARM_UP_EVENTS, size))
        before = cpu_s(found.process)
        seconds = found.work(packs("main", events, size))
        spent = cpu_s(found.process) - before
        return figures(events, size, (seconds, spent), memory_mib(found.process))


def figures(events: int, size: int, took: tuple[float, float], pss: float) -> list[Figure]:
    seconds, spent = took
    load = f"backlog in packs of {size}, one core"
    return [
        Figure(stage="processor", name=f"{load}: rate", value=round(events / seconds), unit="events/s",
               at_least=20_000, peer="Kafka Streams 36,900, Quix 23,700, Bytewax 15,100: one count a key"),
        Figure(stage="processor", name=f"{load}: CPU", value=round(spent / events * PER, 2), unit="s/100,000",
               at_most=5, peer="Kafka Streams 2.05, Quix 3.71, Bytewax 5.67: one count a key"),
        Figure(stage="processor", name="memory after it (PSS)", value=round(pss), unit="MiB"),
    ]  # fmt: skip
