"""The fleet: one collector, two or three processors with state folders of their own, the sinks, Kafka and ClickHouse.

Real processes with the deployment's own command lines, on this machine's embedded engines. Deliberately absent: what is done to
them (faults.py), what they are sent (load.py), what must come of it (oracle.py).
"""

import os
import shutil
import sys
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import msgspec

from deploy.embedded import clickhouse, kafka
from runtime.control import write_control
from runtime.environment.settings import ClickHouseSettings, EngineSettings, KafkaSettings, load
from runtime.kafka import ensure_topics
from schemas.configuration.configuration_file import parse_file
from sinks.migrating.migrations import migrate
from sinks.storing.clickhouse import connect
from sinks.storing.tables import SINKS
from tests import engines
from tests.chaos.process import Exit, Spec, Supervised

SOURCE = {"sources": [{"id": "dev", "write_keys": ["dev"], "unsigned_links": True}]}
PROCESSORS_MAX = 3
SECOND_SINKS = "sinks-2"
READY_S = 150.0
NO_MERGES = (
    "max_bytes_to_merge_at_max_space_in_pool = 1, max_bytes_to_merge_at_min_space_in_pool = 1, "
    "parts_to_delay_insert = 1000000, parts_to_throw_insert = 1000000, max_parts_in_total = 1000000"
)
HASH_KEY = "000102030405060708090a0b0c0d0e0f"


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """`delivery`: the setting PROCESSOR_DELIVERY, empty for the default. `is_static`: names are kept over restarts."""

    processors: int = 2
    partitions: int = 4
    is_static: bool = True
    delivery: str = ""
    session_s: int = 6


