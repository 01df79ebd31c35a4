"""A link that counts: `GET /r/SOURCE?to=ADDRESS` is an event `Link Clicked`, and leads on to the address. Pure.

    to      the page, percent-encoded: on a host of the source's `redirect_domains`
    name    what reports call the link
    sent    when the mail went out, in seconds since 1970: who clicks at once is a scanner (processors/enrichment/bots.py)
    pass=1  hand all other parameters on to the page
    others  stay with the click: campaign parameters, `_c` and the like (docs/links.md)

The event happened on the page that the link leads to, with all parameters: so campaign, claims and what is stripped of stored
addresses are the same as if the page had told of it. Whoever looks without going, with HEAD or to fetch ahead of a click, is led
on and not counted.

The link names its source by id, not by a key: mails are kept longer than keys.

Absent: waiting for Kafka (following.py): a person is led on whatever becomes of the event.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, unquote_plus, urlsplit

import msgspec

from collector.exchange import Intake, Request, Sources
from collector.intake import accept
from collector.limits import Limits
from collector.rejection import Refusal
from collector.replies import Reply, method_not_allowed, refused
from collector.targets import Target, target_of
from schemas.events.reasons import Reason

LINKS = "/r/"
EVENT = "Link Clicked"
FOUND, NOT_FOUND = 302, 404
PARAMETERS_MAX = 100
NAME_CHARACTERS_MAX = 256
SECONDS_MAX = 7_258_118_400  # 2200

_UNKNOWN = Refusal(
    Reason.UNKNOWN_WRITE_KEY,
    "this link is of no site that is known here: it is /r/, the id of a source, and ?to= with an address",
)
_OWN = frozenset(("to", "name", "sent", "pass"))
_CAMPAIGN = {
    "utm_source": "source",
    "utm_medium": "medium",
    "utm_campaign": "name",
    "utm_term": "term",
    "utm_content": "content",
}
_HEADERS = (
    ("cache-control", "no-store, private"),  # each click is an event
    ("x-robots-tag", "noindex, nofollow"),
)
_TEXT = (("content-type", "text/plain; charset=utf-8"), ("x-content-type-options", "nosniff"))


class Link(msgspec.Struct, frozen=True):
    """What stands in a link; `others` are written as they came."""

    to: str = ""
    name: str = ""
    sent: str = ""
    is_handed_on: bool = False
    others: tuple[str, ...] = ()


def accept_click(
    request: Request, *, now: int, ids: Iterator[str], sources: Sources, limits: Limits
) -> Intake:
    """As `accept`, `sources` from a source's id; a reply with `FOUND` holds whether or not its event becomes durable."""
    if request.method not in ("GET", "HEAD"):
        return Intake(method_not_allowed("GET", "HEAD"))
    name = unquote(request.path.removeprefix(LINKS)).strip("/")
    source = sources(name) if name else None
    if source is None:
        return Intake(refused(_UNKNOWN))
    link = read_link(request.query)
    target = target_of(link.to, source.redirect_domains)
    if isinstance(target, Refusal):
        return Intake(refused(target), source)
    reply = _led_on(target, link)
    if request.method == "HEAD" or request.is_ahead:
        return Intake(reply, source)
    anonymous_id = request.visit.remembered if request.visit else ""
    posted = request.but(
        method="POST",
        path="/v1/track",
        query="",
        authorization=f"Bearer {name}",  # `sources` finds by id here
        origin="",  # people follow links from everywhere, and each page of theirs is the referrer
        body=_event(request, link, target, anonymous_id or next(ids)),
    )
    # An id may be spelt like a key that has ended, and counts all the same.
    keyless = msgspec.structs.replace(source, key_ends={}, secret_key_hashes=[])
    intake = accept(posted, now=now, ids=ids, sources={name: keyless}.get, limits=limits)
    return intake.but(reply=reply, source=source)


def read_link(query: str) -> Link:
    """Of a parameter that comes twice the first counts."""
    found: dict[str, str] = {}
    others: list[str] = []
    for part in query.split("&", PARAMETERS_MAX)[:PARAMETERS_MAX]:
        name, _, value = part.partition("=")
        if name in _OWN:
            found.setdefault(name, value)
        elif part:
            others.append(part)
    return Link(
        to=unquote(found.get("to", "")),
        name=unquote_plus(found.get("name", ""))[:NAME_CHARACTERS_MAX],
        sent=found.get("sent", ""),
        is_handed_on=found.get("pass") == "1",
        others=tuple(others),
    )


def as_page(reply: Reply) -> Reply:
    """An error as a text for the person who opened the link; what leads on stays as it is."""
    if reply.reason is None:
        return reply
    said = msgspec.json.decode(reply.body)["message"]
    own = tuple(header for header in reply.headers if header[0] != "content-type")
    status = NOT_FOUND if reply.reason is Reason.UNKNOWN_WRITE_KEY else reply.status
    return Reply(status, f"{said}\n".encode(), (*_TEXT, *_HEADERS, *own), reply.reason)


def _led_on(target: Target, link: Link) -> Reply:
    address = target.with_parameters(link.others) if link.is_handed_on else target.address
    return Reply(FOUND, b"", (("location", address), *_HEADERS))


def _event(request: Request, link: Link, target: Target, anonymous_id: str) -> bytes:
    page = target.with_parameters(link.others)
    parts = urlsplit(page)
    properties = {"url": target.address, "name": link.name, "sent_at": _moment(link.sent)}
    context = {
        "page": {
            "url": page,
            "path": parts.path,
            "search": f"?{parts.query}" if parts.query else "",
            "referrer": request.referrer,
        },
        "campaign": _campaign(parts.query),
    }
    return msgspec.json.encode(
        {
            "type": "track",
            "event": EVENT,
            "anonymousId": anonymous_id,
            "properties": {name: value for name, value in properties.items() if value},
            "context": {name: value for name, value in context.items() if value},
        }
    )


def _campaign(query: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name in _CAMPAIGN and value:
            found.setdefault(_CAMPAIGN[name], unquote_plus(value))
    return found


def _moment(seconds: str) -> str:
    """ISO 8601, "" for what is no time."""
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) <= 10 and int(seconds) < SECONDS_MAX):
        return ""
    return datetime.fromtimestamp(int(seconds), UTC).isoformat().replace("+00:00", "Z")
