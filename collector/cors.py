"""What a browser needs to read before it lets a page see our answer. Pure.

Every reply carries it, errors too: a page that cannot read a 503 cannot obey its Retry-After. The origin is echoed rather
than answered by `*`, since sendBeacon always sends with credentials, for which browsers refuse the star.
"""

from collections.abc import Sequence

from collector.replies import Headers
from schemas.sources.origins import ANY, is_allowed

EXPOSED = ("access-control-expose-headers", "Retry-After")
PREFLIGHT_AGE = ("access-control-max-age", "7200")  # seconds; no browser keeps it longer
METHODS = ("access-control-allow-methods", "GET, POST, OPTIONS")
PUBLIC: Headers = [("access-control-allow-origin", ANY), EXPOSED]
ASKED_BYTES_MAX = 1_000


def reply_headers(origin: str, allowed: Sequence[str] = (ANY,)) -> Headers:
    """Headers of a reply; an origin that the source does not allow gets none that would let the page read it."""
    if not origin:
        return PUBLIC if ANY in allowed else [EXPOSED]
    if not is_allowed(origin, allowed):
        return [("vary", "Origin"), EXPOSED]
    return [
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
        EXPOSED,
    ]


def preflight_headers(origin: str, asked: str) -> Headers:
    """Headers of the answer to OPTIONS. The sender is not known yet, so every origin may ask; the asked headers are echoed."""
    echoed = [("access-control-allow-headers", asked)] if asked and len(asked) <= ASKED_BYTES_MAX else []
    return [*reply_headers(origin), METHODS, *echoed, PREFLIGHT_AGE]