class Fleet:
    """`running` starts and ends one."""

    def __init__(self, folder: Path, shape: Shape) -> None:
        self.folder = folder
        self.shape = shape
        self.exits: list[Exit] = []
        self._lock = threading.Lock()
        self._environ = self._shared()
        self.kafka_settings = load(KafkaSettings, self._environ)
        self.clickhouse_settings = load(ClickHouseSettings, self._environ)
        self._all: dict[str, Supervised] = {}
        self.part_folders: list[Path] = []  # where ClickHouse writes the parts of `events`

    @property
    def collector_url(self) -> str:
        return f"http://{engines.HOST}:{self._environ['COLLECTOR_PORT']}"

    @property
    def processors(self) -> list[Supervised]:
        """Those that are meant to be there."""
        with self._lock:
            return [process for process in self._all.values() if process.spec.stage == "processor"]

    def __getitem__(self, name: str) -> Supervised:
        return self._all[name]

    def state_dirs(self) -> list[Path]:
        return [self._state_dir(number) for number in range(PROCESSORS_MAX)]

    def start(self) -> None:
        (self.folder / "logs").mkdir(parents=True)
        self._add(self._kafka())
        self._add(self._clickhouse())
        kafka.wait_ready(self.kafka_settings.bootstrap_servers, READY_S)
        url = self.clickhouse_settings.url
        engines.wait_until(lambda: engines.answers(url), READY_S, "ClickHouse answers")
        ensure_topics(self.kafka_settings)
        migrate(self.clickhouse_settings)
        self._forbid_merges()
        self.part_folders = self._find_part_folders()
        write_control(self.kafka_settings, dict(parse_file(SOURCE)), apply_id="chaos")
        for number in range(self.shape.processors):
            self.add_processor(number)
        self._add(self._stage("sinks", "sink", *SINKS, **self._name("SINK_INSTANCE_ID", "chaos")))
        self._add(self._stage("collector", "collector"))
        self.wait_ready()

    def wait_ready(self) -> None:
        engines.wait_until(self.is_ready, READY_S, "every stage is ready", every_s=0.1)

    def is_ready(self) -> bool:
        ports = [process.spec.environ["PROCESSOR_METRICS_PORT"] for process in self.processors]
        ports.append(self._environ["SINK_METRICS_PORT"])
        urls = [f"http://{engines.HOST}:{port}/readyz" for port in ports]
        return all(_is_ok(url) for url in (*urls, f"{self.collector_url}/ready"))

    def add_processor(self, number: int) -> None:
        self._add(self._processor(number))

    def remove_processor(self, number: int) -> None:
        """In order; its state folder stays."""
        with self._lock:
            process = self._all.pop(f"processor-{number}", None)
        if process:
            process.end()

    def add_sinks(self) -> None:
        """A second process of the sinks, if there is none."""
        if SECOND_SINKS not in self._all:
            port = {"SINK_METRICS_PORT": str(engines.free_port())}
            name = self._name("SINK_INSTANCE_ID", SECOND_SINKS)
            self._add(self._stage(SECOND_SINKS, "sink", *SINKS, **port, **name))

    def remove_sinks(self) -> None:
        with self._lock:
            process = self._all.pop(SECOND_SINKS, None)
        if process:
            process.end()

    def free_numbers(self) -> list[int]:
        return [number for number in range(PROCESSORS_MAX) if f"processor-{number}" not in self._all]

    def wipe_state(self, number: int) -> None:
        shutil.rmtree(self._state_dir(number), ignore_errors=True)

    def end_processors(self) -> None:
        """In order, so that their folders are closed and nothing is half done."""
        threads = [threading.Thread(target=process.end) for process in self.processors]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with self._lock:
            for name in [name for name, it in self._all.items() if it.spec.stage == "processor"]:
                del self._all[name]

    def deliver(self, delivery: str) -> None:
        """The same processors, by their names and folders, of this delivery from now on."""
        self.end_processors()
        self.shape = msgspec.structs.replace(self.shape, delivery=delivery)
        for number in range(self.shape.processors):
            self.add_processor(number)

    def end(self) -> None:
        """In the order of the data's way."""
        if "collector" in self._all:
            self._all.pop("collector").end()
        self.end_processors()
        for name in (SECOND_SINKS, "sinks", "clickhouse", "kafka"):
            if name in self._all:
                self._all.pop(name).end()

    def _forbid_merges(self) -> None:
        """A merge would collapse what was stored twice before the judge can see it."""
        client = connect(self.clickhouse_settings, timeout_s=10)
        for table in ("events", "traits", "ledger"):
            client.command(f"ALTER TABLE {table} MODIFY SETTING {NO_MERGES}")
        client.close()

    def _find_part_folders(self) -> list[Path]:
        client = connect(self.clickhouse_settings, timeout_s=10)
        found = client.query("SELECT arrayJoin(data_paths) FROM system.tables WHERE name = 'events'")
        client.close()
        return [self.folder / "clickhouse" / path for (path,) in found.result_rows]

    def _add(self, spec: Spec) -> None:
        process = Supervised(spec, self.exits.append)
        with self._lock:
            self._all[spec.name] = process

    def _state_dir(self, number: int) -> Path:
        return self.folder / f"state-{number}"

    def _shared(self) -> dict[str, str]:
        """Every stage's environment; ports are chosen once, as a stage keeps its address over a restart."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        return inherited | {
            "KAFKA_BOOTSTRAP_SERVERS": f"{engines.HOST}:{engines.free_port()}",
            "CLICKHOUSE_URL": f"http://{engines.HOST}:{engines.free_port()}",
            "STITCHLINE_PARTITIONS": str(self.shape.partitions),
            "STITCHLINE_REPLICATION_FACTOR": "1",
            "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
            "STITCHLINE_HASH_KEY": HASH_KEY,
            "STITCHLINE_LEASHED": "1",
            "COLLECTOR_PORT": str(engines.free_port()),
            "COLLECTOR_CONTROL_SNAPSHOT": str(self.folder / "control.snapshot"),
            "SINK_METRICS_PORT": str(engines.free_port()),
            "SINK_SESSION_TIMEOUT_S": str(self.shape.session_s),
            "SINK_RETRY_S_MAX": "2",
            "SINK_INSERT_TIMEOUT_S": "30",
            "WATCHDOG_STALL_S_MAX": "30",
            "WATCHDOG_RECOVERY_STALL_S_MAX": "60",
            "WATCHDOG_REBALANCE_S_MAX": "60",
            "PROCESSOR_SESSION_TIMEOUT_S": str(self.shape.session_s),
        }

    def _stage(self, name: str, *arguments: str, **environ: str) -> Spec:
        return self._spec(name, arguments[0], [sys.executable, "-m", "deploy", *arguments], environ)

    def _processor(self, number: int) -> Spec:
        environ = {
            "PROCESSOR_STATE_DIR": str(self._state_dir(number)),
            "PROCESSOR_METRICS_PORT": str(engines.free_port()),
        } | self._name("PROCESSOR_INSTANCE_ID", f"chaos-{number}")
        if self.shape.delivery:
            environ["PROCESSOR_DELIVERY"] = self.shape.delivery
        return self._stage(f"processor-{number}", "processor", **environ)

    def _name(self, variable: str, name: str) -> dict[str, str]:
        return {variable: name} if self.shape.is_static else {}

    def _clickhouse(self) -> Spec:
        port = int(self.clickhouse_settings.url.rsplit(":", 1)[1])
        return self._spec(
            "clickhouse", "clickhouse", clickhouse.command(self.folder / "clickhouse", port), {}
        )

    def _kafka(self) -> Spec:
        engine = load(EngineSettings, self._environ)
        jars = kafka.fetch(engine.cache_path, _quiet, engine.jar_registry)
        broker = kafka.Broker(
            data=self.folder / "kafka",
            port=int(self.kafka_settings.bootstrap_servers.rsplit(":", 1)[1]),
            controller_port=engines.free_port(),
            heap_mb=engine.kafka_heap_mb,
        )
        kafka.prepare(broker, jars, _quiet)
        return self._spec("kafka", "kafka", kafka.command(broker, jars), {}, child=True)

    def _spec(
        self, name: str, stage: str, argv: list[str], environ: Mapping[str, str], *, child: bool = False
    ) -> Spec:
        log = self.folder / "logs" / f"{name}.log"
        return Spec(
            name=name, stage=stage, argv=argv, environ=self._environ | dict(environ), log=log, child=child
        )


# What the caller's environment may not decide.
_OURS = ("STITCHLINE_TOPIC_PREFIX", "STITCHLINE_DATABASE", "COLLECTOR_", "PROCESSOR_", "SINK_")


def _quiet(_: str) -> None:
    """Progress of a start, which nobody waits for."""


def _is_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


@contextmanager
def running(folder: Path, shape: Shape) -> Iterator[Fleet]:
    """A fleet that is ready, and gone at the end."""
    fleet = Fleet(folder, shape)
    try:
        fleet.start()
        yield fleet
    finally:
        fleet.end()
