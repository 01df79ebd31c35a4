"""Settings of signed links. Only where the secrets are is a setting; the secrets themselves are read by link_keys.py."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class LinkSettings(msgspec.Struct, frozen=True, kw_only=True):
    keys: Annotated[
        str,
        Meta(
            description=(
                "Keys of signed links, the one that signs first, with commas between: `id=file:/path` or "
                "`id=env:NAME`; empty: none."
            )
        ),
    ] = field(default="", name="STITCHLINE_LINK_KEYS")
