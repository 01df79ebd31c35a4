"""A Faust app as we use it: group membership, agents and delivery; no table, no producer, no web server, no topic creation."""

from typing import Any

import faust
from mode import CrashingSupervisor

from runtime import transport
from runtime.settings import KafkaSettings, ProcessorSettings, folder

CHUNKS_BUFFERED_MAX = 64  # of one agent, all partitions together; lanes bound it long before
COMMIT_INTERVAL_S = 2.0


class _Boot(faust.app.BootStrategy):
    enable_kafka_producer = False  # outputs are the Parts' transactions


class _App(faust.App):
    BootStrategy = _Boot
    gathering: transport.Gathering
    access: dict[str, Any]  # to Kafka: Faust's own credentials know less


def faust_app(name: str, kafka: KafkaSettings, settings: ProcessorSettings) -> faust.App:
    """An app whose group is the deployment's, this generation's, and `name`."""
    transport.register()
    app = _App(
        f"{kafka.topic_prefix}{kafka.generation}-{name}",
        broker=[f"{transport.SCHEME}://{address}" for address in kafka.bootstrap_servers.split(",")],
        # It insists on a folder, and writes nothing there.
        datadir=folder(f"{settings.state_dir}/{kafka.generation}/faust"),
        autodiscover=False,
        web_enabled=False,
        topic_allow_declare=False,
        topic_disable_leader=True,
        store="memory://",
        agent_supervisor=CrashingSupervisor,
        table_standby_replicas=0,
        consumer_group_instance_id=settings.instance_id or None,
        consumer_max_fetch_size=settings.fetch_bytes_max,
        broker_session_timeout=settings.session_timeout_s,
        broker_heartbeat_interval=settings.session_timeout_s / 10,
        broker_request_timeout=max(40, settings.session_timeout_s + 10),
        broker_rebalance_timeout=settings.session_timeout_s,
        broker_commit_interval=COMMIT_INTERVAL_S,
        stream_buffer_maxsize=CHUNKS_BUFFERED_MAX,
        stream_wait_empty=False,
        stream_recovery_delay=0.0,
    )
    app.access = transport.aiokafka_access(kafka)
    app.gathering = transport.Gathering(settings.fetch_bytes_min, settings.fetch_wait_ms_max)
    return app
