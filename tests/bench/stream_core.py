"""What one worker does with a toy step: a backlog as fast as it can, then a steady rate for its latency.

Run on a broker: `KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python -m tests.bench.stream_core [--events N] [--rounds N]`. A message
is a pack of 50 events; each event counts its key and makes one output. Prints events a second, CPU per event, and the time from
an input to a committed reader, for each delivery in turn (PROCESSOR_DELIVERY). Topics get prefixes of their own and stay.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from processors.worker import Settings, Steps, run_steps
from runtime import logs
from runtime.environment.settings import KafkaSettings, ProcessorSettings, load
from runtime.kafka import ensure_topics
from schemas.stream import InputRecord, OutputRecord, State

PACK = 50
KEYS = 16_000
PARTITIONS = 8
RATE = 2_500
STEADY_S = 12
METRICS_PORT = 29_480
DELIVERIES = ("faust", "plain")
OUT, IN = "events.resolved", "events.raw"
decode = msgspec.msgpack.Decoder(list[tuple[int, bytes]]).decode
encode = msgspec.msgpack.Encoder().encode


def count(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    """Count each key; the output carries the input's time."""
    outputs = []
    for record in records:
        for sent_us, key in decode(record.value or b""):
            number = int.from_bytes(state.get(key, b""), "big") + 1
            state[key] = number.to_bytes(8, "big")
            outputs.append(OutputRecord(OUT, partition, key, encode((sent_us, number))))
    return outputs


def idle(partition: int, records: Sequence[InputRecord], state: State) -> list[OutputRecord]:
    return []


def pack(number: int) -> bytes:
    now_us = time.time_ns() // 1000
    return encode([(now_us, b"user-%d" % ((number * 7_919 + i * 31) % KEYS)) for i in range(PACK)])


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Bench:
    def __init__(self, settings: KafkaSettings, process: psutil.Process) -> None:
        self.settings = settings
        self.process = process
        self.producer = Producer(
            {"bootstrap.servers": settings.bootstrap_servers, "enable.idempotence": True, "linger.ms": 1}
        )

    def send(self, numbers: range) -> None:
        for number in numbers:
            self.producer.poll(0)
            self.producer.produce(
                self.settings.topic_prefix + IN, value=pack(number), partition=number % PARTITIONS
            )

    def processed(self) -> int:
        with urllib.request.urlopen(f"http://127.0.0.1:{METRICS_PORT}/metrics", timeout=5) as answer:
            for line in answer.read().decode().splitlines():
                if line.startswith('stitchline_chunk_records_total{agent="resolve"}'):
                    return int(float(line.split()[1]))
        return 0

    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def backlog(self, packs: int) -> None:
        """The worker is stopped while the backlog is written, then let run."""
        self.process.suspend()
        cpu = self.cpu_s()
        self.send(range(packs))
        self.producer.flush(60)
        self.process.resume()
        began = time.monotonic()
        while self.processed() < packs:
            time.sleep(0.02)
        seconds, events = time.monotonic() - began, packs * PACK
        spent = self.cpu_s() - cpu
        memory = self.process.memory_info().rss >> 20
        say(f"backlog: {events} events in {seconds:.2f} s = {events / seconds:,.0f} events/s,")
        say(f"  {spent / events * 1e6:.1f} us CPU per event, {memory} MB resident")

    def steady(self) -> None:
        latencies: list[float] = []
        stop = threading.Event()
        reader = threading.Thread(target=read, args=(self.settings, latencies, stop))
        reader.start()
        time.sleep(1)
        cpu, packs = self.cpu_s(), RATE * STEADY_S // PACK
        began = time.monotonic()
        for number in range(packs):
            self.send(range(number, number + 1))
            time.sleep(max(0.0, began + (number + 1) * PACK / RATE - time.monotonic()))
        self.producer.flush(10)
        time.sleep(1)
        stop.set()
        reader.join()
        found = sorted(latencies)
        p50, p95, p99 = (found[int(len(found) * part)] * 1000 for part in (0.5, 0.95, 0.99))
        share = (self.cpu_s() - cpu) / (time.monotonic() - began)
        say(f"steady {RATE} events/s: {len(found)} seen by a committed reader,")
        say(f"  p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms; {share:.0%} of one core")


def read(settings: KafkaSettings, latencies: list[float], stop: threading.Event) -> None:
    consumer = Consumer(
        {
            "bootstrap.servers": settings.bootstrap_servers,
            "group.id": "bench",
            "isolation.level": "read_committed",
            "fetch.wait.max.ms": 10,
        }
    )
    name = settings.topic_prefix + OUT
    ends = [consumer.get_watermark_offsets(TopicPartition(name, p), 10)[1] for p in range(PARTITIONS)]
    consumer.assign([TopicPartition(name, partition, end) for partition, end in enumerate(ends)])
    while not stop.is_set():
        for message in consumer.consume(500, 0.01):
            sent_us, _ = msgspec.msgpack.decode(message.value() or b"")
            latencies.append((time.time_ns() // 1000 - sent_us) / 1e6)
    consumer.close()


def environ(state: str, delivery: str, number: int) -> dict[str, str]:
    return {
        "PROCESSOR_DELIVERY": delivery,
        "KAFKA_BOOTSTRAP_SERVERS": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "STITCHLINE_TOPIC_PREFIX": f"bench{os.getpid()}-{number}-{delivery}-",
        "STITCHLINE_PARTITIONS": str(PARTITIONS),
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "STITCHLINE_HASH_KEY": "0" * 32,
        "PROCESSOR_STATE_DIR": state,
        "PROCESSOR_METRICS_PORT": str(METRICS_PORT),
    }


def workers(settings: dict[str, str]) -> Iterator[psutil.Process]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.stream_core", "--worker"], env={**os.environ, **settings}
    )
    try:
        ready = f"http://127.0.0.1:{METRICS_PORT}/readyz"
        while child.poll() is None:
            time.sleep(0.2)
            try:
                urllib.request.urlopen(ready, timeout=2).close()
                break
            except OSError:
                continue
        yield psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(30)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--events", type=int, default=400_000)
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    chosen = arguments.parse_args()
    if chosen.worker:
        logs.configure("bench")
        run_steps(
            Settings(load(KafkaSettings, os.environ), load(ProcessorSettings, os.environ)),
            Steps(count, idle),
            os.environ,
        )
        return
    for number in range(chosen.rounds):
        for delivery in DELIVERIES:
            say(f"round {number + 1}, {delivery}:")
            measure(delivery, number, chosen.events)


def measure(delivery: str, number: int, events: int) -> None:
    with tempfile.TemporaryDirectory() as state:
        given = environ(str(Path(state)), delivery, number)
        ensure_topics(load(KafkaSettings, given))
        for process in workers(given):
            bench = Bench(load(KafkaSettings, given), process)
            bench.backlog(events // PACK)
            bench.steady()


if __name__ == "__main__":
    main()
