"""The channel: what brought a visitor, as one event says it, in the address of its page, its referrer and `context.campaign`.

Nearly every event says nothing of it, being inside a visit: `NO_TOUCH`, the very object. So does the first view of a visit
that nobody sent: only who knows the visit can tell, and its channel is `DIRECT`.

A page that loads no other page keeps its first referrer, and all events of a landing page tell of the same arrival. So a touch
is no arrival of its own when it equals the visit's, or when it has neither campaign nor click id and the referrer of the visit's.

Lists and rules are data (schemas/channels). Of what they find, sources and media are kept in lower case, everything bounded in
length. Deliberately absent: what a visitor searched for, which no search engine tells, and every other parameter of an address.
"""

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from processors.enrichment.hosts import ascii_host, host_of, site_of
from processors.enrichment.senders import PASSAGE, Sender, Senders
from processors.events.links import token_in
from processors.events.parsed import ParsedEvent
from schemas.events.channel_lists import NO_LISTS, ChannelLists, ChannelRule, Click, kept_lists
from schemas.identity.identifiers import text
from schemas.wire.stamps import NO_TOUCH, Touch

DIRECT = "direct"
CAMPAIGN = "campaign"  # somebody named a campaign, and no rule knows what it is
REFERRAL = "referral"

ADDRESS_CHARS_MAX = 4_096  # of a longer address the rest is not looked at
PARAMETERS_MAX = 100
TEXT_CHARS_MAX = 200
CLICK_ID_CHARS_MAX = 512  # a longer one is left out: part of an id is none
REMEMBERED_MAX = 2_048

PARTS = ("source", "medium", "campaign", "term", "content")
_MEMBERS = ("source", "medium", "name", "term", "content")  # as context.campaign calls them
_VIEWS = frozenset({"page", "screen"})

Said = tuple[str, ...]  # a campaign's parts, in the order of `PARTS`
Addresses = tuple[str, str, str]  # of a page, its query beside it, of the page before
Asked = tuple[
    str, str, str, Said, bool
]  # query, hosts of the page and of the one before, campaign, whether by a signed link
NOTHING_SAID: Said = ("",) * len(PARTS)


class _Signs(msgspec.Struct, frozen=True):
    """What stands in an address: the parts of a campaign, the click id that counts, the mail tool that made the link."""

    said: Said
    click_kind: str = ""
    click_id: str = ""
    click: Click | None = None
    mail_tool: str = ""


_NO_SIGNS = _Signs(NOTHING_SAID)


class _Rule:
    def __init__(self, rule: ChannelRule) -> None:
        self.channel = rule.channel
        self._conditions = [
            (at, _any_of(patterns))
            for at, patterns in enumerate((rule.kind, rule.source, rule.medium, rule.campaign))
            if patterns
        ]

    def holds(self, facts: tuple[str, str, str, str]) -> bool:
        """`facts`: kind, source, medium, campaign, in lower case."""
        return all(pattern.fullmatch(facts[at]) for at, pattern in self._conditions)


class Channels:
    """The lists, ready to be asked. What was asked lately is remembered."""

    def __init__(self, own: ChannelLists = NO_LISTS) -> None:
        kept = kept_lists()
        self._senders = Senders((kept, own))
        self._own_sites = frozenset(site_of(ascii_host(name)) for name in own.own_domains)
        self._clicks = {name.lower(): click for name, click in {**kept.clicks, **own.clicks}.items()}
        self._mail_marks = {
            name.lower(): tool for name, tool in {**kept.mail_marks, **own.mail_marks}.items()
        }
        self._parts = dict(_parameter_names(own, kept))
        self._rules = [_Rule(rule) for rule in (*own.rules, *kept.rules)]
        self._remembered = lru_cache(REMEMBERED_MAX)(self._arrival)
        self._sender = lru_cache(REMEMBERED_MAX)(self._sender_of)
        self._channel = lru_cache(REMEMBERED_MAX)(self._channel_of)

    def touch(self, event: ParsedEvent) -> Touch:
        """What the event says of how its visitor came."""
        asked = _asked(event)
        return NO_TOUCH if asked is None else self._remembered(*asked)

    def _arrival(self, query: str, here: str, there: str, said: Said, by_link: bool) -> Touch:
        signs = self._signs(query, said)
        sender = None if here == there or not there else self._sender(here, there)
        if not (any(signs.said) or signs.click_kind or signs.mail_tool or sender):
            return Touch(channel="email", source="email", medium="email") if by_link else NO_TOUCH
        source, medium = _origin(signs, sender)
        is_senders = sender is not None and source == sender.source and not signs.said[0]
        kind = sender.kind if sender and is_senders else self._senders.kind_of(source)
        said_campaign = signs.said[2]
        found = self._channel((kind, source, medium, said_campaign.lower()))
        return Touch(
            channel=found or (CAMPAIGN if any(signs.said) else REFERRAL),
            source=source,
            medium=medium,
            campaign=said_campaign,
            term=signs.said[3],
            content=signs.said[4],
            click_kind=signs.click_kind,
            click_id=signs.click_id,
            referrer=host_of(there) if sender else "",
        )

    def _sender_of(self, url: str, referrer: str) -> Sender | None:
        """None: the visitor was here already, or nobody says where he was."""
        there = host_of(referrer)
        if not there:
            return None
        here, site = host_of(url), site_of(there)
        if there == here or site in self._own_sites or (here and site == site_of(here)):
            return None
        sender = self._senders.of_host(there)
        return None if sender.kind == PASSAGE else sender

    def _signs(self, query: str, said: Said) -> _Signs:
        """`said` counts before the same part in the query."""
        if not query and said is NOTHING_SAID:
            return _NO_SIGNS
        parts = dict(zip(PARTS, said, strict=True))
        clicks: list[tuple[str, str]] = []
        mail_tool = ""
        for name, raw in _parameters(query):
            if (part := self._parts.get(name)) and not parts[part]:
                parts[part] = _tidy(part, _decoded(raw))
            elif name in self._clicks:
                clicks.append((name, _decoded(raw).strip()))
            elif not mail_tool:
                mail_tool = self._mail_marks.get(name, "")
        found = tuple(parts.values())
        if not clicks:
            return _Signs(found, mail_tool=mail_tool)
        kind, value = min(clicks, key=lambda click: self._clicks[click[0]].organic)  # the first paid one
        return _Signs(
            found, kind, value if len(value) <= CLICK_ID_CHARS_MAX else "", self._clicks[kind], mail_tool
        )

    def _channel_of(self, facts: tuple[str, str, str, str]) -> str:
        return next((rule.channel for rule in self._rules if rule.holds(facts)), "")


