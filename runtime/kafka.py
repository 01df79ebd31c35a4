"""Kafka's edge: client settings shared by every process, and the topics of the deployment.

The client classes themselves are confluent-kafka's; nothing is wrapped that does not have to be.
"""

import logging
import os
import socket
import time
from collections.abc import Iterable
from typing import Any

import structlog
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from runtime.environment.kafka_access import files_of, librdkafka_access
from runtime.environment.settings import KafkaSettings, ProcessorSettings, SettingsError
from runtime.logs import CLIENT_LOGGER
from schemas.topics import AGENTS, COMPACT, COMPACTION_LAG_MS, TOMBSTONES_MS, TOPICS, Topic, changelog

log = structlog.get_logger()

VISIBLE_POLL_S = 0.05


class KafkaUnavailable(Exception):
    """The broker did not answer in time; the text says where it was looked for."""


class TopicMismatch(Exception):
    """A topic exists with another number of partitions than the deployment's: nothing may start on it."""


def client_config(settings: KafkaSettings) -> dict[str, Any]:
    """What every confluent-kafka client of ours starts from. Raises SettingsError for a file that cannot be read."""
    for variable, path in files_of(settings).items():
        if not os.access(path, os.R_OK):
            raise SettingsError(f"{variable}: {path} cannot be read")
    return {
        **librdkafka_access(settings),
        "reconnect.backoff.max.ms": 1000,  # a broker that comes back is found within a second
        "log_level": 3,
        "logger": logging.getLogger(CLIENT_LOGGER),  # else it writes to standard error by itself
    }


def group_name(settings: KafkaSettings, stage: str) -> str:
    """The consumer group of a stage: the deployment's, and this generation's."""
    return f"{settings.topic_prefix}{settings.generation}-{stage}"


def client_id(settings: ProcessorSettings) -> str:
    """What a processor is called in its group: its lasting name, or that of its process."""
    return f"stitchline-{settings.instance_id or f'{socket.gethostname()}-{os.getpid()}'}"


def reader_config(settings: KafkaSettings, name: str) -> dict[str, Any]:
    """What every consumer starts from that is in no group: it assigns its partitions by hand, and commits nothing.

    It sees what is committed, and is told where a partition ends. `name` tells it apart in the broker's eyes.
    """
    return client_config(settings) | {
        "group.id": f"{settings.topic_prefix}{name}",  # the client insists on one; it is never joined
        "enable.auto.commit": False,
        "enable.auto.offset.store": False,
        "enable.partition.eof": True,
        "isolation.level": "read_committed",
    }


def deployment_topics(settings: KafkaSettings) -> list[Topic]:
    """The table of schemas/topics.py and the changelog of each agent of this generation."""
    return [*TOPICS, *(changelog(settings.generation, agent) for agent in AGENTS)]


def ensure_topics(settings: KafkaSettings) -> list[str]:
    """Create what is missing, return the names created; idempotent.

    Raises KafkaUnavailable, or TopicMismatch when a topic has another partition count.
    """
    admin = AdminClient(client_config(settings))
    existing = _existing(admin, settings)
    wanted = deployment_topics(settings)
    for topic in wanted:
        _check(topic, existing, settings)
    missing = [topic for topic in wanted if topic.full_name(settings.topic_prefix) not in existing]
    _create(admin, missing, settings)
    return [topic.full_name(settings.topic_prefix) for topic in missing]


def require_topics(settings: KafkaSettings) -> None:
    """What a stage asks before it starts. Raises KafkaUnavailable, TopicMismatch."""
    existing = _existing(AdminClient(client_config(settings)), settings)
    wanted = deployment_topics(settings)
    names = [topic.full_name(settings.topic_prefix) for topic in wanted]
    if missing := [name for name in names if name not in existing]:
        raise TopicMismatch(f"Kafka has no topic {', '.join(missing)}: create them with `stitchline topics`")
    for topic in wanted:
        _check(topic, existing, settings)


def _existing(admin: AdminClient, settings: KafkaSettings) -> dict[str, Any]:
    try:
        return admin.list_topics(timeout=settings.answer_timeout_s).topics
    except KafkaException as error:
        raise KafkaUnavailable(
            f"Kafka does not answer at {settings.bootstrap_servers}: {error.args[0].str()}"
        ) from error


def _check(topic: Topic, existing: dict[str, Any], settings: KafkaSettings) -> None:
    found = existing.get(topic.full_name(settings.topic_prefix))
    wanted = topic.partitions or settings.partitions
    if found is not None and len(found.partitions) != wanted:
        raise TopicMismatch(
            f"topic {found.topic} has {len(found.partitions)} partitions, the settings say {wanted}: "
            "set STITCHLINE_PARTITIONS to what the topics have"
        )


def _create(admin: AdminClient, topics: Iterable[Topic], settings: KafkaSettings) -> None:
    new = [_new_topic(topic, settings) for topic in topics]
    if not new:
        return
    for name, done in admin.create_topics(new, operation_timeout=settings.answer_timeout_s).items():
        done.result(settings.answer_timeout_s)
        log.info("topic created", topic=name)
    _await_visible(admin, {topic.topic for topic in new}, settings)


def _await_visible(admin: AdminClient, names: set[str], settings: KafkaSettings) -> None:
    """A broker hears of a topic a little after the controller has made it; a stage that starts now would miss it."""
    deadline = time.monotonic() + settings.answer_timeout_s
    while missing := names - _existing(admin, settings).keys():
        if time.monotonic() > deadline:
            raise KafkaUnavailable(f"Kafka has created {', '.join(sorted(missing))}, and does not show it")
        time.sleep(VISIBLE_POLL_S)


def _new_topic(topic: Topic, settings: KafkaSettings) -> NewTopic:
    config = {"cleanup.policy": topic.cleanup, "min.insync.replicas": str(settings.min_insync_replicas)}
    if topic.cleanup == COMPACT:
        config["delete.retention.ms"] = str(TOMBSTONES_MS)
        config["max.compaction.lag.ms"] = str(COMPACTION_LAG_MS)
        config["min.compaction.lag.ms"] = str(topic.uncompacted_ms)
    else:
        config["retention.ms"] = str(topic.retention_ms)
    if topic.segment_ms:
        config["segment.ms"] = str(topic.segment_ms)
    return NewTopic(
        topic.full_name(settings.topic_prefix),
        num_partitions=topic.partitions or settings.partitions,
        replication_factor=settings.replication_factor,
        config=config,
    )
