"""The mark K: by partition of events.raw the offset below which everything is in the tables, or never will be.

What the resolver has taken over is, once committed, on events.resolved; what the events' sink has committed of that topic is
stored. So first how far the resolver is, then wait until the sink is past what the topic held by then. Deliberately absent:
pointers, which have no place in this order; their owners are compared (refresh_sql.py).
"""

import structlog
from confluent_kafka import KafkaException

from runtime.environment.settings import KafkaSettings
from runtime.kafka import KafkaUnavailable, group_name
from runtime.streams.positions import positions
from runtime.streams.progress import NotAcknowledged, Progress
from schemas.topics import EVENTS_RESOLVED

log = structlog.get_logger()

RESOLVER, SINK = "resolve", "events"


class StoredMark:
    def __init__(self, kafka: KafkaSettings, wait_s: float) -> None:
        self._kafka = kafka
        self._wait_s = wait_s

    def __call__(self) -> dict[int, int] | None:
        """None where the sink is not there in time, or Kafka does not say."""
        try:
            taken = positions(self._kafka, RESOLVER, self._wait_s)
            group = group_name(self._kafka, f"sink-{SINK}")
            Progress(self._kafka, self._wait_s).wait_stored({SINK: (group, EVENTS_RESOLVED)})
        except (KafkaException, KafkaUnavailable, NotAcknowledged) as error:
            log.warning("nobody knows what is stored", error=str(error))
            return None
        return taken
