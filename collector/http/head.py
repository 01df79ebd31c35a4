"""What a request's head says: its line and headers, read once. Pure.

Absent: what is a head and what is none (the parser's), and what its headers mean (heads.py).
"""

from functools import lru_cache
from urllib.parse import unquote_to_bytes

ADDRESSES_REMEMBERED_MAX = 256
NAMES_REMEMBERED_MAX = 1_000

# What people and their browsers write in any language. Nothing else may be other than ASCII: it is read as if it were not there.
ANY_LANGUAGE = frozenset(("cookie", "user-agent"))

_names: dict[bytes, str] = {}


class Head:
    """`headers` by their names in lower case, the first of those that come twice; `again` has the others, in their order.

    `peer` is the address of whoever opened the connection, `authority` the host in the request's line, "" as nearly always.
    Never changed.
    """

    __slots__ = ("again", "authority", "headers", "method", "path", "peer", "query")

    def __init__(  # noqa: PLR0913 - one for each field
        self,
        method: str,
        path: str,
        query: str,
        headers: dict[str, str],
        peer: str = "",
        authority: str = "",
        again: list[tuple[str, str]] | None = None,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.peer = peer
        self.authority = authority
        self.again = again

    def asked_at(self, path: str) -> "Head":
        """The same of another path."""
        return Head(self.method, path, self.query, self.headers, self.peer, self.authority, self.again)

    def every(self, name: str) -> list[str]:
        """All values of a header, in their order."""
        first = [self.headers[name]] if name in self.headers else []
        return first + [value for other, value in self.again or () if other == name]


def header_name(raw: bytes) -> str:
    """In lower case; `raw` is ASCII, as the parser has seen to."""
    known = _names.get(raw)
    if known is None:
        known = raw.decode("latin-1").lower()
        if len(_names) < NAMES_REMEMBERED_MAX:  # strangers may make up names for ever
            _names[raw] = known
    return known


def header_value(name: str, raw: bytes) -> str | None:
    """Without spaces around it. None when it is not to be read."""
    try:
        text = raw.decode("ascii")
    except UnicodeDecodeError:
        if name not in ANY_LANGUAGE:
            return None
        text = raw.decode(errors="replace")
    return text.strip(" \t") if text and (text[-1] in " \t" or text[0] in " \t") else text


def target(raw: bytes) -> tuple[str, str, str]:
    """Path, decoded, then query, and host where one stands in it. Raises ValueError when it is no target of a request."""
    return _remembered(raw) if b"?" not in raw else _parts(raw)


def _parts(raw: bytes) -> tuple[str, str, str]:
    text = raw.decode("ascii").partition("#")[0]  # a UnicodeDecodeError is a ValueError
    authority = ""
    if not text.startswith("/") and text != "*":
        _, slashes, rest = text.partition("://")
        if not slashes:  # of CONNECT, the only thing there is
            return "", "", text
        end = min((place for place in map(rest.find, "/?") if place >= 0), default=len(rest))
        authority, text = rest[:end], rest[end:]
        if not authority:
            raise ValueError("an address without a host")
        text = text if text.startswith("/") else f"/{text}"
    path, _, query = text.partition("?")
    return (unquote_to_bytes(path).decode(errors="replace") if "%" in path else path), query, authority


_remembered = lru_cache(ADDRESSES_REMEMBERED_MAX)(_parts)