@cache
def kept_channels() -> Channels:
    """With no lists but the product's."""
    return Channels()


def _origin(signs: _Signs, sender: Sender | None) -> tuple[str, str]:
    """Source and medium: as the campaign names them, else by the click id, the mail tool, the referrer, in this order.

    A medium that is missing beside a source is not taken from elsewhere, unless a click id says that it was paid for.
    """
    source, medium, *_ = signs.said
    click = signs.click
    if source:
        return source, medium or (click.medium if click and not click.organic else "")
    if click:
        return click.source, medium or click.medium
    if signs.mail_tool:
        return signs.mail_tool, medium or "email"
    return (sender.source, medium or sender.medium) if sender else ("", medium)


def _asked(event: ParsedEvent) -> Asked | None:
    """None when it says nothing: nearly always."""
    context = event.context
    page, campaign = context.get("page"), context.get("campaign")
    if not page and not campaign and "referrer" not in context and event.packed.type not in _VIEWS:
        return None
    addresses = _addresses(event, page if isinstance(page, dict) else context)
    said = _stated(campaign) if campaign and isinstance(campaign, dict) else NOTHING_SAID
    by_link = bool(event.address) and bool(token_in(event.address[:ADDRESS_CHARS_MAX]))
    if said is NOTHING_SAID and not by_link and _is_inside(addresses):
        return None
    url, search, referrer = addresses
    # Without the path, which differs from event to event and says nothing.
    return _query(url) or search, _place(url), _place(referrer), said, by_link


def _is_inside(addresses: Addresses) -> bool:
    """Whether a page of a visit is left for another one of the same host, as nearly always, and says no more than that."""
    url, search, referrer = addresses
    if search or "?" in url or "#" in url:
        return False
    return not referrer or _place(referrer) == _place(url)


def _addresses(event: ParsedEvent, page: dict[str, Any]) -> Addresses:
    """Address, query and referrer of the page; of a view's properties where its context has none."""
    url, search, referrer = page.get("url"), page.get("search"), page.get("referrer")
    if url is None and event.packed.type in _VIEWS:
        properties = event.properties
        url, search = properties.get("url"), properties.get("search")
        referrer = properties.get("referrer") if referrer is None else referrer
    if isinstance(referrer, dict):  # an app's, as the specification's context.referrer has it
        referrer = referrer.get("url")
    return _bounded(url), _bounded(search), _bounded(referrer)


def _bounded(value: object) -> str:
    if not isinstance(value, str):
        return ""
    return value if len(value) <= ADDRESS_CHARS_MAX else value[:ADDRESS_CHARS_MAX]


def _stated(campaign: dict[str, Any]) -> Said:
    """The parts as `context.campaign` has them."""
    values = (campaign.get(member) for member in _MEMBERS)
    said = tuple(
        _tidy(part, text(value) if isinstance(value, str | int | float) else "")
        for part, value in zip(PARTS, values, strict=True)
    )
    return said if any(said) else NOTHING_SAID


def _decoded(raw: str) -> str:
    return unquote_plus(raw) if "%" in raw or "+" in raw else raw


def _tidy(part: str, value: str) -> str:
    value = value[: 2 * TEXT_CHARS_MAX].strip()[:TEXT_CHARS_MAX]
    return value.lower() if part in ("source", "medium") else value


def _place(address: str) -> str:
    """What names the host, so that pages of one site have one: up to the third slash."""
    end = -1
    for _ in range(3):
        end = address.find("/", end + 1)
        if end < 0:
            return address
    return address[:end]


def _query(url: str) -> str:
    """Query and fragment, which some put parameters into."""
    if "?" not in url and "#" not in url:
        return ""
    at, hash_at = url.find("?"), url.find("#")
    return url[hash_at if at < 0 or 0 <= hash_at < at else at :]


def _parameters(query: str) -> Iterator[tuple[str, str]]:
    """Names in lower case with their values as sent, those that have one."""
    parts = query.lstrip("?#").replace("?", "&").replace("#", "&").split("&", PARAMETERS_MAX)
    for part in parts[:PARAMETERS_MAX]:
        name, _, raw = part.partition("=")
        if raw:
            yield name.lower().removeprefix("amp;"), raw


def _parameter_names(own: ChannelLists, kept: ChannelLists) -> Iterator[tuple[str, str]]:
    for lists in (kept, own):
        for part, names in lists.parameters.items():
            yield from ((name.lower(), part) for name in names)


def _any_of(patterns: tuple[str, ...]) -> re.Pattern[str]:
    parts = (".*".join(map(re.escape, pattern.lower().split("*"))) for pattern in patterns)
    return re.compile("|".join(parts), re.DOTALL)
