"""What the sender of actions holds, how long, and when it leaves a destination alone. Loaded as all settings are
(settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class DeliverSettings(msgspec.Struct, frozen=True, kw_only=True):
    queue_max: Annotated[
        int, Meta(ge=0, description="Attempts that wait for one destination; others are told to come again.")
    ] = field(default=2_000, name="DELIVER_QUEUE_MAX")
    queue_s_max: Annotated[
        float, Meta(gt=0, description="How long an attempt waits for its destination, in the same way.")
    ] = field(default=10.0, name="DELIVER_QUEUE_S_MAX")
    held_max: Annotated[int, Meta(ge=1, description="Attempts that wait for all destinations together.")] = (
        field(default=20_000, name="DELIVER_HELD_MAX")
    )
    held_bytes_max: Annotated[int, Meta(ge=1, description="Bytes of their requests.")] = field(
        default=64_000_000, name="DELIVER_HELD_BYTES_MAX"
    )
    in_flight_max: Annotated[
        int, Meta(ge=1, description="Attempts on their way at once, each with a connection of its own.")
    ] = field(default=1_000, name="DELIVER_IN_FLIGHT_MAX")
    circuit_failures_max: Annotated[
        int, Meta(ge=1, description="Failures in a row after which a destination is left alone.")
    ] = field(default=5, name="DELIVER_CIRCUIT_FAILURES_MAX")
    circuit_share_max: Annotated[
        float,
        Meta(gt=0, le=1, description="With a larger share of failures in its last 50 attempts, too."),
    ] = field(default=0.5, name="DELIVER_CIRCUIT_SHARE_MAX")
    circuit_pause_s_min: Annotated[
        float, Meta(gt=0, description="For how long, the first time; each further time twice as long.")
    ] = field(default=5.0, name="DELIVER_CIRCUIT_PAUSE_S_MIN")
    circuit_pause_s_max: Annotated[float, Meta(gt=0, description="And at most.")] = field(
        default=300.0, name="DELIVER_CIRCUIT_PAUSE_S_MAX"
    )
    answer_bytes_max: Annotated[
        int,
        Meta(ge=0, description="Bytes read of an answer; with more the connection is closed, not reused."),
    ] = field(default=65_536, name="DELIVER_ANSWER_BYTES_MAX")
    ca_file: Annotated[
        str,
        Meta(
            description="File of certificates (PEM) that are trusted besides the system's, by HTTPS and SMTP; empty: none."
        ),
    ] = field(default="", name="DELIVER_CA_FILE")
    stop_timeout_s: Annotated[
        float,
        Meta(gt=0, description="How long a stop waits for attempts; what is cut off is made again."),
    ] = field(default=20.0, name="DELIVER_STOP_TIMEOUT_S")
    instance_id: Annotated[
        str,
        Meta(
            description="Static group membership: a name that this process keeps over restarts; empty: none."
        ),
    ] = field(default="", name="DELIVER_INSTANCE_ID")
    session_timeout_s: Annotated[
        int, Meta(ge=6, description="After this silence another process takes the partitions over.")
    ] = field(default=30, name="DELIVER_SESSION_TIMEOUT_S")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, /livez and /readyz.")] = field(
        default="127.0.0.1", name="DELIVER_METRICS_HOST"
    )
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0: none.")
    ] = field(default=0, name="DELIVER_METRICS_PORT")
