"""How much a dry run of a rule may read. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class RehearsalSettings(msgspec.Struct, frozen=True, kw_only=True):
    events_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Stored events that a dry run of a rule reads; with more it asks for a shorter time.",
        ),
    ] = field(default=1_000_000, name="RULE_DRY_RUN_EVENTS_MAX")
