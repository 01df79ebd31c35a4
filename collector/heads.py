"""What the cores look at in a request's head, taken out of the server's object once. An edge: it knows the server's types."""

from typing import Protocol, cast

import msgspec

from collector.asked import Asked
from collector.connection import browser_connection, host_of, is_from_browser
from collector.exchange import Request
from collector.forwarded import Proxies
from collector.privacy import wishes_of
from collector.reading import Head
from collector.visitor import CookieRules, Visit, visit
from runtime.environment.settings import CollectorSettings
from schemas.origins import origin_of
from schemas.pack import Connection

REFERRER_CHARACTERS_MAX = 2_048


class Lines(Protocol):
    """What the server's headers have, and its types do not say."""

    def get_all(self, name: str, /) -> list[str]: ...


class Heads:
    def __init__(self, settings: CollectorSettings, cookies: CookieRules) -> None:
        self._settings = settings
        self._cookies = cookies
        self._proxies = Proxies(settings.trusted_proxies)

    def request(self, head: Head, body: bytes, salt: bytes) -> Request:
        return Request(
            method=head.method,
            path=head.path,
            query=head.query,
            authorization=head.headers.get("authorization", ""),
            content_encoding=head.headers.get("content-encoding", ""),
            body=body,
            visit=self._visit(head),
            connection=self._connection(head),
            wishes=wishes_of(head.headers, head.query, self._cookies.optout_name),
            salt=salt,
            origin=_page_of(head),
        )

    def whole(self, head: Head, body: bytes, salt: bytes) -> Request:
        """With every header, the first of those that come twice, and the address."""
        asked, names = self.asked(head, 0), set(head.headers.keys())
        query = f"?{head.query}" if head.query else ""
        return msgspec.structs.replace(
            self.request(head, body, salt),
            headers={name.lower(): head.headers.get(name, "") for name in names},
            url=f"{asked.protocol}://{asked.host}{head.path}{query}",
        )

    def click(self, head: Head, salt: bytes) -> Request:
        """Of somebody who follows a link, as a rule in the window itself: that is how the visitor's cookie comes along."""
        headers = head.headers
        purpose = headers.get("sec-purpose", "") or headers.get("purpose", "") or headers.get("x-moz", "")
        return msgspec.structs.replace(
            self.request(head, b"", salt),
            visit=visit(headers.get("cookie", ""), self._scheme(head), self._cookies)
            if self._cookies.name
            else None,
            origin="",
            referrer=headers.get("referer", "")[:REFERRER_CHARACTERS_MAX],
            is_ahead="prefetch" in purpose.lower() or "preview" in purpose.lower(),
        )

    def asked(self, head: Head, now: int) -> Asked:
        headers, authority = head.headers, head.scope.authority
        host = self._settings.public_url.partition("://")[2] or headers.get("host") or authority or ""
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
        return forwarded if forwarded in ("http", "https") else head.scope.scheme

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

    def _connection(self, head: Head) -> Connection:
        address = host_of(head.scope.client)
        if self._proxies:
            lines = cast("Lines", head.headers).get_all(self._settings.forwarded_header.lower())
            address = self._proxies.client(address, ",".join(lines))
        if head.method != "GET" and not is_from_browser(head.headers):
            return Connection(address=address)
        return browser_connection(address, head.headers)


def _page_of(head: Head) -> str:
    """The origin of the page that sent it. For an image browsers name none, and mostly the page itself or its site instead."""
    if head.method != "GET":
        return str(head.headers.get("origin", ""))
    return head.headers.get("origin", "") or origin_of(head.headers.get("referer", ""))
