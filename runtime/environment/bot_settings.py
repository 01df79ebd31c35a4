"""From when on an event counts as a bot's, and which networks are machines'. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class BotSettings(msgspec.Struct, frozen=True, kw_only=True):
    threshold: Annotated[
        int,
        Meta(ge=1, le=100, description="Score from which an event is a bot's (`device.is_bot`)."),
    ] = field(default=70, name="BOT_SCORE_MIN")
    networks_file: Annotated[
        str,
        Meta(
            description="Networks of data centres in CIDR notation, one a line, read at start and when it changes; empty: none."
        ),
    ] = field(default="", name="BOT_NETWORKS_FILE")
