"""Values that name nobody: what broken integrations send as an id, and what would glue thousands of strangers together.

A blocked id is ignored as an id; the event stays, under its other ids. Deliberately absent: a list per workspace, which is
a matter of orders (schemas/identity/orders.py, `Suppress`), as links that exist already must be evaluated again; any
normalisation: ids that differ in case or in their Unicode form are different ids.
"""

import re

from schemas.events.remarks import Remark

ID_BYTES_MAX = 255

BLOCKED = frozenset(
    {
        *(
            "",
            "null",
            "undefined",
            "none",
            "nil",
            "nan",
            "n/a",
            "0",
            "-1",
            "true",
            "false",
            "default",
            "void",
        ),
        *("anonymous", "guest", "unknown", "user", "not_authenticated", "[object object]"),
        *("id", "userid", "user_id", "anonymousid", "anonymous_id", "distinctid", "distinct_id", "email"),
    }
)

_NOTHING_BUT_ZEROS = re.compile(r"[0\-\s]*")
# Quotes, and all that str.isspace() says of: what stands within quotes has not been trimmed yet.
_QUOTES = (
    "\"'` \t\n\v\f\r\x1c\x1d\x1e\x1f\x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005"
    "\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"
)

_LONGEST = max(map(len, BLOCKED))
_ORDINARY_MAX = ID_BYTES_MAX // 4  # characters that never are more bytes than are allowed
_ODD_ENDS = frozenset(
    _QUOTES + "0-"
)  # what may lie around a blocked value, and what one of zeros begins with


def is_blocked(value: str) -> bool:
    """Whether an identifier's value must not be used as an id."""
    size = len(value)
    if _LONGEST < size <= _ORDINARY_MAX and value[0] not in _ODD_ENDS and value[-1] not in _ODD_ENDS:
        return False  # nearly always
    bare = value.strip(_QUOTES)
    if bare.lower() in BLOCKED or (bare[0] in "0-" and _NOTHING_BUT_ZEROS.fullmatch(bare)):
        return True
    return len(value) > _ORDINARY_MAX and _is_too_long(value)


def why_blocked(value: str) -> Remark | None:
    """None for an ordinary id."""
    if not is_blocked(value):
        return None
    return Remark.ID_TOO_LONG if _is_too_long(value) else Remark.ID_BLOCKED


def why_external_blocked(kind: str, value: str) -> Remark | None:
    """Of an external id, which counts with its type, as it does in state and messages."""
    return why_blocked(f"{kind}:{value}") or why_blocked(value)


def _is_too_long(value: str) -> bool:
    return len(value.encode()) > ID_BYTES_MAX
