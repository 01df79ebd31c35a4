"""The whole stack on one machine: which processes there are, in which order they start, and how each says that it is ready.

Engines whose address is in the environment (KAFKA_BOOTSTRAP_SERVERS, CLICKHOUSE_URL) are used as they are and not started.
"""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

import msgspec

from deploy import ports
from deploy.embedded import clickhouse, kafka
from deploy.stack.folder import DataFolder
from deploy.stack.supervisor import Child, ChildFailed, ChildSpec, Ready
from runtime.control import read_control, write_control
from runtime.environment.settings import (
    ClickHouseSettings,
    EngineSettings,
    KafkaSettings,
    SessionSettings,
    load,
)
from runtime.kafka import ensure_topics
from schemas.configuration.configuration_file import parse_file
from schemas.control import ControlState
from sinks.confirming.confirm_way import NAME as CONFIRM
from sinks.migrating.comments import write_comments
from sinks.migrating.migrations import migrate
from sinks.stages.abandoned import NAME as ABANDONED
from sinks.stages.derived import NAME as DERIVED
from sinks.stages.quotas import NAME as QUOTAS
from sinks.storing.tables import SINKS

DEVELOPMENT_SOURCE = {"sources": [{"id": "dev", "write_keys": ["dev"], "unsigned_links": True}]}
DEVELOPMENT_KEY = "dev-server"
DEVELOPMENT_READER = {"server_keys": [{"id": "dev", "keys": [DEVELOPMENT_KEY]}]}
CONTROL_S_MAX = 30.0

Say = Callable[[str], None]
T = TypeVar("T")


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """0 takes any free port."""

    collector: int = 8080
    console: int = 8081
    kafka: int = 9092
    clickhouse: int = 8123


class Addresses(msgspec.Struct, frozen=True, kw_only=True):
    """What `up` prints as one JSON line."""

    collector: str
    console: str
    clickhouse: str
    kafka: str
    write_key: str
    server_key: str
    data: str


