"""How many look-ups a server key may make: one token bucket for each key that has a limit. Pure: the time is an argument.

A bucket holds one second's worth, at least one look-up. Absent: anything that processes share.
"""

import math

import msgspec

from schemas.access.server_keys import ServerKey


class Bucket(msgspec.Struct):
    level: float
    filled_at_s: float


class Rates:
    """As many buckets as the configuration ever had limited keys."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, key: ServerKey, now_s: float) -> int:
        """0 when this look-up may pass, and is counted; else after how many seconds one may. The clock never goes back."""
        rate = key.requests_per_s_max
        if rate is None:
            return 0
        size = max(1.0, rate)
        bucket = self._buckets.setdefault(key.id, Bucket(size, now_s))
        bucket.level = min(size, bucket.level + (now_s - bucket.filled_at_s) * rate)
        bucket.filled_at_s = now_s
        if bucket.level < 1:
            return max(1, math.ceil((1 - bucket.level) / rate))
        bucket.level -= 1
        return 0
