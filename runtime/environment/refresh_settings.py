"""When segments are refreshed, and how long a refresh may wait. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class RefreshSettings(msgspec.Struct, frozen=True, kw_only=True):
    period_s: Annotated[
        int, Meta(ge=1, description="From the beginning of one refresh of all segments to the next.")
    ] = field(default=60, name="SEGMENTS_PERIOD_S")
    full_hour: Annotated[
        int,
        Meta(
            ge=-1,
            le=23,
            description="Hour of the day (UTC) of the refresh that looks at everybody, and must find nothing more; -1: never.",
        ),
    ] = field(default=3, name="SEGMENTS_FULL_HOUR")
    touched_share_max: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="With a larger share of people touched since the last refresh, everybody is looked at: that is quicker.",
        ),
    ] = field(default=0.2, name="SEGMENTS_TOUCHED_SHARE_MAX")
    stored_wait_s: Annotated[
        float,
        Meta(
            gt=0,
            description="How long a refresh waits until the events that were resolved are stored; then it goes on without them.",
        ),
    ] = field(default=20.0, name="SEGMENTS_STORED_WAIT_S")
    query_timeout_s: Annotated[int, Meta(ge=1, description="How long one statement of it may take.")] = field(
        default=900, name="SEGMENTS_QUERY_TIMEOUT_S"
    )
    retry_s: Annotated[
        float,
        Meta(gt=0, description="Pause after a refresh that failed, when that is shorter than the period."),
    ] = field(default=15.0, name="SEGMENTS_RETRY_S")
    instance_id: Annotated[
        str,
        Meta(
            description="Static group membership: a name that this process keeps over restarts; empty: none."
        ),
    ] = field(default="", name="SEGMENTS_INSTANCE_ID")
    session_timeout_s: Annotated[
        int, Meta(ge=6, description="After this silence another process refreshes instead.")
    ] = field(default=30, name="SEGMENTS_SESSION_TIMEOUT_S")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, /livez and /readyz.")] = field(
        default="127.0.0.1", name="SEGMENTS_METRICS_HOST"
    )
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0: none.")
    ] = field(default=0, name="SEGMENTS_METRICS_PORT")
