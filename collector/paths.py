"""Which path is which call: one table, with every spelling that clients use. Pure.

Absent: the collector's own pages (/ready, /metrics, schemas), which `pages.py` answers without looking at a sender.
"""

from schemas.events.call import CALL_TYPES

BATCH = "batch"

_SHORT = {"identify": "i", "track": "t", "page": "p", "screen": "s", "group": "g", "alias": "a", BATCH: "b"}
_SPELLINGS = (
    {name: name for name in (*CALL_TYPES, BATCH)}
    | {short: name for name, short in _SHORT.items()}
    | {"import": BATCH}
)

_SLASHES = ("", "/")

# RudderStack's browser library sends its beacons to a path of their own.
CALLS = {f"/v1/{spelling}{slash}": name for spelling, name in _SPELLINGS.items() for slash in _SLASHES} | {
    f"/beacon/v1/batch{slash}": BATCH for slash in _SLASHES
}

WEBHOOKS = "/w/"  # and the id of one: what other tools send
PIXEL = "/pixel.js"
VISITOR = frozenset({"/v1/visitor", "/v1/visitor/"})  # the pixel asks whose browser it is in

PARTS = "/v1/parts/"  # and a write key and .js: what comes after the pixel's first script

OPTOUT = frozenset({"/v1/optout", "/v1/optout/"})

# A call as the address of an image, for pages and mails without scripts.
IMAGES = {
    f"/v1/pixel/{spelling}{slash}": name
    for spelling, name in _SPELLINGS.items()
    if name != BATCH
    for slash in _SLASHES
}

# What libraries tell their maker about themselves: nobody here reads it.
CLIENT_METRICS = frozenset({"/v1/m", "/v1/m/"})
