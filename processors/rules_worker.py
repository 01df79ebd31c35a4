"""The composition root of `stitchline rules`: the agents that match rules, wait for what takes time, and send.

A process of its own, in a group of its own: a rule that is costly, or a destination that is dead, delays no event on its way to
ClickHouse. How agents are run is stage.py's. What it shares with the processors, it takes from their settings (PROCESSOR_*).
"""

from collections.abc import Mapping

import msgspec

from processors.actions.actions_agent import Actions
from processors.contacts.contacts_agent import Contacts
from processors.edges.controlling import Control, current_control
from processors.edges.rule_book import RuleBook
from processors.edges.rule_indexing import current_index
from processors.rules.memberships import Memberships
from processors.rules.rules_agent import RulesStep
from processors.rules.triggers import Triggers
from processors.stage import Agent, Clock, Stage, StageSettings, run_stage
from runtime import logs
from runtime.environment.settings import (
    ContactSettings,
    KafkaSettings,
    ProcessorSettings,
    RuleSettings,
    WatchdogSettings,
    hash_key_bytes,
    load,
)
from runtime.kafka import require_topics
from schemas.actions.action_work import encode_work
from schemas.rules.rule_facts import encode_rule_facts
from schemas.topics import ACTIONS_WORK, CONTACTS_FACTS, EVENTS_RESOLVED, RULES_FACTS, SEGMENTS_MEMBERSHIP

STAGE = "rules"


def load_settings(environ: Mapping[str, str], own: RuleSettings) -> StageSettings:
    """The processors' settings with what is this process's own. Raises SettingsError."""
    processor = msgspec.structs.replace(
        load(ProcessorSettings, environ),
        state_dir=own.state_dir,
        instance_id=own.instance_id,
        metrics_host=own.metrics_host,
        metrics_port=own.metrics_port,
    )
    return StageSettings(load(KafkaSettings, environ), processor, load(WatchdogSettings, environ))


def agents(settings: StageSettings, control: Control, region: str, own: RuleSettings) -> list[Agent]:
    """`region`: of phone numbers without a country's code."""
    partitions = settings.kafka.partitions
    hash_key = hash_key_bytes(settings.processor)
    actions = Actions(
        hash_key=hash_key, partitions=partitions, result_wait_s=own.result_wait_s, phone_region=region
    )
    index = current_index(control)
    matching = Triggers(index, hash_key=hash_key, partitions=partitions, region=region)
    return [
        Agent("triggers", EVENTS_RESOLVED, matching),
        Agent("memberships", SEGMENTS_MEMBERSHIP, Memberships(index, partitions=partitions)),
        Agent("contacts", CONTACTS_FACTS, Contacts(hash_key=hash_key, partitions=partitions)),
        Agent("rules", RULES_FACTS, RulesStep(partitions=partitions, rules=RuleBook(control))),
        Agent("actions", ACTIONS_WORK, actions),
    ]


def clocks() -> list[Clock]:
    """Of those agents that wait for something."""
    return [
        Clock(RULES_FACTS, lambda now: encode_rule_facts(tick=now)),
        Clock(ACTIONS_WORK, lambda now: encode_work(tick=now)),
    ]


def run(environ: Mapping[str, str]) -> None:
    """Returns after a clean stop. Raises SettingsError, KafkaUnavailable, TopicMismatch."""
    logs.configure("rules")
    own = load(RuleSettings, environ)
    settings = load_settings(environ, own)
    region = load(ContactSettings, environ).phone_region
    require_topics(settings.kafka)
    with current_control(settings.kafka) as control:
        found = agents(settings, control, region, own)
        run_stage(Stage(STAGE, settings, found, clocks(), own.tick_s), environ)
