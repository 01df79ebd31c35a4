"""How many events a source may send: one token bucket for each source that has a limit. Pure: the time is an argument.

A bucket holds `burst_events_max` at most and gains `events_per_s_max` a second. A batch that is larger than a full bucket
is let through when the bucket is full, and leaves it in debt: so no batch is refused for ever, and the rate holds all the
same. Absent: anything that workers share. Each worker has its own buckets.
"""

import math

import msgspec

from schemas.sources.sources import Source


class Bucket(msgspec.Struct):
    """`level` is what may be taken; below 0 it is owed."""

    level: float
    filled_at_s: float


class RateLimits:
    """One bucket for each source that was ever limited: as many as the configuration has."""

    def __init__(self) -> None:
        self._buckets: dict[str, Bucket] = {}

    def wait_s(self, source: Source, events: int, now_s: float) -> int:
        """0 when these events may pass, and are counted; else after how many seconds they may. The clock never goes back."""
        rate = source.events_per_s_max
        if rate is None or not events:
            return 0
        burst = float(source.burst_events_max or max(1.0, rate))
        bucket = self._buckets.get(source.id)
        if bucket is None:
            bucket = self._buckets[source.id] = Bucket(burst, now_s)
        bucket.level = min(burst, bucket.level + (now_s - bucket.filled_at_s) * rate)
        bucket.filled_at_s = now_s
        missing = min(float(events), burst) - bucket.level
        if missing > 0:
            return max(1, math.ceil(missing / rate))
        bucket.level -= events
        return 0
