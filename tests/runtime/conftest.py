"""Fixtures of the stream core's tests: settings of a small deployment of its own, with its topics."""

from collections.abc import Callable
from pathlib import Path

import pytest

from runtime.environment.settings import KafkaSettings, load
from runtime.kafka import ensure_topics
from runtime.lookup import Lookup
from runtime.streams.part import PartOpener, PartSpec
from schemas.topics import AGENTS

NOW_MS = 1_900_000_000_000


@pytest.fixture
def environ(kafka: str, topic_prefix: str, tmp_path: Path) -> dict[str, str]:
    """The environment of a worker."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka,
        "STITCHLINE_TOPIC_PREFIX": topic_prefix,
        "STITCHLINE_PARTITIONS": "4",
        "STITCHLINE_REPLICATION_FACTOR": "1",
        "STITCHLINE_MIN_INSYNC_REPLICAS": "1",
        "STITCHLINE_HASH_KEY": "0" * 32,
        "PROCESSOR_STATE_DIR": str(tmp_path / "state"),
        "PROCESSOR_SESSION_TIMEOUT_S": "6",
    }


@pytest.fixture
def settings(environ: dict[str, str]) -> KafkaSettings:
    found = load(KafkaSettings, environ)
    ensure_topics(found)
    return found


@pytest.fixture
def opener(settings: KafkaSettings) -> PartOpener:
    return PartOpener(Lookup(settings), lambda: NOW_MS, lambda: False)


@pytest.fixture
def spec(settings: KafkaSettings, tmp_path: Path) -> Callable[..., PartSpec]:
    """A Part of agent `resolve`, or of another one; a partition and a folder may be given."""

    def made(partition: int = 0, folder: str = "state", agent: str = "resolve") -> PartSpec:
        return PartSpec(
            agent=agent,
            input=AGENTS[agent],
            partition=partition,
            kafka=settings,
            state_dir=tmp_path / folder,
            recent_bytes_max=1_000,
        )

    return made
