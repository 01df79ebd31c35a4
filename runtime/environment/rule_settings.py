"""The process `stitchline rules`: what it does not share with the processors. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class RuleSettings(msgspec.Struct, frozen=True, kw_only=True):
    state_dir: Annotated[
        str,
        Meta(
            description="Folder of its RocksDB stores, as PROCESSOR_STATE_DIR; rebuilt from Kafka when it is lost."
        ),
    ] = field(default="data/rules", name="RULES_STATE_DIR")
    instance_id: Annotated[
        str, Meta(description="As PROCESSOR_INSTANCE_ID, for this process in its own group.")
    ] = field(default="", name="RULES_INSTANCE_ID")
    metrics_host: Annotated[str, Meta(description="Address of /metrics, /livez and /readyz.")] = field(
        default="127.0.0.1", name="RULES_METRICS_HOST"
    )
    metrics_port: Annotated[
        int, Meta(ge=0, le=65535, description="Port of /metrics, /livez and /readyz; 0: none.")
    ] = field(default=0, name="RULES_METRICS_PORT")
    tick_s: Annotated[
        float,
        Meta(
            gt=0,
            description="How often it tells its partitions the time, by which what waits comes up: absences, schedules, delays.",
        ),
    ] = field(default=5.0, name="RULES_TICK_S")
    result_wait_s: Annotated[
        int,
        Meta(
            ge=1,
            description="An attempt to deliver of which nothing was heard for so long is made again: longer than any "
            "attempt takes.",
        ),
    ] = field(default=600, name="RULES_RESULT_WAIT_S")
