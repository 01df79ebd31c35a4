"""When a process that hangs ends itself, and how often it asks Kafka how far behind it is. Loaded as all settings are
(settings.py), by processors and sinks."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class WatchdogSettings(msgspec.Struct, frozen=True, kw_only=True):
    stall_s_max: Annotated[
        float,
        Meta(
            gt=0,
            description="How long a chunk or block may give no sign of life, or waiting records go unread, while Kafka answers.",
        ),
    ] = field(default=300.0, name="WATCHDOG_STALL_S_MAX")
    recovery_stall_s_max: Annotated[
        float,
        Meta(
            gt=0,
            description="How long opening a partition's state may give no sign of life; one that advances may take any time.",
        ),
    ] = field(default=300.0, name="WATCHDOG_RECOVERY_STALL_S_MAX")
    rebalance_s_max: Annotated[
        float,
        Meta(
            gt=0,
            description="How long the consumer group may be without an assignment or a coordinator while Kafka answers.",
        ),
    ] = field(default=300.0, name="WATCHDOG_REBALANCE_S_MAX")
    loop_s_max: Annotated[float, Meta(gt=0, description="How long an event loop may be blocked.")] = field(
        default=60.0, name="WATCHDOG_LOOP_S_MAX"
    )
    survey_s: Annotated[
        float,
        Meta(
            gt=0,
            description="How often Kafka is asked for the ends of the logs: for lags and hung transactions.",
        ),
    ] = field(default=10.0, name="WATCHDOG_SURVEY_S")
