"""What a request says of its sender beside its body: the address it came from, and whether a browser sent it. Pure.

A browser names an origin with every POST, Sec-Fetch-Mode with nearly everything, and asks for images; servers'
libraries and apps do none of that. So an address is known to be a visitor's or not: a shop's server must not become the place
where its customers live. Apps are told apart later, by what is in the event (processors/enrichment/place.py).

Absent: trust in forwarding headers (forwarded.py).
"""

from typing import Protocol

from schemas.events.pack import Connection

USER_AGENT_CHARACTERS_MAX = 512
HINT_CHARACTERS_MAX = 256
NAMES_ITS_USER_AGENT = b'"userAgent"'


class Headers(Protocol):
    """What is read of a request's headers."""

    def get(self, name: str, default: str, /) -> str: ...


def browser_connection(address: str, headers: Headers) -> Connection:
    return Connection(
        address=address,
        is_browser=True,
        user_agent=headers.get("user-agent", "")[:USER_AGENT_CHARACTERS_MAX],
        brands=headers.get("sec-ch-ua", "")[:HINT_CHARACTERS_MAX],
        mobile=headers.get("sec-ch-ua-mobile", "")[:HINT_CHARACTERS_MAX],
        platform=headers.get("sec-ch-ua-platform", "")[:HINT_CHARACTERS_MAX],
    )


def for_event(connection: Connection | None, context: bytes) -> Connection | None:
    """Without the headers when the event's context names its user agent itself, as browser libraries do."""
    if connection is None or not connection.user_agent or NAMES_ITS_USER_AGENT not in context:
        return connection
    return Connection(address=connection.address, is_browser=connection.is_browser)
