"""How likely it is that no person sent an event: a score from 0 to 100, and why. Pure.

    crawler, headless, program, listed   the user agent (device.py): 100 each, they say so themselves
    webdriver                            the browser says that a program steers it: 100
    languages, size                      a browser that names no language, or has no size: 40 each
    hosting                              the address is in a network of machines, where a list is given: 40
    at_once                              a link was followed within seconds after its mail went out: 70

Scores of several signs add up. An event at or over the threshold is a bot's: `device.is_bot` says so, and reports and segments
leave it out unless they are asked. Nothing is dropped. What an address claims of a bot's event is left aside: scanners open the
links of a mail before its reader does, and are not the reader.

Deliberately absent: what only later events show, such as many links of one recipient at once (view `link_clicks`), and guesses
by pace: an honest importer is as fast as any bot.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec

from processors.enrichment.device import CRAWLER, HEADLESS, LISTED, PROGRAM
from processors.enrichment.hosting import NO_NETWORKS, Networks
from processors.events.parsed import ParsedEvent
from processors.events.times import parse_time
from schemas.wire.stamps import NO_BOT, Bot, Device

CLICK = "Link Clicked"
AT_ONCE_MS = 10_000
SCORE_MAX = 100
SIGNS_READ_MAX = 8
THRESHOLD = 70

HOSTING, AT_ONCE = "hosting", "at_once"
_SCORES = {CRAWLER: 100, HEADLESS: 100, PROGRAM: 100, LISTED: 100, HOSTING: 40, AT_ONCE: 70}
_SHOWN = {"webdriver": 100, "languages": 40, "size": 40}  # what the pixel may say in `context.signs`


class BotRules(msgspec.Struct, frozen=True, kw_only=True):
    """`networks` are asked for once a chunk: a list may be replaced while the processor runs."""

    threshold: int = THRESHOLD
    networks: Callable[[], Networks] = lambda: NO_NETWORKS


NO_BOT_RULES = BotRules()


def bot_of(event: ParsedEvent, by_agent: str, networks: Networks) -> Bot:
    """`by_agent`: what the user agent gives away, "" for nothing."""
    context = event.context
    is_click = event.call.event == CLICK
    if networks is NO_NETWORKS and not by_agent and not is_click and "signs" not in context:
        return NO_BOT  # nearly always
    reasons = [by_agent] if by_agent else []
    if "signs" in context:
        reasons += _signs(context["signs"])
    if networks and networks.holds(_address(event)):
        reasons.append(HOSTING)
    if is_click and _is_at_once(event):
        reasons.append(AT_ONCE)
    return _judged(tuple(reasons)) if reasons else NO_BOT


def as_judged(device: Device, bot: Bot, threshold: int) -> Device:
    """The device as it is shown. By its user agent alone a bot's is one already."""
    return device if device.is_bot or bot.score < threshold or bot is NO_BOT else _as_bot(device)


@lru_cache(1_024)
def _judged(reasons: tuple[str, ...]) -> Bot:
    score = sum(_SCORES.get(reason) or _SHOWN[reason] for reason in reasons)
    return Bot(score=min(score, SCORE_MAX), reasons=reasons)


@lru_cache(4_096)
def _as_bot(device: Device) -> Device:
    """The same object for the same device: the codec knows it again."""
    return msgspec.structs.replace(device, kind="bot", brand="", model="", is_bot=True)


def _signs(said: Any) -> list[str]:
    listed = said[:SIGNS_READ_MAX] if isinstance(said, list) else []
    return sorted({sign for sign in listed if isinstance(sign, str) and sign in _SHOWN})


def _address(event: ParsedEvent) -> str:
    """A visitor's, whole; a server's own address says nothing of whom it speaks for."""
    named = event.said_address or event.context.get("ip")
    if named and isinstance(named, str):
        return named
    connection = event.packed.connection
    return connection.address if connection is not None and connection.is_browser else ""


def _is_at_once(event: ParsedEvent) -> bool:
    said = event.properties.get("sent_at")
    sent = parse_time(said) if isinstance(said, str | int | float) else None
    return sent is not None and -AT_ONCE_MS <= event.received_at - sent <= AT_ONCE_MS
