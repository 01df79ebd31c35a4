"""`/v1/optout`: a visitor says for this browser that nothing shall be recorded, or takes it back. Pure.

GET shows what holds, as a page that a site can link to, or as JSON to whoever asks for no page; POST `?out=1` and `?out=0`
change it. The answer is a cookie: it says only that, so it names nobody, and it keeps the collector from storing (privacy.py).
Pages of foreign sites can change nothing: a browser says where a request comes from.
"""

from urllib.parse import parse_qs

import msgspec

from collector.asked import Asked
from collector.cors import reply_headers
from collector.privacy import OPTED_OUT, is_opted_out
from collector.rejection import Refusal
from collector.replies import Headers, Reply, json_reply, method_not_allowed, refused
from collector.visitor import DAY_S, CookieRules, Visit
from schemas.control import ControlState
from schemas.events.reasons import Reason

DAYS = 400  # browsers allow no more
FIELDS_MAX = 8
HTML = ("content-type", "text/html; charset=utf-8")
UNCACHED = ("cache-control", "no-store, private")
# Nothing on the page but its own text and form; nobody may put it into a frame and have it clicked unseen.
STRICT = ("content-security-policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'")

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>Recording of visits</title>
<h1>Recording of visits</h1>
<p>{what}</p>
<form method="post" action="?out={other}"><button>{offer}</button></form>
<p>The choice is kept in this browser, in a cookie that says nothing else. It holds for all sites that send their visits to this
address, until the cookies of this browser are deleted.</p>
</html>
"""
_OUT = _PAGE.format(
    what="Visits of this browser are <strong>not recorded</strong>.",
    other=0,
    offer="Allow visits to be recorded",
)
_IN = _PAGE.format(
    what="Visits of this browser may be recorded.", other=1, offer="Do not record visits of this browser"
)


class OptOut:
    def __init__(self, cookies: CookieRules) -> None:
        self._cookies = cookies

    def tell(self, asked: Asked, _state: ControlState) -> tuple[Reply, Headers]:
        return self._reply(asked), reply_headers(asked.origin)

    def _reply(self, asked: Asked) -> Reply:
        if asked.method in ("GET", "HEAD"):
            return _shown(asked, is_opted_out(asked.cookies, self._cookies.optout_name))
        if asked.method != "POST" or not self._cookies.optout_name:
            return method_not_allowed(
                "GET", "HEAD", "OPTIONS", *(["POST"] if self._cookies.optout_name else [])
            )
        wanted = _wanted(asked.query)
        if wanted is None:
            return refused(Refusal(Reason.WRONG_TYPE, "`out` is neither 1 nor 0: send POST /v1/optout?out=1"))
        if asked.from_where == "cross-site":
            return refused(
                Refusal(
                    Reason.WRONG_TYPE, "another site's page asks for this: only the visitor may, on this one"
                )
            )
        reply = _shown(asked, wanted)
        return msgspec.structs.replace(reply, headers=(*reply.headers, *self._changed(asked, wanted)))

    def _changed(self, asked: Asked, out: bool) -> Headers:
        """A collector under another site's name is sent only cookies that say so, and they have to be for https."""
        visit = Visit(rules=self._cookies, is_https=asked.protocol == "https")
        anywhere = "SameSite=None; Secure" if visit.is_secure else "SameSite=Lax"
        value, age_s = (OPTED_OUT, DAYS * DAY_S) if out else ("", 0)
        own = f"{self._cookies.optout_name}={value}; Path=/; Max-Age={age_s}; HttpOnly; {anywhere}"
        return [("set-cookie", own), *(visit.forgetting() if out else [])]


def _wanted(query: str) -> bool | None:
    try:
        said = parse_qs(query, max_num_fields=FIELDS_MAX).get("out", [""])[-1]
    except ValueError:
        return None
    return {"1": True, "0": False}.get(said)


def _shown(asked: Asked, out: bool) -> Reply:
    if "text/html" in asked.accepted:
        return Reply(200, (_OUT if out else _IN).encode(), (HTML, UNCACHED, STRICT))
    reply = json_reply(200, {"success": True, "optout": out})
    return msgspec.structs.replace(reply, headers=(*reply.headers, UNCACHED))
