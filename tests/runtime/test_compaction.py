"""Recovery from a changelog of which Kafka has really removed records, tombstones among them."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress

import msgspec
import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin._resource import ResourceType

from runtime.environment.settings import KafkaSettings
from runtime.streams.part import Part, PartOpener, PartSpec
from runtime.streams.recovery import FOLDER_AGE_MS_MAX
from runtime.streams.store import Store
from tests.runtime.topic_log import Record, eventually, read_topic
from tests.runtime.toy_part import chunk, closed_after, opened, reopened

MakeSpec = Callable[..., PartSpec]
CHANGELOG = "g1-resolve-changelog"
HASTY_TOPIC = {
    "segment.ms": "50",  # the segment being written to is never compacted
    "min.cleanable.dirty.ratio": "0.001",
    "min.compaction.lag.ms": "0",
    "max.compaction.lag.ms": "100",
    "delete.retention.ms": "1",
}
HASTY_BROKER = {"log.cleaner.backoff.ms": "200"}  # else it looks every 15 seconds
COMPACTED_S = 90


def alter(admin: AdminClient, kind: ResourceType, name: str, settings: dict[str, str | None]) -> None:
    """None takes a setting back."""
    entries = [
        ConfigEntry(
            key, value, incremental_operation=AlterConfigOpType.SET if value else AlterConfigOpType.DELETE
        )
        for key, value in settings.items()
    ]
    resource = ConfigResource(kind, name, incremental_configs=entries)
    for altered in admin.incremental_alter_configs([resource]).values():
        altered.result(30)


@pytest.fixture
def hasty(settings: KafkaSettings, spec: MakeSpec) -> Iterator[None]:
    """Everything that may be removed from the changelog soon is."""
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    brokers = [str(broker) for broker in admin.list_topics(timeout=10).brokers]
    alter(admin, ResourceType.TOPIC, spec().changelog_name, {**HASTY_TOPIC})
    with suppress(KafkaException):  # a broker that keeps this to itself is waited for
        for broker in brokers:
            alter(admin, ResourceType.BROKER, broker, {**HASTY_BROKER})
    yield
    with suppress(KafkaException):
        for broker in brokers:
            alter(admin, ResourceType.BROKER, broker, dict.fromkeys(HASTY_BROKER))


def log_of(settings: KafkaSettings) -> list[Record]:
    return [record for record in read_topic(settings, CHANGELOG) if record.partition == 0]


def write_until_tombstone_is_gone(part: Part, settings: KafkaSettings) -> None:
    """Count `c`, so that segments end, until nothing tells of `b`."""

    def is_compacted() -> bool:
        part.process(chunk(part.next, b"c"))
        return all(record.key != b"\x01b" for record in log_of(settings))

    eventually(is_compacted, COMPACTED_S)


def at_age(opener: PartOpener, spec: PartSpec, age_ms: int) -> PartOpener:
    """Time is so long after the newest record of the spec's folder."""
    identity = f"{opener.lookup.topic_identity(spec.changelog_name)}/{spec.partition}"
    store = Store(spec.folder, identity)
    now_ms = store.mark.timestamp + age_ms
    store.close()
    return msgspec.structs.replace(opener, now_ms=lambda: now_ms)


@pytest.mark.usefixtures("hasty")
def test_what_compaction_removed_is_not_missed(
    settings: KafkaSettings, spec: MakeSpec, opener: PartOpener
) -> None:
    closed_after(spec(), opener, chunk(0, b"a", b"c"))
    shutil.copytree(spec().folder, spec(folder="before b").folder)
    closed_after(spec(), opener, chunk(2, b"b", b"a"))
    shutil.copytree(spec().folder, spec(folder="with b").folder)
    part = opened(spec(), opener)
    part.process(chunk(4, b"-b", b"a"))
    write_until_tombstone_is_gone(part, settings)
    part.close()

    log = log_of(settings)
    assert log[0].offset > 0
    assert [record.value for record in log if record.key == b"\x01a"] == [b"3"]
    right = part.next, {b"a": b"3", b"c": b"%d" % (part.next - 5)}
    assert reopened(spec(folder="fresh"), opener) == right
    young = at_age(opener, spec(folder="before b"), FOLDER_AGE_MS_MAX)
    assert reopened(spec(folder="before b"), young) == right
    # What the limit of a folder's age is for: this one has missed the tombstone for good.
    of_b = spec(folder="with b")
    shutil.copytree(of_b.folder, spec(folder="with b, young").folder)
    young = at_age(opener, of_b, FOLDER_AGE_MS_MAX)
    assert reopened(spec(folder="with b, young"), young) == (right[0], {**right[1], b"b": b"1"})
    assert reopened(of_b, at_age(opener, of_b, FOLDER_AGE_MS_MAX + 1)) == right


def test_a_deletion_is_told_of_for_longer_than_a_folder_is_trusted(
    settings: KafkaSettings, spec: MakeSpec
) -> None:
    admin = AdminClient({"bootstrap.servers": settings.bootstrap_servers})
    resource = ConfigResource(ResourceType.TOPIC, spec().changelog_name)
    [described] = admin.describe_configs([resource]).values()
    told_ms = described.result(30)["delete.retention.ms"].value
    assert int(told_ms) >= 2 * FOLDER_AGE_MS_MAX
