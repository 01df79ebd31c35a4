"""A request for something to read, as the pages' pure handlers see it: no body, no sender's events."""

import msgspec


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """`protocol` and `host` are where browsers reach the collector; `host` is "" when nobody knows. `now`: ms since the epoch.

    `origin`, `known_tags`, `encodings`, `accepted`, `cookies` and `from_where` are the headers Origin, If-None-Match,
    Accept-Encoding, Accept, Cookie and Sec-Fetch-Site, "" when absent.
    """

    method: str
    path: str
    now: int = 0
    query: str = ""
    authorization: str = ""
    protocol: str = "https"
    host: str = ""
    origin: str = ""
    known_tags: str = ""
    encodings: str = ""
    accepted: str = ""
    cookies: str = ""
    from_where: str = ""
