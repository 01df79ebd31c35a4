"""When a cart counts as abandoned, and how patiently that is confirmed. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class CartSettings(msgspec.Struct, frozen=True, kw_only=True):
    abandoned_after_s: Annotated[
        int, Meta(ge=1, description="A cart that is not touched and not ordered for so long is abandoned.")
    ] = field(default=3_600, name="CART_ABANDONED_AFTER_S")
    tick_s: Annotated[
        float,
        Meta(
            gt=0,
            description="How often a processor tells its partitions the time, by which carts become abandoned.",
        ),
    ] = field(default=10.0, name="CART_TICK_S")
    confirm_wait_s_max: Annotated[
        int,
        Meta(
            ge=1,
            description="How long one attempt waits until ClickHouse has what happened before a cart was abandoned.",
        ),
    ] = field(default=60, name="CART_CONFIRM_WAIT_S_MAX")
    candidate_age_s_max: Annotated[
        int,
        Meta(ge=1, description="An abandoned cart that could not be confirmed for so long fires no event."),
    ] = field(default=86_400, name="CART_CANDIDATE_AGE_S_MAX")
