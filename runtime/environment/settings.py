"""Settings from the environment: one frozen struct per concern, every variable named, with its unit in its name.

`load(KafkaSettings, os.environ)` is called by composition roots only; everything else gets the struct. docs/settings.md
lists every variable, by test.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta, field

from runtime.environment.apply_settings import ApplySettings as ApplySettings
from runtime.environment.bot_settings import BotSettings as BotSettings
from runtime.environment.browser_settings import BrowserSettings
from runtime.environment.cart_settings import CartSettings as CartSettings
from runtime.environment.channel_settings import ChannelSettings as ChannelSettings
from runtime.environment.clickhouse_settings import ClickHouseSettings as ClickHouseSettings
from runtime.environment.confirm_settings import ConfirmSettings as ConfirmSettings
from runtime.environment.console_settings import ConsoleSettings as ConsoleSettings
from runtime.environment.console_settings import QuestionSettings as QuestionSettings
from runtime.environment.contact_settings import ContactSettings as ContactSettings
from runtime.environment.contact_settings import HashKey as HashKey
from runtime.environment.context_settings import ContextSettings as ContextSettings
from runtime.environment.deliver_settings import DeliverSettings as DeliverSettings
from runtime.environment.engine_settings import (
    EngineSettings as EngineSettings,  # for those who load it from here
)
from runtime.environment.explanation_settings import ExplanationSettings as ExplanationSettings
from runtime.environment.kafka_access import KafkaAccess
from runtime.environment.link_settings import LinkSettings as LinkSettings
from runtime.environment.order_settings import OrderSettings as OrderSettings
from runtime.environment.redirect_settings import RedirectSettings
from runtime.environment.refresh_settings import RefreshSettings as RefreshSettings
from runtime.environment.rehearsal_settings import RehearsalSettings as RehearsalSettings
from runtime.environment.rule_settings import RuleSettings as RuleSettings
from runtime.environment.segment_settings import SegmentSettings as SegmentSettings
from runtime.environment.session_settings import SessionSettings as SessionSettings
from runtime.environment.sink_settings import SinkSettings as SinkSettings
from runtime.environment.user_step_settings import UserStepSettings as UserStepSettings
from runtime.environment.watchdog_settings import WatchdogSettings as WatchdogSettings


class SettingsError(ValueError):
    """A variable has a value that cannot be read; the text names the variable and what it may be."""


# A replay will be a higher generation, with topics and tables of its own. There is none yet: a second generation on the same
# topics and tables would store everything again, so this is no setting.
GENERATION = 1


class KafkaSettings(KafkaAccess, frozen=True, kw_only=True):
    topic_prefix: Annotated[
        str, Meta(description="Put before every topic name, group and transactional id.")
    ] = field(default="", name="STITCHLINE_TOPIC_PREFIX")
    partitions: Annotated[
        int, Meta(ge=1, description="Partitions of each keyed topic; never changes within a generation.")
    ] = field(default=16, name="STITCHLINE_PARTITIONS")
    replication_factor: Annotated[int, Meta(ge=1, description="Copies of each topic.")] = field(
        default=3, name="STITCHLINE_REPLICATION_FACTOR"
    )
    min_insync_replicas: Annotated[
        int, Meta(ge=1, description="Copies that must have a record before it is acknowledged.")
    ] = field(default=2, name="STITCHLINE_MIN_INSYNC_REPLICAS")
    answer_timeout_s: Annotated[
        int, Meta(ge=1, description="How long a command, or a stage at its start, waits for Kafka's answer.")
    ] = field(default=15, name="KAFKA_ANSWER_TIMEOUT_S")

    @property
    def generation(self) -> str:
        """Names groups, transactional ids, changelogs and state folders."""
        return f"g{GENERATION}"


class CollectorSettings(RedirectSettings, frozen=True, kw_only=True):
    host: Annotated[str, Meta(description="Address that the collector listens on.")] = field(
        default="127.0.0.1", name="COLLECTOR_HOST"
    )
    port: Annotated[int, Meta(ge=1, le=65535, description="Port that the collector listens on.")] = field(
        default=8080, name="COLLECTOR_PORT"
    )
    public_url: Annotated[
        str,
        Meta(
            pattern=r"^(https?://[^/?#\s]+(/[^?#\s]*)?)?$",
            description="Where browsers reach the collector, told to libraries that ask; empty: the host they asked.",
        ),
    ] = field(default="", name="COLLECTOR_PUBLIC_URL")
    event_bytes_max: Annotated[
        int, Meta(ge=1, description="One event's JSON; more is refused (413, or a dead letter in a batch).")
    ] = field(default=32 * 1024, name="COLLECTOR_EVENT_BYTES_MAX")
    body_bytes_max: Annotated[
        int, Meta(ge=1, description="One request's body after decompression; more is refused (413).")
    ] = field(default=500 * 1024, name="COLLECTOR_BODY_BYTES_MAX")
    batch_events_max: Annotated[
        int, Meta(ge=1, description="Events in one batch; more is refused (413).")
    ] = field(default=5_000, name="COLLECTOR_BATCH_EVENTS_MAX")
    queue_events_max: Annotated[
        int, Meta(ge=1, description="Events waiting for Kafka in one process; more is refused (503).")
    ] = field(default=50_000, name="COLLECTOR_QUEUE_EVENTS_MAX")
    pack_bytes_max: Annotated[int, Meta(ge=1024, description="Largest pack (one Kafka message).")] = field(
        default=900_000, name="COLLECTOR_PACK_BYTES_MAX"
    )
    delivery_timeout_ms: Annotated[
        int,
        Meta(
            ge=100,
            description="How long a request waits for Kafka's acknowledgement before it is answered 503.",
        ),
    ] = field(default=10_000, name="COLLECTOR_DELIVERY_TIMEOUT_MS")
    retry_after_s: Annotated[int, Meta(ge=1, description="Retry-After of a 503.")] = field(
        default=5, name="COLLECTOR_RETRY_AFTER_S"
    )
    shared_bytes_max: Annotated[
        int,
        Meta(
            ge=1,
            description="What a batch's shared context may add over all its events; more is refused (413).",
        ),
    ] = field(default=10_000_000, name="COLLECTOR_SHARED_BYTES_MAX")
    queue_bytes_max: Annotated[
        int, Meta(ge=1, description="Bytes waiting for Kafka in one process; more is refused (503).")
    ] = field(default=256 * 1024 * 1024, name="COLLECTOR_QUEUE_BYTES_MAX")
    pack_age_ms_max: Annotated[
        int,
        Meta(
            ge=1,
            description="How long an event may wait for others while a pack is on its way; never when none is.",
        ),
    ] = field(default=20, name="COLLECTOR_PACK_AGE_MS_MAX")
    gather_ms_max: Annotated[
        int, Meta(ge=0, description="How long an event may wait for as many requests as were answered last.")
    ] = field(default=10, name="COLLECTOR_GATHER_MS_MAX")
    body_timeout_s: Annotated[
        int, Meta(ge=1, description="How long a request's body may take to arrive; then 408.")
    ] = field(default=30, name="COLLECTOR_BODY_TIMEOUT_S")
    head_timeout_s: Annotated[
        int, Meta(ge=1, description="How long a connection may wait for a request's head; then it is closed.")
    ] = field(default=30, name="COLLECTOR_HEAD_TIMEOUT_S")
    head_bytes_max: Annotated[
        int, Meta(ge=8_192, description="Largest head of a request; more is refused (431).")
    ] = field(default=131_072, name="COLLECTOR_HEAD_BYTES_MAX")
    connections_max: Annotated[
        int, Meta(ge=1, description="Connections served at the same time by one worker; others wait.")
    ] = field(default=4_096, name="COLLECTOR_CONNECTIONS_MAX")
    unsettled_ids_max: Annotated[
        int,
        Meta(
            ge=0,
            description="Message ids made for unacknowledged requests and kept for their retries, in one process.",
        ),
    ] = field(default=100_000, name="COLLECTOR_UNSETTLED_IDS_MAX")
    unsettled_age_s_max: Annotated[
        int, Meta(ge=0, description="How long they are kept; a later retry counts as an event of its own.")
    ] = field(default=600, name="COLLECTOR_UNSETTLED_AGE_S_MAX")
    workers: Annotated[
        int, Meta(ge=1, description="Processes that share the port; more than one needs Linux.")
    ] = field(default=1, name="COLLECTOR_WORKERS")
    stop_timeout_s: Annotated[
        int, Meta(ge=1, description="How long a stop waits for requests and open connections.")
    ] = field(default=15, name="COLLECTOR_STOP_TIMEOUT_S")
    control_snapshot: Annotated[
        str, Meta(description="File with the last known configuration, read when Kafka is away; empty: none.")
    ] = field(default="", name="COLLECTOR_CONTROL_SNAPSHOT")


class ProcessorSettings(msgspec.Struct, frozen=True, kw_only=True):
    state_dir: Annotated[
        str, Meta(description="Folder of the RocksDB stores; rebuilt from Kafka when it is lost.")
    ] = field(default="data/state", name="PROCESSOR_STATE_DIR")
    instance_id: Annotated[
        str,
        Meta(
            description="Static group membership: a name that this worker keeps over restarts; empty: none."
        ),
    ] = field(default="", name="PROCESSOR_INSTANCE_ID")
    session_timeout_s: Annotated[
        int, Meta(ge=6, description="After this silence another worker takes the partitions over.")
    ] = field(default=30, name="PROCESSOR_SESSION_TIMEOUT_S")
    delivery: Annotated[
        Literal["faust", "plain"],
        Meta(description="Who brings partitions and records: Faust's agents, or a plain Kafka consumer."),
    ] = field(default="faust", name="PROCESSOR_DELIVERY")
    standbys: Annotated[
        int,
        Meta(ge=0, description="Warm copies of each partition that other processors keep; 0: none."),
    ] = field(default=0, name="PROCESSOR_STANDBYS")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, /livez and /readyz.")] = field(
        default="127.0.0.1", name="PROCESSOR_METRICS_HOST"
    )
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0: none.")
    ] = field(default=0, name="PROCESSOR_METRICS_PORT")
    hash_key: Annotated[
        str,
        Meta(
            pattern=r"^[0-9a-f]{32}$",
            description="Secret of the node ids: 32 hex digits, the same for ever and in every process.",
        ),
    ] = field(name="STITCHLINE_HASH_KEY")
    chunk_records_max: Annotated[int, Meta(ge=1, description="Kafka messages in one transaction.")] = field(
        default=500, name="PROCESSOR_CHUNK_RECORDS_MAX"
    )
    chunk_bytes_max: Annotated[
        int, Meta(ge=1, description="Bytes of Kafka messages in one transaction; one message may be larger.")
    ] = field(default=4_000_000, name="PROCESSOR_CHUNK_BYTES_MAX")
    fetch_bytes_max: Annotated[
        int, Meta(ge=1, description="Bytes that one fetch brings for one partition; chunks grow up to it.")
    ] = field(default=4_194_304, name="PROCESSOR_FETCH_BYTES_MAX")
    fetch_bytes_min: Annotated[
        int, Meta(ge=1, description="A fetch waits for so many bytes, all partitions together: large chunks.")
    ] = field(default=262_144, name="PROCESSOR_FETCH_BYTES_MIN")
    fetch_wait_ms_max: Annotated[
        int, Meta(ge=1, description="How long a fetch waits for them: less is seen sooner, and costs more.")
    ] = field(default=200, name="PROCESSOR_FETCH_WAIT_MS_MAX")
    busy_wait_ms_max: Annotated[
        int, Meta(ge=0, description="How long 262,144 bytes of one partition at once wait for more.")
    ] = field(default=250, name="PROCESSOR_BUSY_WAIT_MS_MAX")
    recent_bytes_max: Annotated[
        int,
        Meta(ge=0, description="Newest values of a partition's state in memory, for each agent; 0: none."),
    ] = field(default=8 << 20, name="PROCESSOR_RECENT_BYTES_MAX")
    transaction_timeout_s: Annotated[
        int, Meta(ge=1, description="After this the broker aborts a transaction whose worker is silent.")
    ] = field(default=60, name="PROCESSOR_TRANSACTION_TIMEOUT_S")
    stop_timeout_s: Annotated[
        int,
        Meta(ge=1, description="How long a stop waits for running chunks; what is cut off is done again."),
    ] = field(default=20, name="PROCESSOR_STOP_TIMEOUT_S")
    duplicate_window_days: Annotated[int, Meta(ge=1, description="How long a message id is remembered.")] = (
        field(default=7, name="PROCESSOR_DUPLICATE_WINDOW_DAYS")
    )
    duplicate_ids_per_key_max: Annotated[
        int, Meta(ge=1, le=20_000, description="Message ids remembered per routing id; the oldest go first.")
    ] = field(default=1_000, name="PROCESSOR_DUPLICATE_IDS_PER_KEY_MAX")
    hint_nodes_max: Annotated[
        int,
        Meta(
            ge=0,
            description="Nodes whose owner one process remembers for profile hints, some 180 bytes each; 0: none.",
        ),
    ] = field(default=100_000, name="PROCESSOR_HINT_NODES_MAX")


ALL = (
    KafkaSettings,
    ClickHouseSettings,
    CollectorSettings,
    BrowserSettings,
    ProcessorSettings,
    SessionSettings,
    ContextSettings,
    BotSettings,
    CartSettings,
    RuleSettings,
    RehearsalSettings,
    ConfirmSettings,
    ContactSettings,
    LinkSettings,
    ChannelSettings,
    UserStepSettings,
    SinkSettings,
    DeliverSettings,
    RefreshSettings,
    SegmentSettings,
    ConsoleSettings,
    QuestionSettings,
    WatchdogSettings,
    ExplanationSettings,
    OrderSettings,
    ApplySettings,
    EngineSettings,
)

S = TypeVar("S", bound=msgspec.Struct)


def load(kind: type[S], environ: Mapping[str, str]) -> S:
    """Read one struct from environment variables; those it does not name are ignored. Raises SettingsError."""
    try:
        return msgspec.convert(dict(environ), kind, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"setting: {error}") from None


def hash_key_bytes(settings: ProcessorSettings) -> bytes:
    return bytes.fromhex(settings.hash_key)


def folder(path: str) -> Path:
    """The folder of a setting, made if it is missing."""
    found = Path(path).expanduser()
    found.mkdir(parents=True, exist_ok=True)
    return found
