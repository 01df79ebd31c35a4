"""One worker of the stream processors: the agents, each a few lines around a pure step, and the process that runs them.

`build_app` is the whole wiring; `run` is the composition root. Nothing here knows what an event is.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import faust
import msgspec

from processors.identity import Identity
from processors.resolve import Resolver
from runtime import logs, service
from runtime.chunk import ChunkLimits
from runtime.delivery import Delivery, Inlet, Policy
from runtime.faust_app import faust_app
from runtime.kafka import require_topics
from runtime.lookup import Lookup
from runtime.part import PartOpener, PartSpec, open_part
from runtime.probes import Probes
from runtime.settings import GENERATION, KafkaSettings, ProcessorSettings, hash_key_bytes, load
from schemas.stream import Step
from schemas.topics import EVENTS_RAW, IDENTITY_FACTS, Topic


class Settings(msgspec.Struct, frozen=True):
    kafka: KafkaSettings
    processor: ProcessorSettings


class Root(msgspec.Struct, frozen=True):
    """What only a process has: the time, and an end for errors that nobody may survive."""

    now_ms: Callable[[], int]
    die: Callable[[BaseException], None]


def build_app(settings: Settings, resolver: Step, identities: Step, root: Root) -> tuple[faust.App, Delivery]:
    app = faust_app("processors", settings.kafka, settings.processor)
    delivery = Delivery(app, _policy(settings), root.die)
    lookup = Lookup(settings.kafka)

    def channel(agent: str, topic: Topic, step: Step, *, contiguous: bool) -> Any:
        def opened(partition: int, halted: Callable[[], bool]) -> Any:
            spec = _spec(settings, agent, topic, partition)
            return open_part(spec, step, PartOpener(lookup, root.now_ms, halted))

        name = topic.full_name(settings.kafka.topic_prefix)
        return delivery.channel(Inlet(agent, name, contiguous, opened))

    # The collector writes without transactions: every offset of events.raw is a record.
    @app.agent(channel("resolve", EVENTS_RAW, resolver, contiguous=True), name="resolve")
    async def resolve(stream: Any) -> None:
        await delivery.serve(stream)

    @app.agent(channel("identity", IDENTITY_FACTS, identities, contiguous=False), name="identity")
    async def identity(stream: Any) -> None:
        await delivery.serve(stream)

    return app, delivery


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


def run(environ: Mapping[str, str]) -> None:
    """Returns after a clean stop. Raises SettingsError, KafkaUnavailable, TopicMismatch."""
    logs.configure("processor")
    settings = Settings(load(KafkaSettings, environ), load(ProcessorSettings, environ))
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


def run_steps(settings: Settings, resolver: Step, identities: Step, environ: Mapping[str, str]) -> None:
    """Run a worker with these steps until it is stopped."""
    asyncio.run(_run_steps(settings, resolver, identities, environ))


async def _run_steps(
    settings: Settings, resolver: Step, identities: Step, environ: Mapping[str, str]
) -> None:
    root = Root(now_ms=lambda: int(time.time() * 1000), die=service.die)  # noqa: TID251 - the root's clock
    app, delivery = build_app(settings, resolver, identities, root)
    probes = Probes(
        settings.processor.metrics_host, settings.processor.metrics_port, lambda: delivery.is_ready
    )
    probes.start()
    await service.serve(app, delivery, environ, settings.processor.stop_timeout_s)
    probes.stop()
