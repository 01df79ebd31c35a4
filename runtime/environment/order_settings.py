"""How long the commands that give orders wait, and how much they take on. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class OrderSettings(msgspec.Struct, frozen=True, kw_only=True):
    ack_timeout_s: Annotated[
        int,
        Meta(
            ge=1,
            description="How long a command waits until every processor and sink has taken its orders over.",
        ),
    ] = field(default=120, name="ORDER_ACK_TIMEOUT_S")
    delete_timeout_s: Annotated[
        int, Meta(ge=1, description="How long `forget` waits for ClickHouse to delete, and to search.")
    ] = field(default=3_600, name="ORDER_DELETE_TIMEOUT_S")
    nodes_max: Annotated[
        int,
        Meta(
            ge=1,
            description="Identifiers that one `forget` or `suppress` may concern; a person with more is refused.",
        ),
    ] = field(default=20_000, name="ORDER_NODES_MAX")
