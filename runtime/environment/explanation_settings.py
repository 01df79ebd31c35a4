"""How far `stitchline why` looks. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ExplanationSettings(msgspec.Struct, frozen=True, kw_only=True):
    identifiers_max: Annotated[
        int,
        Meta(ge=2, description="Identifiers that `stitchline why` looks at around those it is asked about."),
    ] = field(default=2_000, name="WHY_IDENTIFIERS_MAX")
    links_per_identifier_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Different links that are read of each: those between identifiers that are known, then the earliest.",
        ),
    ] = field(default=500, name="WHY_LINKS_PER_IDENTIFIER_MAX")
    rounds_max: Annotated[
        int, Meta(ge=1, description="How many links away from the two identifiers the farthest may be.")
    ] = field(default=40, name="WHY_ROUNDS_MAX")
