"""What one request may weigh. Pure; the composition root fills it from the settings of the same names."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes are counted after decompression. `shared_bytes_max` bounds what a batch's context adds, over all its events.

    `passes_address`: whether network addresses go on at all.
    """

    event_bytes_max: int
    body_bytes_max: int
    batch_events_max: int
    shared_bytes_max: int
    passes_address: bool = True
