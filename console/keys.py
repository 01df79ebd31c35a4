"""Who asks: the server key of a request, and whose it is. Pure.

It stands where Segment's profile API has it, as the user name of HTTP Basic with an empty password, or as a Bearer token; never
in an address, which logs and proxies keep.
"""

import base64
import binascii
from collections.abc import Sequence


def key_of(authorization: str) -> str:
    """The key of the header, "" when there is none to read."""
    scheme, _, rest = authorization.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        decoded = base64.b64decode(rest.strip().encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return ""
    return decoded.decode("utf-8", "replace").partition(":")[0].strip()


def is_allowed_host(host: str, allowed: Sequence[str]) -> bool:
    """Whether a request's Host is one of ours. A page of strangers that lets its own name lead here is not let in."""
    name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
    return any(
        pattern == "*"
        or name.lower() == pattern
        or (pattern.startswith("*.") and name.lower().endswith(pattern[1:]))
        for pattern in allowed
    )
