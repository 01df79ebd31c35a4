"""What is asked of the broker: where logs begin and end, how long they are kept, and which topic this really is.

A Part asks before it trusts anything on disk; a survey asks how far behind all Parts are. One AdminClient, which threads may
share. Every method raises KafkaException.
"""

from collections.abc import Iterable

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaException,
    TopicCollection,
    TopicPartition,
)
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._config import ConfigResource
from confluent_kafka.admin._listoffsets import OffsetSpec

from runtime.environment.settings import KafkaSettings
from runtime.kafka import client_config
from runtime.lag import Ends, Key

TIMEOUT_S = 10.0
UNLIMITED_MS = 1 << 60  # Kafka's own default is the largest number that it has


class Lookup:
    def __init__(self, settings: KafkaSettings) -> None:
        self._admin = AdminClient(client_config(settings))

    def topic_identity(self, topic: str) -> str:
        """Cluster and topic id: another one is another topic, even under the same name."""
        described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT_S)
        cluster = self._admin.list_topics(topic, timeout=TIMEOUT_S).cluster_id
        return f"{cluster}/{described[topic].result().topic_id}"

    def partitions(self, topic: str) -> int:
        """How many it has; 0 when there is no such topic."""
        found = self._admin.list_topics(topic, timeout=TIMEOUT_S).topics.get(topic)
        return 0 if found is None else len(found.partitions)

    def earliest(self, topic: str, partition: int) -> int:
        return self._offset(topic, partition, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def end(self, topic: str, partition: int) -> int:
        """The end of the log, undecided transactions included."""
        return self._offset(topic, partition, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _offset(self, topic: str, partition: int, spec: OffsetSpec) -> int:
        self._ask_for_leaders(topic)
        asked = TopicPartition(topic, partition)
        found = self._admin.list_offsets(
            {asked: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=TIMEOUT_S
        )
        return int(found[asked].result().offset)

    def _ask_for_leaders(self, topic: str) -> None:
        """The client remembers for a quarter of an hour under which election a partition's leader serves, and a broker refuses
        who names an earlier one: after a broker's restart nothing could be asked for so long."""
        self._admin.list_topics(topic, timeout=TIMEOUT_S)

    def committed(self, group: str, topic: str, partitions: Iterable[int]) -> dict[int, int]:
        """By partition the offset that the group has committed; 0 where it has none."""
        wanted = ConsumerGroupTopicPartitions(group, [TopicPartition(topic, number) for number in partitions])
        answer = self._admin.list_consumer_group_offsets([wanted], request_timeout=TIMEOUT_S)[group].result()
        return {
            place.partition: max(place.offset, 0)
            for place in answer.topic_partitions or ()
            if place.error is None
        }

    def ends(self, places: Iterable[Key]) -> dict[Key, Ends]:
        """The ends of these topics' partitions that the broker knows; without any, whether it answers at all."""
        asked = {TopicPartition(topic, partition): (topic, partition) for topic, partition in places}
        if not asked:
            self._admin.list_topics("", timeout=TIMEOUT_S)
            return {}
        for topic in {place.topic for place in asked}:
            self._ask_for_leaders(topic)
        # The stable end first: an offset that was stable then is never beyond an end that is asked for later.
        stable = self._latest(list(asked), IsolationLevel.READ_COMMITTED)
        end = self._latest(list(asked), IsolationLevel.READ_UNCOMMITTED)
        return {asked[place]: Ends(end[place], stable[place]) for place in stable.keys() & end.keys()}

    def _latest(
        self, places: list[TopicPartition], isolation_level: IsolationLevel
    ) -> dict[TopicPartition, int]:
        """Of those partitions that can be asked now; raises when none can."""
        spec = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        answers = self._admin.list_offsets(
            dict.fromkeys(places, spec), isolation_level=isolation_level, request_timeout=TIMEOUT_S
        )
        found, errors = {}, []
        for place, answer in answers.items():
            try:
                found[place] = int(answer.result().offset)
            except KafkaException as error:
                errors.append(error)
        if errors and not found:
            raise errors[0]
        return found

    def replaced_ms(self, topic: str) -> int:
        """How long a compacted topic may keep a value that another one has replaced; -1 where nothing says so."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        config = self._admin.describe_configs([resource], request_timeout=TIMEOUT_S)[resource].result()
        lag_ms = int(config["max.compaction.lag.ms"].value)
        return lag_ms if lag_ms < UNLIMITED_MS else -1

    def retention_ms(self, topic: str) -> int:
        """How long a record is kept at least; -1: for ever, or until a newer one has its key."""
        resource = ConfigResource(ConfigResource.Type.TOPIC, topic)
        config = self._admin.describe_configs([resource], request_timeout=TIMEOUT_S)[resource].result()
        is_deleted = "delete" in str(config["cleanup.policy"].value)
        return int(config["retention.ms"].value) if is_deleted else -1
