"""Settings of what is known of how visitors come."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    lists_file: Annotated[
        str,
        Meta(
            description="YAML with own domains, referrers, click ids and channel rules (docs/channels.md); empty: none."
        ),
    ] = field(default="", name="STITCHLINE_CHANNELS_FILE")
