"""Where a write key may stand: header, body or query. Pure.

A key in the header wins: server libraries put it in both places, and the header is the one that a proxy can set.
"""

from functools import lru_cache
from urllib.parse import parse_qsl

from schemas.access.authorization import key_of
from schemas.identity.identifiers import text

QUERY_FIELDS_MAX = 100
HEADERS_REMEMBERED_MAX = 1_024  # a source sends the same one with every request
REMEMBERED_CHARS_MAX = 1_024  # no more of each: strangers' headers of hundreds of KB would stay for ever


def key_in_header(authorization: str) -> str:
    """The user name of Basic, or the token of Bearer; "" when the header is empty, of another scheme or unreadable."""
    return (_remembered if len(authorization) <= REMEMBERED_CHARS_MAX else key_of)(authorization)


_remembered = lru_cache(HEADERS_REMEMBERED_MAX)(key_of)


def key_in_query(query: str) -> str:
    """`writeKey` of the query string; "" when it is absent or the query has too many fields to be ours."""
    if "writeKey" not in query:
        return ""
    try:
        fields = parse_qsl(query, max_num_fields=QUERY_FIELDS_MAX)
    except ValueError:
        return ""
    return text(dict(fields).get("writeKey"))
