"""Every metric, in one typed list. Edges record, cores only return counts. Exposed by each process at /metrics."""

from contextlib import suppress
from typing import NamedTuple

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest

from runtime.tally import Spread, Tally


class LagGauges(NamedTuple):
    """How far one kind of reader is behind: three by reader and partition, the last by reader and phase."""

    records: Gauge
    seconds: Gauge
    retention_left: Gauge
    phases: Gauge

    def forget(self, reader: str, partition: str) -> None:
        """Another process reads this partition now."""
        for gauge in self[:3]:
            with suppress(KeyError):
                gauge.remove(reader, partition)


SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

# collector
REQUESTS = Tally("stitchline_collector_requests", "HTTP requests by path and status", ["path", "status"])
REQUEST_SECONDS = Spread("stitchline_collector_request_seconds", "Time from request to answer", SECONDS)
ACCEPTED = Tally(
    "stitchline_collector_accepted_events", "Events acknowledged by Kafka and answered 200", ["source"]
)
REJECTED = Tally("stitchline_collector_rejected_events", "Events refused, by reason", ["reason"])
DROPPED = Tally(
    "stitchline_collector_dropped_events",
    "Events answered 200 and not kept, for what their visitor wants: optout, gpc, dnt, consent, nameless",
    ["source", "reason"],
)
FOLLOWED_LINKS = Tally(
    "stitchline_collector_followed_links", "Links that led on, by what became of the click", ["outcome"]
)
QUEUED = Gauge("stitchline_collector_queued_events", "Events waiting for Kafka's acknowledgement")
PACK_EVENTS = Spread(
    "stitchline_collector_pack_events", "Events in one pack", (1, 2, 5, 10, 20, 50, 100, 200, 500)
)

# processors
CHUNK_SECONDS = Histogram(
    "stitchline_chunk_seconds", "Time of one chunk: step, transaction, store", ["agent"], buckets=SECONDS
)
COMMIT_SECONDS = Histogram(
    "stitchline_commit_seconds", "Time of one Kafka commit", ["agent"], buckets=SECONDS
)
CHUNK_RECORDS = Counter("stitchline_chunk_records", "Kafka records processed", ["agent"])
OUTPUT_RECORDS = Counter("stitchline_output_records", "Kafka records written", ["agent", "topic"])
PARTS_REBUILT = Counter(
    "stitchline_parts_rebuilt", "Parts thrown away and rebuilt from the changelog", ["agent", "cause"]
)
DELIVERY_SEEKS = Counter(
    "stitchline_delivery_seeks",
    "Times that a partition was read again, because delivery dropped or repeated something",
    ["topic", "cause"],
)
CHUNK_SIZE = Histogram(
    "stitchline_chunk_size_records",
    "Kafka records in one chunk, that is in one transaction",
    ["agent"],
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000),
)
STATE_BYTES = Gauge(
    "stitchline_state_bytes", "State of one partition on disk and in RocksDB's memory", ["agent", "partition"]
)
PROCESSOR_LAG = LagGauges(
    Gauge("stitchline_lag_records", "Offsets that are not processed yet", ["agent", "partition"]),
    Gauge("stitchline_lag_seconds", "Age of the oldest unprocessed record", ["agent", "partition"]),
    Gauge(
        "stitchline_retention_left_seconds",
        "Time until Kafka may delete the oldest unprocessed record",
        ["agent", "partition"],
    ),
    Gauge("stitchline_partitions", "Partitions of this process by phase", ["agent", "phase"]),
)
HINT_NODES = Gauge("stitchline_hint_nodes", "Nodes whose owner is remembered for profile hints")
USER_STEP_CALLS = Counter("stitchline_user_step_calls", "Events given to an own step", ["step"])
USER_STEP_SECONDS = Counter("stitchline_user_step_seconds", "Time that an own step took for them", ["step"])
USER_STEP_FAILURES = Counter(
    "stitchline_user_step_failures", "Events that an own step failed for", ["step", "reason"]
)
HANGING_TRANSACTIONS = Gauge(
    "stitchline_hanging_transactions", "Partitions that cannot be read on because a transaction never ends"
)
RECOVERED_RECORDS = Counter("stitchline_recovered_records", "Changelog records read at recovery", ["agent"])
STANDBY_PARTITIONS = Gauge(
    "stitchline_standby_partitions", "Partitions of others of which this process has a warm copy", ["agent"]
)
STANDBY_LAG = Gauge("stitchline_standby_lag_offsets", "What those copies are behind, together", ["agent"])

