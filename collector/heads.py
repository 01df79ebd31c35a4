"""What the cores look at in a request's head. Pure but for the salt of the day, which is asked for."""

from collections.abc import Callable
from functools import lru_cache

from collector.asked import Asked
from collector.connection import browser_connection
from collector.exchange import Request
from collector.forwarded import Proxies
from collector.http.head import Head
from collector.privacy import wishes_of
from collector.visitor import CookieRules, Visit, visit
from runtime.environment.settings import CollectorSettings
from schemas.events.pack import Connection
from schemas.sources.origins import origin_of

REFERRER_CHARACTERS_MAX = 2_048
PEERS_REMEMBERED_MAX = 4_096
SCHEME = "http"  # TLS ends before us


class Heads:
    """`salt_at` gives the salt of the day that a moment is in; `now` below is in ms since the epoch."""

    def __init__(
        self, settings: CollectorSettings, cookies: CookieRules, salt_at: Callable[[int], bytes]
    ) -> None:
        self._settings = settings
        self._salt_at = salt_at
        self._cookies = cookies
        self._optout_name = cookies.optout_name
        self._proxies = Proxies(settings.trusted_proxies)
        self._has_proxies = bool(self._proxies)

    def request(self, head: Head, body: bytes, now: int) -> Request:
        headers = head.headers
        is_browser = head.method == "GET" or _is_from_browser(headers)
        return Request(
            head.method,
            head.path,
            head.query,
            headers.get("authorization", ""),
            headers.get("content-encoding", ""),
            body,
            self._visit(head) if is_browser else None,
            self._connection(head, is_browser),
            wishes_of(headers, head.query, self._optout_name),
            self._salt_at(now) if is_browser else b"",
            _page_of(head) if is_browser else "",
        )

    def whole(self, head: Head, body: bytes, now: int) -> Request:
        """With every header, and the address."""
        asked = self.asked(head, now)
        query = f"?{head.query}" if head.query else ""
        return self.request(head, body, now).but(
            headers=head.headers,
            url=f"{asked.protocol}://{asked.host}{head.path}{query}",
        )

    def click(self, head: Head, now: int) -> Request:
        """Of somebody who follows a link, as a rule in the window itself: that is how the visitor's cookie comes along."""
        headers = head.headers
        purpose = headers.get("sec-purpose", "") or headers.get("purpose", "") or headers.get("x-moz", "")
        return self.request(head, b"", now).but(
            visit=visit(headers.get("cookie", ""), self._scheme(head), self._cookies)
            if self._cookies.name
            else None,
            origin="",
            referrer=headers.get("referer", "")[:REFERRER_CHARACTERS_MAX],
            is_ahead="prefetch" in purpose.lower() or "preview" in purpose.lower(),
        )

    def asked(self, head: Head, now: int) -> Asked:
        headers, authority = head.headers, head.authority
        host = self._settings.public_url.partition("://")[2] or headers.get("host") or authority
        return Asked(
            method=head.method,
            path=head.path,
            query=head.query,
            authorization=headers.get("authorization", ""),
            protocol=self._scheme(head),
            host=host.rstrip("/"),
            now=now,
            origin=headers.get("origin", ""),
            known_tags=headers.get("if-none-match", ""),
            encodings=headers.get("accept-encoding", ""),
            accepted=headers.get("accept", ""),
            cookies=headers.get("cookie", ""),
            from_where=headers.get("sec-fetch-site", ""),
        )

    def _scheme(self, head: Head) -> str:
        """What the sender, or the proxy before us, says that it used. Who lies about it gets worse addresses and cookies."""
        if public_url := self._settings.public_url:
            return public_url.partition("://")[0]
        forwarded: str = head.headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower()
        return forwarded if forwarded in ("http", "https") else SCHEME

    def _visit(self, head: Head) -> Visit | None:
        """Of a browser: it names an origin with every POST. An image's GET may be one's.

        A form that another site's page submits as a whole page is none: SameSite keeps the visitor's cookie out of it, and
        would all the same let the answer put a stranger's id in its place.
        """
        headers = head.headers
        if not self._cookies.name or (head.method == "POST" and not headers.get("origin")):
            return None
        if headers.get("sec-fetch-mode") == "navigate":
            return None
        return visit(headers.get("cookie", ""), self._scheme(head), self._cookies)

    def _connection(self, head: Head, is_browser: bool) -> Connection:
        if not self._has_proxies:
            return browser_connection(head.peer, head.headers) if is_browser else bare(head.peer)
        lines = head.every(self._settings.forwarded_header.lower())
        address = self._proxies.client(head.peer, ",".join(lines))
        return browser_connection(address, head.headers) if is_browser else Connection(address=address)


@lru_cache(PEERS_REMEMBERED_MAX)
def bare(peer: str) -> Connection:
    """What servers' libraries say of themselves: their address, the same with every request of a connection."""
    return Connection(address=peer)


def _is_from_browser(headers: dict[str, str]) -> bool:
    return bool(headers.get("origin") or headers.get("sec-fetch-mode"))


def _page_of(head: Head) -> str:
    """The origin of the page that sent it. For an image browsers name none, and mostly the page itself or its site instead."""
    if head.method != "GET":
        return str(head.headers.get("origin", ""))
    return head.headers.get("origin", "") or origin_of(head.headers.get("referer", ""))
