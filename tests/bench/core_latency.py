"""From a pack's sending to a reader of committed answers, at a steady 2,500 events/s over two workers of the keyed task.

    python -m tests.bench.core_latency [--rate N] [--workers N] [--bytes-min N... --wait-ms N...]

Events have 800 bytes, as real ones; every 20 ms the events of each partition leave as one pack, as the collector lets them go.
The time runs from the hand-over to Kafka's client in this process to the answer's arrival at a consumer in this process. CPU is
of all workers and of the broker, in per cent of one core.
"""

import argparse
import os
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import starmap
from pathlib import Path

import msgspec
import psutil
from confluent_kafka import Consumer, Producer, TopicPartition

from runtime.environment.settings import KafkaSettings
from runtime.environment.settings import load as load_settings
from runtime.kafka import ensure_topics
from tests import engines
from tests.bench.figures import Figure
from tests.bench.keyed import broker, task
from tests.bench.keyed.contenders import environment, names, start_ours, stop
from tests.bench.keyed.contest import broker_process
from tests.bench.meter import Meter
from tests.bench.steady import quantile

TICK_S = 0.02
SECONDS = 12.0
WARM_UP_S = 3.0
SETTLE_S = 3.0
READY_S = 60.0
EVENT_BYTES = 800


class Load(msgspec.Struct, frozen=True):
    rate: int = 2_500
    workers: int = 2
    settings: dict[str, str] = {}  # beside those that are shipped


class Seen(msgspec.Struct, frozen=True):
    """Seconds from input to answer, and CPU seconds a second."""

    seconds: list[float]
    workers_cpu: float
    broker_cpu: float


def gathering(bytes_min: int, wait_ms: int) -> dict[str, str]:
    return {"PROCESSOR_FETCH_BYTES_MIN": str(bytes_min), "PROCESSOR_FETCH_WAIT_MS_MAX": str(wait_ms)}


class Reader:
    """Notes when each answer arrived."""

    def __init__(self, run: broker.Run) -> None:
        self.arrived: dict[str, float] = {}
        self._ended = threading.Event()
        self._consumer = Consumer(
            {
                "bootstrap.servers": run.bootstrap,
                "group.id": "reader",
                "isolation.level": "read_committed",
                "fetch.wait.max.ms": 10,
                "auto.offset.reset": "earliest",
            }
        )
        self._consumer.assign(
            [TopicPartition(run.sink, partition, 0) for partition in range(task.PARTITIONS)]
        )
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        decode = msgspec.json.Decoder(task.Answer).decode
        while not self._ended.is_set():
            messages = self._consumer.consume(500, 0.01)
            now = time.monotonic()
            for message in messages:
                if message.error() is None:
                    self.arrived[decode(message.value() or b"").message_id] = now
        self._consumer.close()

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


def send(producer: Producer, run: broker.Run, load: Load, first: int, sent: dict[str, float]) -> int:
    """Open loop; returns the number of the next event."""
    each, began = round(load.rate * TICK_S), time.monotonic()
    for tick in range(round((SECONDS if first else WARM_UP_S) / TICK_S)):
        time.sleep(max(0.0, began + tick * TICK_S - time.monotonic()))
        events = [_padded(event) for event in task.made(first, each)]
        now = time.monotonic()
        for event in events:
            sent[msgspec.json.decode(event.json, type=task.Event).message_id] = now
        for message in task.messages(events, task.PACK, each):
            producer.produce(run.source, message.value, message.key, partition=message.partition)
        producer.poll(0)
        first += each
    producer.flush(READY_S)
    return first


def _padded(event: task.Made) -> task.Made:
    filling = b"x" * (EVENT_BYTES - len(event.json) - len(b',"context":""'))
    return task.Made(event.user, event.amount, event.json[:-1] + b',"context":"' + filling + b'"}')


def measure(bootstrap: str, folder: Path, load: Load) -> Seen:
    run = names("ours", bootstrap, f"latency{uuid.uuid4().hex[:8]}-")
    ensure_topics(load_settings(KafkaSettings, environment(run, folder, 0)))
    with ExitStack() as stack:
        stack.callback(broker.delete_topics, run)
        started = [
            start_ours(task.PACK, run, folder / run.prefix / str(number), number, load.settings)
            for number in range(load.workers)
        ]
        for process in started:
            stack.callback(stop, process)
        for process in started:
            engines.wait_until(process.is_ready, READY_S, "a worker is ready")
        time.sleep(SETTLE_S)
        processes = {str(process.popen.pid): psutil.Process(process.popen.pid) for process in started}
        if (kafka := broker_process(bootstrap)) is not None:
            processes["kafka"] = kafka
        reader = Reader(run)
        stack.callback(reader.close)
        return _steady(run, load, reader, processes)


def _steady(run: broker.Run, load: Load, reader: Reader, processes: Mapping[str, psutil.Process]) -> Seen:
    sent: dict[str, float] = {}
    # One producer for both: a new one's first packs wait half a second for its id and the topic's leaders.
    producer = Producer({"bootstrap.servers": run.bootstrap, "enable.idempotence": True, "linger.ms": 0})
    number = send(producer, run, load, 0, {})
    meter = Meter(processes)
    send(producer, run, load, number, sent)
    spent, seconds = meter.cpu_s(), meter.seconds
    engines.wait_until(lambda: sent.keys() <= reader.arrived.keys(), READY_S, "all answers arrived")
    kafka = spent.pop("kafka", 0.0)
    return Seen(
        [reader.arrived[message_id] - at for message_id, at in sent.items()],
        sum(spent.values()) / seconds,
        kafka / seconds,
    )


def figures(load: Load, seen: Seen) -> list[Figure]:
    name = f"input to committed reader, {load.rate:,} events/s"
    p50, p99 = (quantile(seen.seconds, part) * 1000 for part in (0.5, 0.99))
    return [
        Figure(stage="core", name=f"{name}: median", value=round(p50), unit="ms", at_most=40),
        Figure(stage="core", name=f"{name}: p99", value=round(p99), unit="ms", at_most=120),
        Figure(stage="core", name=f"{name}: CPU of the workers", value=round(seen.workers_cpu * 100),
               unit="% of a core"),
        Figure(stage="core", name=f"{name}: CPU of Kafka", value=round(seen.broker_cpu * 100), unit="% of a core"),
    ]  # fmt: skip


def run() -> list[Figure]:
    return [figure for _, found in measured([Load()]) for figure in found]


def measured(loads: Sequence[Load]) -> Iterator[tuple[Load, list[Figure]]]:
    """One after the other on the same broker."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with engines.kafka_engine(folder, os.environ, lambda text: None) as bootstrap:
            for load in loads:
                yield load, figures(load, measure(bootstrap, folder, load))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rate", type=int, default=Load().rate)
    parser.add_argument("--workers", type=int, default=Load().workers)
    parser.add_argument("--bytes-min", type=int, nargs="+", default=[])
    parser.add_argument("--wait-ms", type=int, nargs="+", default=[])
    options = parser.parse_args()
    pairs = zip(options.bytes_min, options.wait_ms, strict=True)
    loads = [Load(options.rate, options.workers, settings) for settings in ({}, *starmap(gathering, pairs))]
    for load, found in measured(loads):
        values = ", ".join(f"{figure.value:g} {figure.unit}" for figure in found)
        sys.stdout.write(
            f"{load.rate} events/s, {load.workers} workers, {load.settings or 'as shipped'}: {values}\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
