"""One worker of a stage of stream processors: agents, each a topic and a pure step, and the process that runs them in one group.

`inlet` and `open_group` are the whole wiring; `run_stage` is called by the composition roots (worker.py, rules_worker.py).
Nothing here knows what an event is.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import msgspec

from runtime import metrics
from runtime.ending import die
from runtime.environment.settings import KafkaSettings, ProcessorSettings, WatchdogSettings
from runtime.kafka import client_id, group_name
from runtime.lookup import Lookup
from runtime.probes import Probes
from runtime.streams import service
from runtime.streams.chunk import ChunkLimits
from runtime.streams.delivery import Delivery, Inlet, Policy
from runtime.streams.followers import Followers
from runtime.streams.group import Group
from runtime.streams.part import Part, PartOpener, PartSpec, open_part
from runtime.streams.plain_group import PlainGroup
from runtime.streams.standbys import Copies, Membership, NoStandbys, Standbys
from runtime.streams.ticks import Tick, Ticks
from runtime.streams.watched_worker import WatchedWorker
from runtime.watch.guard import Guard, Outside
from schemas.stream import Step
from schemas.topics import Topic

GARBAGE_OBJECTS_MIN = (
    50_000  # the search for cycles, of which steps leave none behind, is put off until there would be many
)
WORKING_AGENTS = (
    2  # of so many at once all partitions may work: threads, which cost nothing until they are used
)

BUSY_BYTES_MIN = 262_144  # of one partition in one take (docs/decisions/0074)


class StageSettings(msgspec.Struct, frozen=True):
    """What running any stage takes. `processor`: of this stage's own process."""

    kafka: KafkaSettings
    processor: ProcessorSettings
    watchdog: WatchdogSettings = WatchdogSettings()


class Agent(msgspec.Struct, frozen=True):
    """`contiguous`: see Inlet."""

    name: str
    topic: Topic
    step: Step
    contiguous: bool = False


class Clock(msgspec.Struct, frozen=True):
    """A topic whose partitions are told the time. `make`: the record's value for a moment in ms."""

    topic: Topic
    make: Callable[[int], bytes]


class Stage(msgspec.Struct, frozen=True):
    """`name` is the group's. `clocks` are told every `tick_s`."""

    name: str
    settings: StageSettings
    agents: Sequence[Agent]
    clocks: Sequence[Clock]
    tick_s: float


OpenGroup: TypeAlias = Callable[[Stage], Group]


def open_group(stage: Stage) -> Group:
    """Run by what PROCESSOR_DELIVERY names."""
    settings = stage.settings
    name = group_name(settings.kafka, stage.name)
    if settings.processor.delivery == "faust":
        from runtime.streams.faust_group import FaustGroup  # here alone: it takes 30 MB

        return FaustGroup(name, settings.kafka, settings.processor)
    return PlainGroup(name, settings.kafka, settings.processor)


def run_stage(stage: Stage, environ: Mapping[str, str], group: OpenGroup = open_group) -> None:
    """Until the process is stopped."""
    asyncio.run(_run(stage, environ, group))


class Tools(msgspec.Struct, frozen=True):
    """What opening a Part takes. `release`: what a standby holds of it is let go."""

    lookup: Lookup
    now_ms: Callable[[], int]
    release: Callable[[PartSpec], None]


def inlet(settings: StageSettings, agent: Agent, tools: Tools) -> Inlet:
    def opened(partition: int, halted: Callable[[], bool]) -> Part:
        spec = _spec(settings, agent, partition)
        tools.release(spec)
        return open_part(spec, agent.step, PartOpener(tools.lookup, tools.now_ms, halted))

    changelog = _spec(settings, agent, 0).changelog_name
    return Inlet(agent.name, _topic(settings, agent.topic), agent.contiguous, opened, changelog)


def _topic(settings: StageSettings, topic: Topic) -> str:
    return topic.full_name(settings.kafka.topic_prefix)


