"""Where the address of a visitor's connection comes from. Part of the collector's settings (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ProxySettings(msgspec.Struct, frozen=True, kw_only=True):
    passes_address: Annotated[
        bool,
        Meta(description="Whether senders' network addresses and browsers' headers go into events.raw."),
    ] = field(default=True, name="COLLECTOR_PASSES_ADDRESS")
    trusted_proxies: Annotated[
        str,
        Meta(
            description="Our own proxies before the collector: how many, or their networks with commas between; "
            "empty: none, nobody's header is believed."
        ),
    ] = field(default="", name="COLLECTOR_TRUSTED_PROXIES")
    forwarded_header: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9-]+$",
            description="The one header in which those proxies say whom they speak for: X-Forwarded-For, Forwarded, or "
            "another that lists addresses.",
        ),
    ] = field(default="X-Forwarded-For", name="COLLECTOR_FORWARDED_HEADER")
