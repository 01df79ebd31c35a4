"""Which visitor a browser is: the cookie that says so, and who decides when cookie and script disagree. Pure.

What scripts store in a browser lives seven days in Safari; a cookie that a reply sets lives as long as it says. So the cookie
decides (docs/decisions/0013): a page asks who its browser is (introduction.py), and an event without an id gets the cookie's.
Absent: who the person is; an anonymous id names a browser and nobody in it.
"""

from typing import Literal
from urllib.parse import quote, unquote

import msgspec

from schemas.events.call import decode_call
from schemas.identity.identifiers import text

COOKIE_BYTES_MAX = 1_024  # an id that is longer written down is an event's own business
DAY_S = 86_400

Secure = Literal["auto", "always", "never"]


class CookieRules(msgspec.Struct, frozen=True, kw_only=True):
    """An empty `name` means that no cookie is read or set. `optout_name` is another one: it says that nothing is kept."""

    name: str
    days: int
    secure: Secure
    optout_name: str = ""


class Visit(msgspec.Struct, frozen=True, kw_only=True):
    """What a browser's request says of its visitor; requests of servers have none. `remembered` is the cookie's id or ""."""

    rules: CookieRules
    remembered: str = ""
    is_https: bool = False

    def cookie(self, anonymous_id: str) -> list[tuple[str, str]]:
        """The header that makes the browser remember this id, if it can be remembered."""
        value = quote(anonymous_id, safe="")
        if not (self.rules.name and value) or len(value) > COOKIE_BYTES_MAX:
            return []
        rest = f"Path=/; Max-Age={self.rules.days * DAY_S}; HttpOnly; SameSite=Lax"
        return [("set-cookie", f"{self.rules.name}={value}; {rest}{'; Secure' if self.is_secure else ''}")]

    def forgetting(self) -> list[tuple[str, str]]:
        """The header that makes the browser forget it."""
        if not self.rules.name:
            return []
        rest = f"Path=/; Max-Age=0; HttpOnly; SameSite=Lax{'; Secure' if self.is_secure else ''}"
        return [("set-cookie", f"{self.rules.name}=; {rest}")]

    @property
    def is_secure(self) -> bool:
        return self.rules.secure == "always" or (self.rules.secure == "auto" and self.is_https)


def visit(cookies: str, scheme: str, rules: CookieRules) -> Visit:
    """`cookies` is the Cookie header; `scheme` what the sender, or the proxy before us, says that it used."""
    return Visit(rules=rules, remembered=_remembered(cookies, rules.name), is_https=scheme == "https")


def _remembered(cookies: str, name: str) -> str:
    if not name or name not in cookies:
        return ""
    for part in cookies.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name and len(value) <= COOKIE_BYTES_MAX:
            return text(unquote(value.strip('"')))
    return ""


def cookie_of_sender(visit: Visit, payload: bytes) -> list[tuple[str, str]]:
    """For the reply to an accepted event of a browser that has no cookie yet: the event's id, if it has one."""
    return [] if visit.remembered else visit.cookie(text(decode_call(payload).anonymous_id))


def stamped(payload: bytes, anonymous_id: str) -> bytes:
    """An event's JSON object with this anonymousId. It stands last: where a name stands twice, readers take the last one."""
    field = b'"anonymousId":' + msgspec.json.encode(anonymous_id) + b"}"
    members = payload.rstrip()[:-1].rstrip()
    return members + (field if members.endswith(b"{") else b"," + field)
