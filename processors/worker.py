"""One worker of the stream processors: its agents, each a topic and a pure step, and the process that runs them.

`inlets` and `open_group` are the whole wiring; `run` is the composition root. Nothing here knows what an event is.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from processors.identity import Identity
from processors.resolve import Resolver
from runtime import logs, metrics, service
from runtime.chunk import ChunkLimits
from runtime.delivery import Delivery, Inlet, Policy
from runtime.group import Group
from runtime.guard import Guard, Outside, WatchedWorker
from runtime.kafka import require_topics
from runtime.lookup import Lookup
from runtime.part import Part, PartOpener, PartSpec, open_part
from runtime.plain_group import PlainGroup
from runtime.probes import Probes
from runtime.settings import (
    GENERATION,
    KafkaSettings,
    ProcessorSettings,
    WatchdogSettings,
    hash_key_bytes,
    load,
)
from schemas.stream import Step
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS, Topic


class Settings(msgspec.Struct, frozen=True):
    kafka: KafkaSettings
    processor: ProcessorSettings
    watchdog: WatchdogSettings = WatchdogSettings()


def open_group(settings: Settings) -> Group:
    """The group of the processors, run by what PROCESSOR_DELIVERY names."""
    if settings.processor.delivery == "faust":
        from runtime.faust_group import FaustGroup  # here alone: it takes 30 MB

        return FaustGroup("processors", settings.kafka, settings.processor)
    return PlainGroup("processors", settings.kafka, settings.processor)


def inlets(settings: Settings, resolver: Step, identities: Step, now_ms: Callable[[], int]) -> list[Inlet]:
    lookup = Lookup(settings.kafka)

    def inlet(agent: str, topic: Topic, step: Step, *, contiguous: bool) -> Inlet:
        def opened(partition: int, halted: Callable[[], bool]) -> Part:
            spec = _spec(settings, agent, topic, partition)
            return open_part(spec, step, PartOpener(lookup, now_ms, halted))

        name = topic.full_name(settings.kafka.topic_prefix)
        changelog_name = _spec(settings, agent, topic, 0).changelog_name
        return Inlet(agent, name, contiguous, opened, changelog_name)

    return [
        # The collector writes without transactions: every offset of events.raw is a record.
        inlet("resolve", EVENTS_RAW, resolver, contiguous=True),
        inlet("identity", IDENTITY_FACTS, identities, contiguous=False),
    ]


def _policy(settings: Settings) -> Policy:
    limits = ChunkLimits(settings.processor.chunk_records_max, settings.processor.chunk_bytes_max)
    # Two heartbeats and the answer: by then the group has told a worker that it lost its partitions.
    pause_s = settings.processor.session_timeout_s / 5
    return Policy(limits, pause_s, threads=2 * settings.kafka.partitions)


def _spec(settings: Settings, agent: str, topic: Topic, partition: int) -> PartSpec:
    return PartSpec(
        agent=agent,
        input=topic,
        partition=partition,
        kafka=settings.kafka,
        state_dir=Path(settings.processor.state_dir).expanduser(),
        transaction_timeout_s=settings.processor.transaction_timeout_s,
    )


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    return Settings(
        load(KafkaSettings, environ), load(ProcessorSettings, environ), load(WatchdogSettings, environ)
    )


def run(environ: Mapping[str, str]) -> None:
    """Returns after a clean stop. Raises SettingsError, KafkaUnavailable, TopicMismatch."""
    logs.configure("processor")
    settings = load_settings(environ)
    require_topics(settings.kafka)
    key, partitions = hash_key_bytes(settings.processor), settings.kafka.partitions
    resolver = Resolver(
        hash_key=key,
        partitions=partitions,
        duplicate_window_days=settings.processor.duplicate_window_days,
        duplicate_ids_per_key_max=settings.processor.duplicate_ids_per_key_max,
    )
    identities = Identity(hash_key=key, partitions=partitions, generation=GENERATION)
    run_steps(settings, resolver, identities, environ)


def run_steps(
    settings: Settings,
    resolver: Step,
    identities: Step,
    environ: Mapping[str, str],
    group: Callable[[Settings], Group] = open_group,
) -> None:
    """Run a worker with these steps until it is stopped."""

    asyncio.run(_run(settings, inlets(settings, resolver, identities, _now_ms), environ, group))


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock


async def _run(
    settings: Settings,
    inlets: Sequence[Inlet],
    environ: Mapping[str, str],
    open_group: Callable[[Settings], Group],
) -> None:
    group = open_group(settings)
    delivery = Delivery(group, inlets, _policy(settings), service.die)
    loop, loop_s_max = asyncio.get_running_loop(), settings.watchdog.loop_s_max
    guard = Guard(WatchedWorker(delivery, group, loop, loop_s_max), _outside(settings))
    processor = settings.processor
    probes = Probes(
        processor.metrics_host, processor.metrics_port, lambda: delivery.is_ready, guard.complaint
    )
    probes.start()
    guard.start()
    await service.serve(group, delivery, environ, processor.stop_timeout_s)
    guard.stop()
    probes.stop()


def _outside(settings: Settings) -> Outside:
    return Outside(
        kafka=settings.kafka,
        settings=settings.watchdog,
        gauges=metrics.PROCESSOR_LAG,
        transaction_timeout_s=settings.processor.transaction_timeout_s,
        now_ms=_now_ms,
        fail=service.die,
    )
