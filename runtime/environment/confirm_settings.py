"""How patiently stage `confirm` asks who somebody is, and how much at once. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ConfirmSettings(msgspec.Struct, frozen=True, kw_only=True):
    wait_s_max: Annotated[
        int,
        Meta(
            ge=1,
            description="How long one attempt waits until ClickHouse has what was sent before a rule's time came.",
        ),
    ] = field(default=60, name="CONFIRM_WAIT_S_MAX")
    candidates_max: Annotated[
        int, Meta(ge=1, le=20_000, description="Candidates that are confirmed together.")
    ] = field(default=5_000, name="CONFIRM_CANDIDATES_MAX")
    firings_max: Annotated[
        int,
        Meta(
            ge=1,
            le=100_000,
            description="Firings that are passed on in one transaction; more, of a schedule for a large segment, take several.",
        ),
    ] = field(default=20_000, name="CONFIRM_FIRINGS_MAX")
    nodes_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Identifiers of one person that are looked at; those beyond are as if they were not.",
        ),
    ] = field(default=1_000, name="CONFIRM_NODES_MAX")
