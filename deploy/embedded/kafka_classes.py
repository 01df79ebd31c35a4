"""The broker's classes as the Java machine wants them, in one file that a run of the broker writes (JEP 483, 514).

A start with it takes two fifths of the CPU of one that reads and links them from jars: 1.5 CPU-s, not 3.5. Writing it takes some
12 CPU-s and 65 MB, which one demonstration would not earn back: `make test`, which starts a dozen brokers, writes it; whoever
starts a broker later from this environment has it too. `python -m deploy.embedded.kafka_classes` writes what is missing or
out of date.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from deploy.embedded import kafka
from deploy.ports import free_ports
from runtime.environment.settings import EngineSettings, load

READY_S = 60
WRITTEN_S = 120
TOPIC = "warm"


def is_there(classpath: Sequence[Path]) -> bool:
    """And written after what it was made of."""
    try:
        written = kafka.classes_file().stat().st_mtime
        return all(jar.stat().st_mtime <= written for jar in classpath)
    except FileNotFoundError:
        return False


def write(classpath: Sequence[Path], folder: Path) -> None:
    """Start a broker, use it as stages do, stop it; it writes what it has loaded. Raises KafkaFailed."""
    kept = kafka.classes_file()
    kept.unlink(missing_ok=True)  # the Java machine does not read one and write another
    port, controller_port = free_ports(2)
    broker = kafka.Broker(data=folder / "kafka", port=port, controller_port=controller_port)
    kafka.prepare(broker, classpath, lambda _: None)
    fresh = kept.with_suffix(f".{os.getpid()}")
    argv = kafka.java_command(broker, classpath, f"-XX:AOTCacheOutput={fresh}")
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        kafka.wait_ready(broker.bootstrap, READY_S)
        _use(broker.bootstrap)
        process.terminate()
        process.wait(WRITTEN_S)
        fresh.replace(kept)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise kafka.KafkaFailed(f"the broker's classes could not be written to {kept}: {error}") from error
    finally:
        process.kill()
        process.wait()
        fresh.unlink(missing_ok=True)


def _use(bootstrap: str) -> None:
    """Topics, a transaction, and a group that reads it and commits: what loads the classes of a broker at work."""
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient
    from confluent_kafka.cimpl import NewTopic

    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.create_topics([NewTopic(TOPIC, 2, 1, config={"cleanup.policy": "compact"})])[TOPIC].result(READY_S)
    producer = Producer(
        {"bootstrap.servers": bootstrap, "transactional.id": TOPIC, "compression.type": "lz4"}
    )
    producer.init_transactions(READY_S)
    producer.begin_transaction()
    producer.produce(TOPIC, b"value", b"key")
    producer.commit_transaction(READY_S)
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": TOPIC, "auto.offset.reset": "earliest"})
    consumer.subscribe([TOPIC])
    end = time.monotonic() + READY_S
    while consumer.poll(0.2) is None and time.monotonic() < end:
        pass
    consumer.commit(asynchronous=False)
    consumer.close()
    admin.delete_topics([TOPIC])[TOPIC].result(READY_S)


def main() -> None:
    settings = load(EngineSettings, os.environ)
    classpath = kafka.fetch(settings.cache_path, print, settings.jar_registry)
    if is_there(classpath):
        return
    sys.stdout.write(
        "the embedded broker writes its classes into one file, once: its starts are faster then\n"
    )
    with tempfile.TemporaryDirectory() as folder:
        write(classpath, Path(folder))


if __name__ == "__main__":
    main()
