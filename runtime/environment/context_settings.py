"""What enrichment keeps of a visitor's network address, and what it knows of places. Loaded as all settings are (settings.py)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field


class ContextSettings(msgspec.Struct, frozen=True, kw_only=True):
    address_kept: Annotated[
        Literal["none", "truncated", "full"],
        Meta(
            description="What is stored of a visitor's network address, `context.ip` too: `truncated` keeps the /24 of IPv4 "
            "and the /48 of IPv6."
        ),
    ] = field(default="truncated", name="ADDRESS_KEPT")
    geo_file: Annotated[
        str,
        Meta(
            description="Geography of addresses: a city file of MaxMind's format (.mmdb), read at start; empty: none."
        ),
    ] = field(default="", name="GEO_FILE")
