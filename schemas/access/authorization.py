"""The key in an Authorization header, as Segment's clients and APIs send it: the user name of HTTP Basic, whose password is
ignored, or a Bearer token. Deliberately absent: which keys are good, and whose they are (control.py).
"""

import base64
import binascii


def key_of(authorization: str) -> str:
    """Empty when the header is empty, of another scheme or unreadable."""
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
