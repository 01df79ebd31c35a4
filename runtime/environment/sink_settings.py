"""What a sink may hold, how long its blocks gather, and when it gives up. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class SinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    block_rows_max: Annotated[int, Meta(ge=1, le=1_000_000, description="Rows in one insert.")] = field(
        default=20_000, name="SINK_BLOCK_ROWS_MAX"
    )
    block_bytes_max: Annotated[int, Meta(ge=1, description="Bytes in one insert.")] = field(
        default=32_000_000, name="SINK_BLOCK_BYTES_MAX"
    )
    block_age_ms_max: Annotated[
        int, Meta(ge=1, description="How long the first row of a block may wait for others.")
    ] = field(default=500, name="SINK_BLOCK_AGE_MS_MAX")
    busy_rows_min: Annotated[
        int,
        Meta(ge=1, description="A block that has so many rows by then waits on, for SINK_BUSY_AGE_MS_MAX."),
    ] = field(default=500, name="SINK_BUSY_ROWS_MIN")
    busy_age_ms_max: Annotated[
        int, Meta(ge=1, description="How long the first row of a block with many rows may wait.")
    ] = field(default=3_000, name="SINK_BUSY_AGE_MS_MAX")
    ledger_age_ms_max: Annotated[
        int, Meta(ge=1, description="The same in the ledger, whose sums nobody waits for.")
    ] = field(default=2_000, name="SINK_LEDGER_AGE_MS_MAX")
    quota_period_s: Annotated[
        float, Meta(gt=0, description="How often the stage `quotas` counts what of sources' quotas is used.")
    ] = field(default=2.0, name="SINK_QUOTA_PERIOD_S")
    fetch_bytes_min: Annotated[
        int, Meta(ge=1, description="A fetch waits for so many bytes, all partitions together.")
    ] = field(default=1, name="SINK_FETCH_BYTES_MIN")
    fetch_wait_ms_max: Annotated[int, Meta(ge=1, description="How long a fetch waits for them.")] = field(
        default=1_000, name="SINK_FETCH_WAIT_MS_MAX"
    )
    inserts_max: Annotated[int, Meta(ge=1, description="Inserts at once, each of another partition.")] = (
        field(default=2, name="SINK_INSERTS_MAX")
    )
    held_bytes_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Bytes that are read and not stored yet; with more, reading waits for an insert to end.",
        ),
    ] = field(default=96_000_000, name="SINK_HELD_BYTES_MAX")
    refused_records_max: Annotated[
        int,
        Meta(
            ge=0, description="Records of one block that may become dead letters; with more the sink stops."
        ),
    ] = field(default=100, name="SINK_REFUSED_RECORDS_MAX")
    retry_s_max: Annotated[
        float, Meta(gt=0, description="Longest pause between attempts while ClickHouse or Kafka is away.")
    ] = field(default=15.0, name="SINK_RETRY_S_MAX")
    insert_timeout_s: Annotated[
        int, Meta(ge=1, description="How long an insert may take; then it is repeated under its token.")
    ] = field(default=120, name="SINK_INSERT_TIMEOUT_S")
    reload_ms_min: Annotated[
        int, Meta(ge=0, description="Shortest pause between two loads of the identity dictionaries.")
    ] = field(default=1_000, name="SINK_RELOAD_MS_MIN")
    instance_id: Annotated[
        str,
        Meta(
            description="Static group membership: a name that this process keeps over restarts; empty: none."
        ),
    ] = field(default="", name="SINK_INSTANCE_ID")
    session_timeout_s: Annotated[
        int, Meta(ge=6, description="After this silence another sink takes the partitions over.")
    ] = field(default=30, name="SINK_SESSION_TIMEOUT_S")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, /livez and /readyz.")] = field(
        default="127.0.0.1", name="SINK_METRICS_HOST"
    )
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0: none.")
    ] = field(default=0, name="SINK_METRICS_PORT")
