"""One worker of the stream processors: its agents, each a topic and a pure step, and the process that runs them.

`agents`, `inlet` and `open_group` are the whole wiring; `run` is the composition root. Nothing here knows what an event is.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import msgspec

from processors.bots import BotRules
from processors.channel import Channels
from processors.commerce_agent import Commerce
from processors.commerce_facts import encode_tick
from processors.context import ContextRules
from processors.device import Devices
from processors.enrichment import Rules
from processors.geography import open_geography
from processors.hosting_file import hosting_networks
from processors.identity import Identity
from processors.place import Places
from processors.planning import current_plans
from processors.resolve import Resolver
from processors.user_agents import user_agent_reader
from processors.visits import SessionRules
from runtime import logs, metrics, service
from runtime.chunk import ChunkLimits
from runtime.delivery import Delivery, Inlet, Policy
from runtime.ending import die
from runtime.followers import Followers
from runtime.group import Group
from runtime.guard import Guard, Outside
from runtime.kafka import client_id, group_name, require_topics
from runtime.link_keys import link_keys
from runtime.lookup import Lookup
from runtime.own_lists import own_lists
from runtime.part import Part, PartOpener, PartSpec, open_part
from runtime.plain_group import PlainGroup
from runtime.pointers import Owners, PointerTail
from runtime.probes import Probes
from runtime.settings import (
    GENERATION,
    BotSettings,
    CartSettings,
    ChannelSettings,
    ContextSettings,
    KafkaSettings,
    LinkSettings,
    ProcessorSettings,
    SessionSettings,
    UserStepSettings,
    WatchdogSettings,
    hash_key_bytes,
    load,
)
from runtime.standbys import Copies, Membership, NoStandbys, Standbys
from runtime.ticks import Tick, Ticks
from runtime.user_steps import user_steps
from runtime.watched_worker import WatchedWorker
from schemas.stream import Step
from schemas.topics import COMMERCE_FACTS, EVENTS_RAW, IDENTITY_FACTS, Topic

STAGE = "processors"
GARBAGE_OBJECTS_MIN = (
    50_000  # the search for cycles, of which steps leave none behind, is put off until there would be many
)


class Settings(msgspec.Struct, frozen=True):
    kafka: KafkaSettings
    processor: ProcessorSettings
    watchdog: WatchdogSettings = WatchdogSettings()
    carts: CartSettings = CartSettings()


def open_group(settings: Settings) -> Group:
    """The group of the processors, run by what PROCESSOR_DELIVERY names."""
    name = group_name(settings.kafka, STAGE)
    if settings.processor.delivery == "faust":
        from runtime.faust_group import FaustGroup  # here alone: it takes 30 MB

        return FaustGroup(name, settings.kafka, settings.processor)
    return PlainGroup(name, settings.kafka, settings.processor)


class Agent(msgspec.Struct, frozen=True):
    """`contiguous`: see Inlet."""

    name: str
    topic: Topic
    step: Step
    contiguous: bool


class Steps(msgspec.Struct, frozen=True):
    """A step for each agent; without one there is no such agent."""

    resolve: Step
    identity: Step
    commerce: Step | None = None


def agents(steps: Steps) -> list[Agent]:
    found = [
        # The collector writes without transactions: every offset of events.raw is a record.
        Agent("resolve", EVENTS_RAW, steps.resolve, contiguous=True),
        Agent("identity", IDENTITY_FACTS, steps.identity, contiguous=False),
    ]
    if steps.commerce is not None:
        found.append(Agent("commerce", COMMERCE_FACTS, steps.commerce, contiguous=False))
    return found


class Tools(msgspec.Struct, frozen=True):
    """What opening a Part takes. `release`: what a standby holds of it is let go."""

    lookup: Lookup
    now_ms: Callable[[], int]
    release: Callable[[PartSpec], None]


def inlet(settings: Settings, agent: Agent, tools: Tools) -> Inlet:
    def opened(partition: int, halted: Callable[[], bool]) -> Part:
        spec = _spec(settings, agent, partition)
        tools.release(spec)
        return open_part(spec, agent.step, PartOpener(tools.lookup, tools.now_ms, halted))

    changelog = _spec(settings, agent, 0).changelog_name
    return Inlet(agent.name, _topic(settings, agent), agent.contiguous, opened, changelog)


def _topic(settings: Settings, agent: Agent) -> str:
    return agent.topic.full_name(settings.kafka.topic_prefix)


def _policy(settings: Settings) -> Policy:
    limits = ChunkLimits(settings.processor.chunk_records_max, settings.processor.chunk_bytes_max)
    # Two heartbeats and the answer: by then the group has told a worker that it lost its partitions.
    pause_s = settings.processor.session_timeout_s / 5
    return Policy(limits, pause_s, threads=2 * settings.kafka.partitions)


def _spec(settings: Settings, agent: Agent, partition: int) -> PartSpec:
    return PartSpec(
        agent=agent.name,
        input=agent.topic,
        partition=partition,
        kafka=settings.kafka,
        state_dir=Path(settings.processor.state_dir).expanduser(),
        transaction_timeout_s=settings.processor.transaction_timeout_s,
    )


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Raises SettingsError."""
    return Settings(
        load(KafkaSettings, environ),
        load(ProcessorSettings, environ),
        load(WatchdogSettings, environ),
        load(CartSettings, environ),
    )


