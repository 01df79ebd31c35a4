"""How addresses of contacts are read, and how many may be sent at once. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field


class HashKey(msgspec.Struct, frozen=True, kw_only=True):
    """The processors' setting, for those who can do without it."""

    hash_key: Annotated[
        str, Meta(pattern=r"^([0-9a-f]{32})?$", description="As of the processors; empty: none.")
    ] = field(default="", name="STITCHLINE_HASH_KEY")


class ContactSettings(msgspec.Struct, frozen=True, kw_only=True):
    phone_region: Annotated[
        str,
        Meta(
            pattern=r"^([A-Z]{2})?$",
            description="Country (ISO 3166) of phone numbers that are written without the code of one; empty: those are refused. "
            "The same in every process.",
        ),
    ] = field(default="", name="CONTACT_PHONE_REGION")
    request_changes_max: Annotated[
        int, Meta(ge=1, description="Changes of a list in one request to the console; more is refused (413).")
    ] = field(default=1_000, name="CONTACT_REQUEST_CHANGES_MAX")
    request_bytes_max: Annotated[
        int, Meta(ge=1_024, description="Body of such a request; more is refused (413).")
    ] = field(default=1_000_000, name="CONTACT_REQUEST_BYTES_MAX")
    message_changes_max: Annotated[
        int, Meta(ge=1, le=10_000, description="Changes of contacts in one Kafka message.")
    ] = field(default=1_000, name="CONTACT_MESSAGE_CHANGES_MAX")
