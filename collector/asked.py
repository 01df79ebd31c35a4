"""A request for something to read, as the pages' pure handlers see it: no body, no sender's events."""

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`protocol` and `host` are where browsers reach the collector; `host` is "" when nobody knows.

    `origin`, `known_tags` and `encodings` are the headers Origin, If-None-Match and Accept-Encoding, "" when absent.
    """

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    protocol: str = "https"
    host: str = ""
    origin: str = ""
    known_tags: str = ""
    encodings: str = ""
