"""What a visitor's browser asks for, and what becomes of its events by that and by the source's settings. Pure.

The strongest wish decides: an opt-out over everything, then a signal that the source lets drop, then what makes an event
cookieless. A consent weighs nothing against them: it says what a visitor allows, not that a signal was sent by mistake.

Deliberately absent: how an event is changed (guard.py), and wishes of servers: they speak for users whom no header describes.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Literal

import msgspec

from schemas.events.network import Kept
from schemas.sources.sources import ConsentRules, Privacy, Source

COOKIELESS: Literal["cookieless"] = "cookieless"
COOKIELESS_QUERY = "cookieless=1"
OPTED_OUT = "1"

State = Literal["", "pending", "granted", "denied"]
Fate = Literal["keep", "cookieless", "drop"]

_FATES: tuple[Fate, ...] = ("keep", "cookieless", "drop")
_KEPT: dict[str, Kept] = {"keep": "full", "truncate": "truncated", "drop": "none"}


class Dropped(StrEnum):
    """Why an event was taken and not kept: a label of the metric, so never rename one."""

    OPTOUT = "optout"
    GPC = "gpc"
    DNT = "dnt"
    CONSENT = "consent"
    NAMELESS = "nameless"  # a call that only says who somebody is, of a visitor who is taken without a name


class Wishes(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """What one request of a browser says. `cookieless`: its page asks to be taken so, by `?cookieless=1`."""

    gpc: bool = False
    dnt: bool = False
    optout: bool = False
    cookieless: bool = False


class Treatment(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """Of one request. `kept` is what may go on of network addresses; `signals` stand on its events; `consent` are the rules by
    which each event is judged, None where nobody is asked."""

    drop: Dropped | None = None
    is_cookieless: bool = False
    is_browser: bool = False
    kept: Kept = "full"
    signals: tuple[str, ...] = ()
    consent: ConsentRules | None = None


def wishes_of(headers: dict[str, str], query: str, optout_cookie: str) -> Wishes | None:
    """None when the request asks for nothing, as nearly all do."""
    if not ("sec-gpc" in headers or "dnt" in headers or "cookie" in headers or query):
        return None
    gpc, dnt = headers.get("sec-gpc", "") == "1", headers.get("dnt", "") == "1"
    optout = is_opted_out(headers.get("cookie", ""), optout_cookie)
    cookieless = bool(query) and COOKIELESS_QUERY in query.split("&")
    if not (gpc or dnt or optout or cookieless):
        return None
    return Wishes(gpc=gpc, dnt=dnt, optout=optout, cookieless=cookieless)


def is_opted_out(cookies: str, name: str) -> bool:
    return bool(name) and name in cookies and f"{name}={OPTED_OUT}" in map(str.strip, cookies.split(";"))


def treatment(source: Source, wishes: Wishes | None, is_browser: bool) -> Treatment | None:
    """None when its events pass as they are."""
    rules = source.privacy
    if wishes is None and source.consent is None and not rules.cookieless and rules.address == "keep":
        return None
    return _treated(source, wishes if wishes is not None and is_browser else Wishes(), is_browser)


def _treated(source: Source, said: Wishes, is_browser: bool) -> Treatment:
    rules = source.privacy
    is_cookieless = is_browser and (said.cookieless or rules.cookieless or _asks(said, rules, COOKIELESS))
    kept = _KEPT[rules.address]
    signals = {"gpc": said.gpc, "dnt": said.dnt, COOKIELESS: is_cookieless}
    return Treatment(
        drop=_why_dropped(said, rules),
        is_cookieless=is_cookieless,
        is_browser=is_browser,
        kept="truncated" if is_cookieless and kept == "full" else kept,
        signals=tuple(name for name, is_there in signals.items() if is_there),
        consent=source.consent,
    )


def _asks(said: Wishes, rules: Privacy, fate: str) -> bool:
    return (said.gpc and rules.gpc == fate) or (said.dnt and rules.dnt == fate)


def _why_dropped(said: Wishes, rules: Privacy) -> Dropped | None:
    if said.optout:
        return Dropped.OPTOUT
    if said.gpc and rules.gpc == "drop":
        return Dropped.GPC
    return Dropped.DNT if said.dnt and rules.dnt == "drop" else None


def consent_of(rules: ConsentRules, preferences: Mapping[str, Any]) -> State:
    """`preferences` are an event's `context.consent.categoryPreferences`, empty when it has none."""
    if not preferences:
        return "pending"
    return "granted" if preferences.get(rules.needed) is True else "denied"


def stronger(one: Fate, other: Fate) -> Fate:
    return max(one, other, key=_FATES.index)


def fate_of(rules: ConsentRules, state: State, is_browser: bool) -> Fate:
    """An event that a browser sends before a decision cannot wait here: it is kept, cookieless, unless `before` lets it pass. A
    server's event has had no visitor in front of it, so it is held only to a refusal."""
    if state == "denied":
        return rules.denied if is_browser else "drop" if rules.denied == "drop" else "keep"
    if state == "pending" and is_browser and rules.before != "send":
        return "cookieless"
    return "keep"
