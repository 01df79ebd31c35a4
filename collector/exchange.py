"""What goes into the collector's cores and what comes out of them: one request, and what it leads to. Pure."""

from collections.abc import Callable, Mapping

import msgspec

from collector.privacy import Wishes
from collector.rejection import Letter
from collector.replies import Reply
from collector.visitor import Visit
from schemas.events.pack import Connection, PackedEvent
from schemas.sources.sources import Source

Sources = Callable[[str], Source | None]  # from a write key to its source


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector looks at in an HTTP request; absent headers are "". `visit` is None unless a browser sent it."""

    method: str
    path: str
    query: str = ""
    authorization: str = ""
    content_encoding: str = ""
    body: bytes = b""
    visit: Visit | None = None
    connection: Connection | None = None
    wishes: Wishes | None = None
    salt: bytes = b""  # the day's, for visitors without cookies
    origin: str = ""  # of the page that sent it
    is_address: bool = False  # all of it stood in an address, for anybody to read
    headers: Mapping[str, str] | None = None  # all, in lower case: for routes that want the whole head
    url: str = ""  # that the sender used, for the same routes
    referrer: str = ""  # of a link that is followed
    is_ahead: bool = False  # a browser fetches what somebody may click on later


class Intake(msgspec.Struct, frozen=True):
    """The reply holds once `events` and `letters` are durable, not before. `source` is None when the sender is unknown.

    `dropped` are events that nobody may keep, by reason; `is_cookieless`: the reply sets no cookie.
    """

    reply: Reply
    source: Source | None = None
    events: list[PackedEvent] = []
    letters: list[Letter] = []
    dropped: dict[str, int] = {}
    is_cookieless: bool = False
