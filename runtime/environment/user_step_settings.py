"""Settings of a deployment's own steps (docs/user_steps.md)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class UserStepSettings(msgspec.Struct, frozen=True, kw_only=True):
    ms_max: Annotated[
        int,
        Meta(ge=1, description="How long one own step may take for one event; then that is a dead letter."),
    ] = field(default=1_000, name="USER_STEP_MS_MAX")
    chunk_s_max: Annotated[
        int,
        Meta(
            ge=1,
            description="How long own steps may take for one chunk; events left over then are dead letters.",
        ),
    ] = field(default=15, name="USER_STEPS_CHUNK_S_MAX")
    memory_mb_max: Annotated[
        int, Meta(ge=128, description="Address space of the process that runs own steps.")
    ] = field(default=1_024, name="USER_STEPS_MEMORY_MB_MAX")