def rules(environ: Mapping[str, str]) -> Rules:
    """Raises SettingsError. What enrichment needs is loaded here: lists, tables of user agents, the geography file."""
    return Rules(
        context=_context_rules(load(ContextSettings, environ), load(BotSettings, environ)),
        channels=Channels(own_lists(load(ChannelSettings, environ))),
        sessions=_session_rules(load(SessionSettings, environ)),
    )


def _context_rules(context: ContextSettings, bots: BotSettings) -> ContextRules:
    kept = context.address_kept
    places = Places(open_geography(context.geo_file), kept)
    judging = BotRules(threshold=bots.threshold, networks=hosting_networks(bots.networks_file))
    return ContextRules(devices=Devices(user_agent_reader()), places=places, address_kept=kept, bots=judging)


def run(environ: Mapping[str, str]) -> None:
    """Returns after a clean stop. Raises SettingsError, KafkaUnavailable, TopicMismatch."""
    logs.configure("processor")
    settings = load_settings(environ)
    require_topics(settings.kafka)
    key, partitions = hash_key_bytes(settings.processor), settings.kafka.partitions
    nodes_max = settings.processor.hint_nodes_max
    owners = Owners(nodes_max)
    resolver = Resolver(
        hash_key=key,
        partitions=partitions,
        duplicate_window_days=settings.processor.duplicate_window_days,
        duplicate_ids_per_key_max=settings.processor.duplicate_ids_per_key_max,
        owners=owners,
    )
    resolver = resolver.with_link_keys(link_keys(load(LinkSettings, environ), environ))
    resolver = resolver.with_rules(rules(environ))
    identities = Identity(hash_key=key, partitions=partitions, generation=GENERATION)
    own_steps = user_steps(load(UserStepSettings, environ), environ)
    commerce = Commerce(
        hash_key=key, partitions=partitions, abandoned_after_s=settings.carts.abandoned_after_s
    )
    pointers = PointerTail(settings.kafka, nodes_max, owners, die) if nodes_max else nullcontext()
    with pointers, current_plans(settings.kafka) as plans, own_steps as steps:
        chosen = Steps(resolver.with_plans(plans).with_user_steps(steps), identities, commerce)
        run_steps(settings, chosen, environ)


def _session_rules(settings: SessionSettings) -> SessionRules:
    return SessionRules(
        timeout_ms=settings.timeout_s * 1000,
        new_on_campaign=settings.new_on_campaign,
        midnight_zone=settings.midnight_zone,
    )


def run_steps(
    settings: Settings,
    steps: Steps,
    environ: Mapping[str, str],
    group: Callable[[Settings], Group] = open_group,
) -> None:
    """Run a worker with these steps until it is stopped."""
    asyncio.run(_run(settings, agents(steps), environ, group))


def _now_ms() -> int:
    return int(time.time() * 1000)  # noqa: TID251 - the root's clock


async def _run(
    settings: Settings,
    agents: Sequence[Agent],
    environ: Mapping[str, str],
    open_group: Callable[[Settings], Group],
) -> None:
    processor, lookup = settings.processor, Lookup(settings.kafka)
    group = open_group(settings)
    standbys = _standbys(settings, lookup)
    tools = Tools(lookup, _now_ms, standbys.release)
    inlets = [inlet(settings, agent, tools) for agent in agents]
    delivery = Delivery(group, inlets, _policy(settings), die)
    loop, loop_s_max = asyncio.get_running_loop(), settings.watchdog.loop_s_max
    guard = Guard(WatchedWorker(delivery, group, loop, loop_s_max), _outside(settings))
    probes = Probes(
        processor.metrics_host, processor.metrics_port, lambda: delivery.is_ready, guard.complaint
    )
    probes.start()
    guard.start()
    ticks = Ticks(settings.kafka, _tick(settings, delivery), die)
    ticks.start()
    standbys.start([_copies(settings, agent) for agent in agents], lambda: delivery.partitions)
    gc.freeze()  # what is there now stays to the end: nobody needs to look through it again
    gc.set_threshold(GARBAGE_OBJECTS_MIN)
    await service.serve(group, delivery, environ, processor.stop_timeout_s)
    ticks.stop()
    await standbys.stop()
    guard.stop()
    probes.stop()


def _tick(settings: Settings, delivery: Delivery) -> Tick:
    """The partitions that are ours: together the workers tell each once."""
    topic = COMMERCE_FACTS.full_name(settings.kafka.topic_prefix)

    def partitions() -> list[int]:
        return [tp.partition for tp in delivery.partitions if tp.topic == topic]

    return Tick(topic, settings.carts.tick_s, partitions, _now_ms, encode_tick)


def _outside(settings: Settings) -> Outside:
    return Outside(
        kafka=settings.kafka,
        settings=settings.watchdog,
        gauges=metrics.PROCESSOR_LAG,
        transaction_timeout_s=settings.processor.transaction_timeout_s,
        now_ms=_now_ms,
        fail=die,
    )


def _standbys(settings: Settings, lookup: Lookup) -> Standbys | NoStandbys:
    kafka, processor = settings.kafka, settings.processor
    if not processor.standbys:
        return NoStandbys()
    followers = Followers(kafka, lookup, _now_ms, die)
    us = Membership(group_name(kafka, STAGE), client_id(processor), processor.standbys)
    return Standbys(kafka, us, followers, die)


def _copies(settings: Settings, agent: Agent) -> Copies:
    parts = [_spec(settings, agent, partition) for partition in range(settings.kafka.partitions)]
    return Copies(_topic(settings, agent), parts)
