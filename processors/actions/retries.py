"""When an attempt that failed is made again: pauses that grow, with jitter, for a day.

The jitter is a hash of the firing and of the attempt: as good as chance for a destination that comes back, and the same whenever
it is worked out.
"""

from hashlib import blake2b

from schemas.topics import DAY_MS

_S, _MIN, _H = 1_000, 60_000, 3_600_000
PAUSES_MS = (5 * _S, 30 * _S, 2 * _MIN, 10 * _MIN, _H, 3 * _H, 6 * _H)  # then the last one again
POSTPONED_MS = (5 * _S, 15 * _S, _MIN, 5 * _MIN)  # it was not tried at all; then the last one again
RETRIED_MS = DAY_MS  # from the first attempt on
JITTER = 0.2  # of a pause, to either side
_PARTS = 1 << 32


def retry_pause_ms(firing_id: str, tried: int, wish_ms: int = 0) -> int:
    """`tried` attempts have failed. The destination's own wish counts when it is longer."""
    return max(_jittered(PAUSES_MS[min(tried, len(PAUSES_MS)) - 1], f"{firing_id}/{tried}"), wish_ms)


def postponed_pause_ms(firing_id: str, postponed: int, wish_ms: int = 0) -> int:
    """`postponed`: how often."""
    pause = POSTPONED_MS[min(postponed, len(POSTPONED_MS)) - 1]
    return max(_jittered(pause, f"{firing_id}/p{postponed}"), wish_ms)


def _jittered(pause: int, seed: str) -> int:
    part = int.from_bytes(blake2b(seed.encode(), digest_size=4).digest(), "big") / _PARTS
    return int(pause * (1 - JITTER + 2 * JITTER * part))
