"""Which path is which call: one table, with every spelling that clients use. Pure.

Absent: the collector's own pages (/ready, /metrics, schemas), which `pages.py` answers without looking at a sender.
"""

from schemas.call import CALL_TYPES

BATCH = "batch"

_SHORT = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a", BATCH: "b"}
_SPELLINGS = (
    {name: name for name in (*CALL_TYPES, BATCH)}
    | {short: name for name, short in _SHORT.items()}
    | {"import": BATCH}
)

CALLS = {f"/v1/{spelling}{slash}": name for spelling, name in _SPELLINGS.items() for slash in ("", "/")}