# sinks
STORED_ROWS = Counter("stitchline_sink_rows", "Rows acknowledged by ClickHouse", ["sink"])
INSERT_SECONDS = Histogram("stitchline_sink_insert_seconds", "Time of one insert", ["sink"], buckets=SECONDS)
INSERT_RETRIES = Counter(
    "stitchline_sink_insert_retries", "Inserts that failed and were tried again", ["sink"]
)
REFUSED_RECORDS = Counter(
    "stitchline_sink_refused_records", "Records stored as dead letters instead", ["sink"]
)
SINK_LAG = LagGauges(
    Gauge("stitchline_sink_lag_rows", "Offsets that are not stored yet", ["sink", "partition"]),
    Gauge(
        "stitchline_sink_lag_seconds", "Age of the oldest record that is not stored", ["sink", "partition"]
    ),
    Gauge(
        "stitchline_sink_retention_left_seconds",
        "Time until Kafka may delete the oldest record that is not stored",
        ["sink", "partition"],
    ),
    Gauge("stitchline_sink_partitions", "Partitions of this process by phase", ["sink", "phase"]),
)
RELOAD_SECONDS = Histogram(
    "stitchline_sink_reload_seconds", "Time of one load of the identity dictionaries", buckets=SECONDS
)

# stage confirm
CONFIRMED = Counter(
    "stitchline_confirm_firings", "Firings passed on, by what became of them: fired, refused", ["outcome"]
)
CONFIRM_SECONDS = Histogram(
    "stitchline_confirm_seconds",
    "Time of one batch of candidates, from reading to passing on",
    buckets=(*SECONDS, 30, 60, 120),
)
CONFIRM_RETRIES = Counter("stitchline_confirm_retries", "Batches that were begun again")
CONFIRM_AGE_SECONDS = Histogram(
    "stitchline_confirm_age_seconds",
    "Age of a batch's oldest candidate when it is passed on, by Kafka's timestamp",
    buckets=(*SECONDS, 30, 60, 300, 900, 3_600),
)

# sender of actions
DELIVER_ATTEMPTS = Counter(
    "stitchline_deliver_attempts",
    "Attempts by kind of action and by what became of them",
    ["kind", "outcome"],
)
DELIVER_SECONDS = Histogram(
    "stitchline_deliver_seconds",
    "Time of one attempt that was made",
    ["kind"],
    buckets=(*SECONDS, 30, 60, 120),
)
DELIVER_WAITING = Gauge("stitchline_deliver_waiting", "Attempts that wait for a destination", ["destination"])
DELIVER_IN_FLIGHT = Gauge(
    "stitchline_deliver_in_flight", "Attempts on their way to a destination", ["destination"]
)
DELIVER_CIRCUITS_OPEN = Gauge(
    "stitchline_deliver_circuit_open", "1 while a destination is left alone or only probed", ["destination"]
)
DELIVER_LAG = LagGauges(
    Gauge("stitchline_deliver_lag_records", "Attempts due that have no result yet", ["reader", "partition"]),
    Gauge("stitchline_deliver_lag_seconds", "Age of the oldest attempt without one", ["reader", "partition"]),
    Gauge(
        "stitchline_deliver_retention_left_seconds",
        "Time until Kafka may delete the oldest attempt without a result",
        ["reader", "partition"],
    ),
    Gauge("stitchline_deliver_partitions", "Partitions of this process by phase", ["reader", "phase"]),
)

# segments
SEGMENT_RUN_SECONDS = Histogram(
    "stitchline_segments_refresh_seconds",
    "Time of one refresh of all segments",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900),
)
SEGMENT_RUN_FAILURES = Counter("stitchline_segments_refresh_failures", "Refreshes that failed as a whole")
SEGMENT_CHANGES = Counter("stitchline_segments_changes", "Changes of membership told on segments.membership")
SEGMENTS = Gauge("stitchline_segments", "Segments that the last refresh knew")
SEGMENTS_FAILED = Gauge("stitchline_segments_failed", "Segments that it could not work out")
SEGMENTS_GOOD_AT = Gauge(
    "stitchline_segments_refreshed_timestamp_seconds", "When the last refresh was done, seconds since 1970"
)
SEGMENT_DRIFT = Gauge(
    "stitchline_segments_drift", "Changes that the last refresh of everybody found and nothing explains"
)

# console
CONSOLE_REQUESTS = Counter(
    "stitchline_console_requests", "HTTP requests by path and status", ["path", "status"]
)
CONSOLE_REQUEST_SECONDS = Histogram(
    "stitchline_console_request_seconds", "Time from request to answer", buckets=SECONDS
)


def exposition() -> bytes:
    """All metrics of this process in Prometheus' text format."""
    return generate_latest(REGISTRY)
