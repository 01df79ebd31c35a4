"""What the collector does for browsers: the visitor's cookie and the pixel. Loaded as all settings are (settings.py)."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field


class BrowserSettings(msgspec.Struct, frozen=True, kw_only=True):
    cookie_name: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]*$",
            description="Cookie that holds a browser's anonymousId, set by replies to browsers; empty: none.",
        ),
    ] = field(default="stitchline_id", name="COLLECTOR_COOKIE_NAME")
    optout_cookie: Annotated[
        str,
        Meta(
            pattern=r"^[A-Za-z0-9_-]*$",
            description="Cookie of a browser whose events are not kept, set by /v1/optout; empty: none.",
        ),
    ] = field(default="stitchline_optout", name="COLLECTOR_OPTOUT_COOKIE")
    cookie_days: Annotated[
        int, Meta(ge=1, description="How long that cookie lives after the last visit; browsers allow 400.")
    ] = field(default=365, name="COLLECTOR_COOKIE_DAYS")
    cookie_secure: Annotated[
        Literal["auto", "always", "never"],
        Meta(
            description="Whether that cookie is for https only; `auto`: when COLLECTOR_PUBLIC_URL, X-Forwarded-Proto "
            "or the connection says https."
        ),
    ] = field(default="auto", name="COLLECTOR_COOKIE_SECURE")
    pixel_age_s: Annotated[
        int, Meta(ge=0, description="How long browsers use /pixel.js before they ask whether it has changed.")
    ] = field(default=3_600, name="COLLECTOR_PIXEL_AGE_S")
    pixel_config_age_s: Annotated[
        int,
        Meta(
            ge=0,
            description="The same for the pixel with a source's configuration in front: so long an applied change may take.",
        ),
    ] = field(default=300, name="COLLECTOR_PIXEL_CONFIG_AGE_S")
