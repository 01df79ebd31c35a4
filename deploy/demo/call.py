"""One event as a client sends it; the fields are those of the Segment spec. What the made traffic consists of."""

from collections.abc import Mapping
from datetime import datetime

import msgspec

Fields = Mapping[str, object]

ORDERED = "Order Completed"
ADDED = "Product Added"
VIEWED = "Product Viewed"
SIGNED_OUT = "Signed Out"


class Call(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """`timestamp` is ISO 8601 in UTC with milliseconds, so that texts sort as times do."""

    type: str
    message_id: str
    timestamp: str
    anonymous_id: str = ""
    user_id: str = ""
    event: str = ""
    name: str = ""
    properties: Fields = {}
    traits: Fields = {}
    context: Fields = {}

    @property
    def what(self) -> str:
        return self.event or self.name

    @property
    def happened(self) -> datetime:
        return datetime.fromisoformat(self.timestamp)
