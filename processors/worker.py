"""The composition root of the processors: agents `resolve`, `identity` and `commerce`, and what their steps are made with.

How agents are run is stage.py's. The agents of rules have a process of their own (rules_worker.py).
"""

from collections.abc import Mapping
from contextlib import nullcontext

import msgspec

from processors.commerce.commerce_agent import Commerce
from processors.commerce.commerce_facts import encode_tick
from processors.edges.geography import open_geography
from processors.edges.hosting_file import hosting_networks
from processors.edges.planning import current_plans
from processors.enrichment.bots import BotRules
from processors.enrichment.channel import Channels
from processors.enrichment.context import ContextRules
from processors.enrichment.device import Devices
from processors.enrichment.enrichment import Rules
from processors.enrichment.place import Places
from processors.enrichment.user_agents import user_agent_reader
from processors.enrichment.visits import SessionRules
from processors.identity.identity import Identity
from processors.resolver.resolve import Resolver
from processors.stage import Agent, Clock, OpenGroup, Stage, StageSettings, open_group, run_stage
from runtime import logs
from runtime.ending import die
from runtime.environment.settings import (
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
from runtime.kafka import require_topics
from runtime.link_keys import link_keys
from runtime.own_lists import own_lists
from runtime.streams.pointers import Owners, PointerTail
from runtime.user_steps import user_steps
from schemas.stream import Step
from schemas.topics import COMMERCE_FACTS, EVENTS_RAW, IDENTITY_FACTS

STAGE = "processors"


class Settings(StageSettings, frozen=True):
    carts: CartSettings = CartSettings()


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
    settings: Settings, steps: Steps, environ: Mapping[str, str], group: OpenGroup = open_group
) -> None:
    """Run a worker with these steps until it is stopped."""
    stage = Stage(STAGE, settings, agents(steps), [Clock(COMMERCE_FACTS, encode_tick)], settings.carts.tick_s)
    run_stage(stage, environ, group)
