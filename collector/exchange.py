"""What goes into the collector's cores and what comes out of them: one request, and what it leads to. Pure."""

from collections.abc import Callable, Mapping
from typing import Any

from collector.privacy import Wishes
from collector.rejection import Letter
from collector.replies import Reply
from collector.visitor import Visit
from schemas.events.pack import Connection, PackedEvent
from schemas.sources.sources import Source

Sources = Callable[[str], Source | None]  # from a write key to its source


_SAID = (
    *("method", "path", "query", "authorization", "content_encoding", "body", "visit"),
    *("wishes", "origin", "is_address", "headers", "url", "referrer", "is_ahead"),
)
_REQUEST = (*_SAID, "connection", "salt")
_INTAKE = ("reply", "source", "events", "letters", "dropped", "is_cookieless")


class Request:
    """What the collector looks at in an HTTP request; absent headers are "". `visit` is None unless a browser sent it.

    `salt` is the day's, for visitors without cookies; `origin` of the page that sent it; `is_address`: all of it stood in an
    address, for anybody to read. `headers` are all, in lower case, and `url` what the sender used, for routes that want the whole
    head. `referrer` is of a link that is followed; `is_ahead`: a browser fetches what somebody may click on later.
    Never changed: `but` makes another one.
    """

    __slots__ = _REQUEST

    def __init__(  # noqa: PLR0913 - one for each field
        self,
        method: str,
        path: str,
        query: str = "",
        authorization: str = "",
        content_encoding: str = "",
        body: bytes = b"",
        visit: Visit | None = None,
        connection: Connection | None = None,
        wishes: Wishes | None = None,
        salt: bytes = b"",
        origin: str = "",
        is_address: bool = False,
        headers: Mapping[str, str] | None = None,
        url: str = "",
        referrer: str = "",
        is_ahead: bool = False,
    ) -> None:
        self.method = method
        self.path = path
        self.query = query
        self.authorization = authorization
        self.content_encoding = content_encoding
        self.body = body
        self.visit = visit
        self.connection = connection
        self.wishes = wishes
        self.salt = salt
        self.origin = origin
        self.is_address = is_address
        self.headers = headers
        self.url = url
        self.referrer = referrer
        self.is_ahead = is_ahead

    def but(self, **changes: Any) -> "Request":
        """The same request with other fields."""
        return Request(**({name: getattr(self, name) for name in _REQUEST} | changes))

    def said(self) -> list[Any]:
        """What was sent, whichever way it came: a retry may take another."""
        return [getattr(self, name) for name in _SAID]


class Intake:
    """The reply holds once `events` and `letters` are durable, not before. `source` is None when the sender is unknown.

    `dropped` are events that nobody may keep, by reason; `is_cookieless`: the reply sets no cookie. Never changed, as above.
    """

    __slots__ = _INTAKE

    def __init__(  # noqa: PLR0913 - as above
        self,
        reply: Reply,
        source: Source | None = None,
        events: list[PackedEvent] | None = None,
        letters: list[Letter] | None = None,
        dropped: dict[str, int] | None = None,
        is_cookieless: bool = False,
    ) -> None:
        self.reply = reply
        self.source = source
        self.events = [] if events is None else events
        self.letters = [] if letters is None else letters
        self.dropped = {} if dropped is None else dropped
        self.is_cookieless = is_cookieless

    def but(self, **changes: Any) -> "Intake":
        """The same intake with other fields."""
        return Intake(**({name: getattr(self, name) for name in _INTAKE} | changes))
