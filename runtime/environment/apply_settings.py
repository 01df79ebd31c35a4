"""Who applies configuration. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ApplySettings(msgspec.Struct, frozen=True, kw_only=True):
    token: Annotated[
        str,
        Meta(
            description="The token of whoever applies, as `stitchline token` printed it; `--token-file` goes before. A secret."
        ),
    ] = field(default="", name="STITCHLINE_TOKEN")