def chunk_limits(own: ProcessorSettings) -> ChunkLimits:
    """Whoever sets smaller fetches wants answers sooner: they make no partition a busy one."""
    busy_bytes_min = max(own.fetch_bytes_min, BUSY_BYTES_MIN)
    return ChunkLimits(
        own.chunk_records_max, own.chunk_bytes_max, busy_bytes_min, own.busy_wait_ms_max / 1000
    )


def _policy(settings: StageSettings) -> Policy:
    limits, own = chunk_limits(settings.processor), settings.processor
    # Two heartbeats and the answer: by then the group has told a worker that it lost its partitions.
    pause_s = own.session_timeout_s / 5
    return Policy(limits, pause_s, threads=WORKING_AGENTS * settings.kafka.partitions)


def _spec(settings: StageSettings, agent: Agent, partition: int) -> PartSpec:
    return PartSpec(
        agent=agent.name,
        input=agent.topic,
        partition=partition,
        kafka=settings.kafka,
        state_dir=Path(settings.processor.state_dir).expanduser(),
        transaction_timeout_s=settings.processor.transaction_timeout_s,
        recent_bytes_max=settings.processor.recent_bytes_max,
    )


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the roots' clock


async def _run(stage: Stage, environ: Mapping[str, str], open_group: OpenGroup) -> None:
    settings, processor = stage.settings, stage.settings.processor
    lookup, group = Lookup(settings.kafka), open_group(stage)
    standbys = _standbys(stage, lookup)
    tools = Tools(lookup, _now_ms, standbys.release)
    inlets = [inlet(settings, agent, tools) for agent in stage.agents]
    delivery = Delivery(group, inlets, _policy(settings), die)
    loop, loop_s_max = asyncio.get_running_loop(), settings.watchdog.loop_s_max
    guard = Guard(WatchedWorker(delivery, group, loop, loop_s_max), _outside(settings))
    probes = Probes(
        processor.metrics_host, processor.metrics_port, lambda: delivery.is_ready, guard.complaint
    )
    probes.start()
    guard.start()
    ticks = Ticks(
        settings.kafka, [_tick(stage, clock, delivery) for clock in stage.clocks], stage.tick_s, die
    )
    ticks.start()
    standbys.start([_copies(settings, agent) for agent in stage.agents], lambda: delivery.partitions)
    gc.freeze()  # what is there now stays to the end: nobody needs to look through it again
    gc.set_threshold(GARBAGE_OBJECTS_MIN)
    await service.serve(group, delivery, environ, processor.stop_timeout_s)
    ticks.stop()
    await standbys.stop()
    guard.stop()
    probes.stop()


def _tick(stage: Stage, clock: Clock, delivery: Delivery) -> Tick:
    """The partitions that are ours: together the workers tell each once."""
    topic = _topic(stage.settings, clock.topic)

    def partitions() -> list[int]:
        return [tp.partition for tp in delivery.partitions if tp.topic == topic]

    return Tick(topic, partitions, _now_ms, clock.make)


def _outside(settings: StageSettings) -> Outside:
    return Outside(
        kafka=settings.kafka,
        settings=settings.watchdog,
        gauges=metrics.PROCESSOR_LAG,
        transaction_timeout_s=settings.processor.transaction_timeout_s,
        now_ms=_now_ms,
        fail=die,
    )


def _standbys(stage: Stage, lookup: Lookup) -> Standbys | NoStandbys:
    kafka, processor = stage.settings.kafka, stage.settings.processor
    if not processor.standbys:
        return NoStandbys()
    followers = Followers(kafka, lookup, _now_ms, die)
    us = Membership(group_name(kafka, stage.name), client_id(processor), processor.standbys)
    return Standbys(kafka, us, followers, die)


def _copies(settings: StageSettings, agent: Agent) -> Copies:
    parts = [_spec(settings, agent, partition) for partition in range(settings.kafka.partitions)]
    return Copies(_topic(settings, agent.topic), parts)