class Stack:
    """Start once, stop once. `environ` is this process's environment, read by the caller."""

    def __init__(self, folder: DataFolder, wanted: Ports, environ: Mapping[str, str], say: Say) -> None:
        self._folder = folder
        self._wanted = wanted
        self._given = environ
        self._say = say
        self._children: list[Child] = []

    async def start(self) -> Addresses:
        """Returns when an event sent to the collector will reach ClickHouse. The folder has been acquired; `stop` releases it.
        Raises ChildFailed, PortTaken, ..."""
        chosen = self._choose_ports()
        environ = self._environ(chosen)
        self._say("starting Kafka and ClickHouse")
        await _together(
            self._start_all(self._clickhouse(chosen, environ)), self._start_kafka(chosen, environ)
        )
        self._say("creating topics and tables")
        await _to_its_end(lambda: self._prepare(environ))
        self._say("starting collector, processor, rules, sender, sinks, console and segments")
        await self._start_all(self._stages(chosen, environ), self._folder.stages_fd)
        return Addresses(
            collector=f"http://{ports.HOST}:{chosen.collector}",
            console=f"http://{ports.HOST}:{chosen.console}",
            clickhouse=environ["CLICKHOUSE_URL"],
            kafka=environ["KAFKA_BOOTSTRAP_SERVERS"],
            write_key="dev",
            server_key=DEVELOPMENT_KEY,
            data=str(self._folder.root),
        )

    async def stop(self) -> None:
        """In the order of the data's way, so that each stage hands over what it has."""
        for child in reversed(self._children):
            self._say(f"stopping {child.spec.name}")
            await child.stop()
        self._folder.release()

    @property
    def pids(self) -> dict[str, int | None]:
        return {child.spec.name: child.pid for child in self._children}

    def _choose_ports(self) -> Ports:
        return Ports(
            collector=ports.choose(self._wanted.collector, "--collector-port"),
            console=ports.choose(self._wanted.console, "--console-port"),
            kafka=0
            if "KAFKA_BOOTSTRAP_SERVERS" in self._given
            else ports.choose(self._wanted.kafka, "--kafka-port"),
            clickhouse=0
            if "CLICKHOUSE_URL" in self._given
            else ports.choose(self._wanted.clickhouse, "--clickhouse-port"),
        )

    def _environ(self, chosen: Ports) -> dict[str, str]:
        metrics = ports.free_ports(5)
        defaults = {
            "CLICKHOUSE_URL": f"http://{ports.HOST}:{chosen.clickhouse}",
            "STITCHLINE_HASH_KEY": self._folder.hash_key(),
            "PROCESSOR_INSTANCE_ID": "embedded",
            "SINK_INSTANCE_ID": "embedded",
            "SEGMENTS_INSTANCE_ID": "embedded",
            "RULES_INSTANCE_ID": "embedded",
            "DELIVER_INSTANCE_ID": "embedded",
        }
        fixed = {
            "COLLECTOR_PORT": str(chosen.collector),
            "CONSOLE_PORT": str(chosen.console),
            "COLLECTOR_CONTROL_SNAPSHOT": str(self._folder.path("control.snapshot")),
            "PROCESSOR_STATE_DIR": str(self._folder.path("state")),
            "PROCESSOR_METRICS_PORT": str(metrics[0]),
            "SINK_METRICS_PORT": str(metrics[1]),
            "SEGMENTS_METRICS_PORT": str(metrics[2]),
            "RULES_STATE_DIR": str(self._folder.path("rules")),
            "RULES_METRICS_PORT": str(metrics[3]),
            "DELIVER_METRICS_PORT": str(metrics[4]),
            "STITCHLINE_LEASHED": "1",
        }
        if "KAFKA_BOOTSTRAP_SERVERS" not in self._given:
            defaults |= {
                "KAFKA_BOOTSTRAP_SERVERS": f"{ports.HOST}:{chosen.kafka}",
                "STITCHLINE_PARTITIONS": self._folder.partitions(),
                "STITCHLINE_REPLICATION_FACTOR": "1",
                "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
            }
            fixed["KAFKA_SECURITY_PROTOCOL"] = "PLAINTEXT"  # what ours speaks
        return {**defaults, **self._given, **fixed}

    async def _start_all(self, specs: list[ChildSpec], *inherit: int) -> None:
        children = [Child(spec, self._say, inherit=[self._folder.lock_fd, *inherit]) for spec in specs]
        self._children += children
        await _together(*(child.start() for child in children))

    def _clickhouse(self, chosen: Ports, environ: Mapping[str, str]) -> list[ChildSpec]:
        if not chosen.clickhouse:
            return []
        argv = clickhouse.command(self._folder.path("clickhouse"), chosen.clickhouse)
        url = f"{environ['CLICKHOUSE_URL']}/ping"
        own = {**environ, "TMPDIR": str(self._folder.emptied("tmp"))}
        return [self._spec("clickhouse", argv, own, lambda: ports.answers_http(url))]

    async def _start_kafka(self, chosen: Ports, environ: Mapping[str, str]) -> None:
        if chosen.kafka:
            engine = load(EngineSettings, environ)
            await self._fetch(engine, environ)
            argv = await _to_its_end(lambda: self._kafka_command(chosen.kafka, engine))
            address = environ["KAFKA_BOOTSTRAP_SERVERS"]
            await self._start_all([self._spec("kafka", argv, environ, lambda: kafka.answers(address))])

    async def _fetch(self, engine: EngineSettings, environ: Mapping[str, str]) -> None:
        """In a process of its own: a download can hang, and must not keep us from stopping."""
        if kafka.is_cached(engine.cache_path):
            return
        process = await asyncio.create_subprocess_exec(*_stage("fetch"), env=dict(environ))
        try:
            code = await process.wait()
        except asyncio.CancelledError:
            process.kill()
            raise
        if code:
            raise ChildFailed("Kafka's jars could not be fetched: `stitchline doctor` says why")

    def _kafka_command(self, port: int, engine: EngineSettings) -> list[str]:
        classpath = kafka.fetch(engine.cache_path, self._say, engine.jar_registry)
        broker = kafka.Broker(
            data=self._folder.path("kafka"),
            port=port,
            controller_port=ports.free_ports(1)[0],
            heap_mb=engine.kafka_heap_mb,
        )
        kafka.prepare(broker, classpath, self._say)
        return kafka.command(broker, classpath, self._folder.stages_lock)

    def _prepare(self, environ: Mapping[str, str]) -> None:
        kafka_settings = load(KafkaSettings, environ)
        ensure_topics(kafka_settings)
        clickhouse_settings = load(ClickHouseSettings, environ)
        migrate(
            clickhouse_settings, sessions=load(SessionSettings, environ), is_alone=True
        )  # the sinks start later
        write_comments(clickhouse_settings)
        _apply_missing(kafka_settings)

    def _stages(self, chosen: Ports, environ: Mapping[str, str]) -> list[ChildSpec]:
        sinks_url = f"http://{ports.HOST}:{environ['SINK_METRICS_PORT']}/readyz"
        processor_url = f"http://{ports.HOST}:{environ['PROCESSOR_METRICS_PORT']}/readyz"
        rules_url = f"http://{ports.HOST}:{environ['RULES_METRICS_PORT']}/readyz"
        deliver_url = f"http://{ports.HOST}:{environ['DELIVER_METRICS_PORT']}/readyz"
        segments_url = f"http://{ports.HOST}:{environ['SEGMENTS_METRICS_PORT']}/readyz"
        collector_url = f"http://{ports.HOST}:{chosen.collector}/ready"
        console_url = f"http://{ports.HOST}:{chosen.console}/ready"
        return [
            self._spec(
                "sinks",
                _stage("sink", *SINKS, ABANDONED, CONFIRM, DERIVED, QUOTAS),
                environ,
                lambda: ports.answers_http(sinks_url),
            ),
            self._spec("processor", _stage("processor"), environ, lambda: ports.answers_http(processor_url)),
            self._spec("deliver", _stage("deliver"), environ, lambda: ports.answers_http(deliver_url)),
            self._spec("rules", _stage("rules"), environ, lambda: ports.answers_http(rules_url)),
            self._spec("console", _stage("console"), environ, lambda: ports.answers_http(console_url)),
            self._spec("collector", _stage("collector"), environ, lambda: ports.answers_http(collector_url)),
            self._spec("segments", _stage("segments"), environ, lambda: ports.answers_http(segments_url)),
        ]

    def _spec(self, name: str, argv: list[str], environ: Mapping[str, str], ready: Ready) -> ChildSpec:
        log = self._folder.path("logs", f"{name}.log")
        return ChildSpec(name=name, argv=argv, environ=environ, log=log, ready=ready)


def _stage(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "deploy", *arguments]


async def _together(*works: Coroutine[Any, Any, None]) -> None:
    """All at once. The first failure, or our own cancellation, ends the others; each is waited for."""
    try:
        async with asyncio.TaskGroup() as group:
            for work in works:
                group.create_task(work)
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _to_its_end(work: Callable[[], T]) -> T:
    """In a thread, which is waited for even when we are told to stop: nothing may write into the folder after us."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _apply_missing(settings: KafkaSettings) -> None:
    """The development source and server key, each unless somebody has already said what it is, or has taken its key."""
    state = read_control(settings, CONTROL_S_MAX)
    missing: dict[str, bytes | None] = {}
    if state.source_of("dev") is None:
        missing |= _absent(state, DEVELOPMENT_SOURCE)
    if state.server_key_of(DEVELOPMENT_KEY) is None:
        missing |= _absent(state, DEVELOPMENT_READER)
    if missing:
        write_control(settings, missing, apply_id="development-source")


def _absent(state: ControlState, file: Mapping[str, object]) -> dict[str, bytes]:
    return {key: value for key, value in parse_file(file).items() if key not in state.documents}
