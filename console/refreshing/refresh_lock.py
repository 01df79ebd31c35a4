"""Who refreshes: whoever has the only partition of `segments.runs`, as the group's coordinator says. Others wait beside it.

So runs of two processes do not alternate. That no process can tell of anything once another one has begun is not up to this,
but to the transactional id (refresh_log.py).
"""

from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from runtime.environment.refresh_settings import RefreshSettings
from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config, group_name
from schemas.topics import SEGMENTS_RUNS

RUN_MS_MAX = 7_200_000  # a run is one call, between two polls


class RefreshLock:
    """`poll` asks; `is_held` is as of the last poll."""

    def __init__(self, kafka: KafkaSettings, settings: RefreshSettings) -> None:
        self.is_held = False
        self._consumer = Consumer(_config(kafka, settings))
        self._consumer.subscribe(
            [SEGMENTS_RUNS.full_name(kafka.topic_prefix)],
            on_assign=self._assigned,
            on_revoke=self._revoked,
            on_lost=self._revoked,
        )

    def poll(self, wait_s: float) -> bool:
        message = self._consumer.poll(wait_s)
        error = message.error() if message is not None else None
        if error is not None and (error.fatal() or error.code() == KafkaError.FENCED_INSTANCE_ID):
            self.is_held = False
            raise LockLost(error.str())
        return self.is_held

    def close(self) -> None:
        self._consumer.close()

    def _assigned(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        consumer.assign(places)
        if places:
            consumer.pause(places)
            self.is_held = True

    def _revoked(self, consumer: Consumer, places: list[TopicPartition]) -> None:
        self.is_held = False


class LockLost(Exception):
    """A newer process has this one's name: this one ends."""


def _config(kafka: KafkaSettings, settings: RefreshSettings) -> dict[str, Any]:
    config = client_config(kafka) | {
        "group.id": group_name(kafka, "segments"),
        "enable.auto.commit": False,
        "auto.offset.reset": "latest",
        "session.timeout.ms": settings.session_timeout_s * 1000,
        "heartbeat.interval.ms": settings.session_timeout_s * 100,
        "max.poll.interval.ms": RUN_MS_MAX,
    }
    if settings.instance_id:
        config["group.instance.id"] = settings.instance_id
    return config
