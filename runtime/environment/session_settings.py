"""Where a visitor's events are cut into sessions. The processors stamp by these, and `migrate` writes them down for the views."""

from typing import Annotated

import msgspec
from msgspec import Meta, field

from schemas.values.zones import zone


class SessionSettings(msgspec.Struct, frozen=True, kw_only=True):
    timeout_s: Annotated[
        int, Meta(ge=1, le=86_400, description="A session ends after this silence of its visitor.")
    ] = field(default=1_800, name="SESSION_TIMEOUT_S")
    new_on_campaign: Annotated[
        bool, Meta(description="A visitor who comes by another campaign or referrer begins a new session.")
    ] = field(default=True, name="SESSION_NEW_ON_CAMPAIGN")
    midnight_zone: Annotated[
        str,
        Meta(
            pattern=r"^([A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*)?$",
            description="Time zone (Europe/Berlin) at whose midnight sessions end; empty: they last over midnight.",
        ),
    ] = field(default="", name="SESSION_MIDNIGHT_ZONE")

    def __post_init__(self) -> None:
        if self.midnight_zone:
            zone(self.midnight_zone)
