"""The names by which the console may be asked. Pure.

Server keys stand in the Authorization header (schemas/access/authorization.py), never in an address, which logs and proxies keep.
"""

from collections.abc import Sequence


def is_allowed_host(host: str, allowed: Sequence[str]) -> bool:
    """Whether a request's Host is one of ours. A page of strangers that lets its own name lead here is not let in."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return any(
        pattern == "*"
        or name.lower() == pattern
        or (pattern.startswith("*.") and name.lower().endswith(pattern[1:]))
        for pattern in allowed
    )
