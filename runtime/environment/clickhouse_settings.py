"""Where ClickHouse is, and what every process that uses it must agree on. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class ClickHouseSettings(msgspec.Struct, frozen=True, kw_only=True):
    url: Annotated[
        str, Meta(description="ClickHouse's HTTP address, with user and password if it has them.")
    ] = field(default="http://127.0.0.1:8123", name="CLICKHOUSE_URL")
    database: Annotated[
        str, Meta(pattern=r"^[a-z0-9_]+$", description="The database that holds every table.")
    ] = field(default="stitchline", name="STITCHLINE_DATABASE")
    base_currency: Annotated[
        str,
        Meta(
            pattern=r"^[A-Z]{3}$",
            description="The currency that amounts are converted into (ISO 4217); what names no currency is in it.",
        ),
    ] = field(default="EUR", name="STITCHLINE_BASE_CURRENCY")
    migration_timeout_s: Annotated[
        int,
        Meta(
            ge=1,
            description="Time that one statement of `stitchline migrate` may take; some fill a table from all events.",
        ),
    ] = field(default=86_400, name="CLICKHOUSE_MIGRATION_TIMEOUT_S")
