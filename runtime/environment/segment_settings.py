"""What a question about segments may take of ClickHouse, and whose days are meant. Loaded as all settings are (settings.py)."""

from typing import Annotated

import msgspec
from msgspec import Meta, field

from schemas.values.zones import zone as zone_named


class SegmentSettings(msgspec.Struct, frozen=True, kw_only=True):
    memory_bytes_max: Annotated[
        int,
        Meta(
            ge=1_000_000,
            description="Memory of one query of a segment in ClickHouse; past it, it is asked again in parts, by profile.",
        ),
    ] = field(default=2_000_000_000, name="SEGMENT_QUERY_MEMORY_BYTES_MAX")
    parts_max: Annotated[
        int,
        Meta(ge=1, description="Parts in which a question is asked at most, each of so many profiles less."),
    ] = field(default=64, name="SEGMENT_QUERY_PARTS_MAX")
    preview_s_max: Annotated[
        int,
        Meta(ge=1, description="How long a preview counts all profiles, before it takes a sample of them."),
    ] = field(default=10, name="SEGMENT_PREVIEW_S_MAX")
    zone: Annotated[
        str,
        Meta(
            description="Time zone of segments that name none, such as Europe/Berlin: whose days, weeks and months are "
            "meant. The same for every process; after a change such segments are worked out anew."
        ),
    ] = field(default="UTC", name="SEGMENT_TIMEZONE")

    def __post_init__(self) -> None:
        zone_named(self.zone)
