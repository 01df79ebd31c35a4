"""What a Part asks the broker before it trusts anything on disk: where logs begin and end, and which topic this really is.

One AdminClient, shared by all Parts of a process. Every method raises KafkaException.
"""

import logging

from confluent_kafka import IsolationLevel, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import OffsetSpec

from runtime.kafka import client_config
from runtime.settings import KafkaSettings

TIMEOUT_S = 10.0


class Lookup:
    def __init__(self, settings: KafkaSettings) -> None:
        self._admin = AdminClient(client_config(settings), logger=logging.getLogger("librdkafka"))

    def topic_identity(self, topic: str) -> str:
        """Cluster and topic id: another one is another topic, even under the same name."""
        described = self._admin.describe_topics(TopicCollection([topic]), request_timeout=TIMEOUT_S)
        cluster = self._admin.list_topics(topic, timeout=TIMEOUT_S).cluster_id
        return f"{cluster}/{described[topic].result().topic_id}"

    def earliest(self, topic: str, partition: int) -> int:
        return self._offset(topic, partition, OffsetSpec.earliest())  # type: ignore[no-untyped-call]

    def end(self, topic: str, partition: int) -> int:
        """The end of the log, undecided transactions included."""
        return self._offset(topic, partition, OffsetSpec.latest())  # type: ignore[no-untyped-call]

    def _offset(self, topic: str, partition: int, spec: OffsetSpec) -> int:
        # The client remembers for a quarter of an hour under which election a partition's leader serves, and a broker refuses who
        # names an earlier one. After a broker's restart no Part could be opened for so long; this asks anew.
        self._admin.list_topics(topic, timeout=TIMEOUT_S)
        asked = TopicPartition(topic, partition)
        found = self._admin.list_offsets(
            {asked: spec}, isolation_level=IsolationLevel.READ_UNCOMMITTED, request_timeout=TIMEOUT_S
        )
        return int(found[asked].result().offset)
