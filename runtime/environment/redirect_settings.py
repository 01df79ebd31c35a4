"""How links lead on. Part of the collector's settings (settings.py)."""

from typing import Annotated

from msgspec import Meta, field

from runtime.environment.proxy_settings import ProxySettings


class RedirectSettings(ProxySettings, frozen=True, kw_only=True):
    redirect_wait_ms: Annotated[
        int,
        Meta(
            ge=0,
            description="How long who follows a link waits for Kafka to have the click; then they are led on all the same.",
        ),
    ] = field(default=500, name="COLLECTOR_REDIRECT_WAIT_MS")
