"""Sessions worked out plainly: all events of a visitor in order, nothing kept small, nothing remembered by hash."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import msgspec

from processors.enrichment.arrivals import arrival_of
from processors.enrichment.visits import SessionRules
from schemas.wire.stamps import NO_TOUCH, Touch

RULES = SessionRules()


class Seen(msgspec.Struct, frozen=True):
    """One event that takes part in a visit."""

    id: str
    visitor: int
    time: int
    touch: Touch = NO_TOUCH


class Place(msgspec.Struct, frozen=True):
    """Where an event belongs. `touch` and `first` are the session's and the visitor's, as known up to the event."""

    session_id: str
    started_at: int
    number: int
    touch: Touch
    first: Touch
    first_at: int


def origin(touch: Touch) -> tuple[str, ...]:
    return touch.source, touch.medium, touch.campaign, touch.click_id


def order(event: Seen) -> tuple[object, ...]:
    """Of one millisecond, what says how the visitor came goes first."""
    hashes = arrival_of(event.touch) if event.touch.channel else None
    return event.time, hashes is None, hashes and (hashes.origin, hashes.referrer), event.id


def places(events: Iterable[Seen], rules: SessionRules = RULES) -> dict[str, Place]:
    by_visitor: dict[int, list[Seen]] = defaultdict(list)
    for event in sorted(events, key=order):
        by_visitor[event.visitor].append(event)
    return {id: place for mine in by_visitor.values() for id, place in _places(mine, rules).items()}


def _places(events: list[Seen], rules: SessionRules) -> dict[str, Place]:
    found: dict[str, Place] = {}
    last, number, start = None, 0, 0
    touch, first, first_at = NO_TOUCH, NO_TOUCH, 0
    strong, before = NO_TOUCH, NO_TOUCH  # the session's own unless it is weak, and the latest of this stay
    for event in events:
        said = event.touch if event.time != last else NO_TOUCH
        begins = last is None or is_apart(last, event.time, rules)
        if begins:
            strong = before = NO_TOUCH
        is_new = bool(said.channel) and _is_new(said, strong, before)
        if begins or (is_new and rules.new_on_campaign):
            number, start, touch = number + 1, event.time, NO_TOUCH
        if said.channel:
            strong = (NO_TOUCH if is_new else strong) if _is_weak(said) else said
            before = said
            touch = touch if touch.channel else said
            first, first_at = (first, first_at) if first.channel else (said, event.time)
        session_id = f"{event.visitor:016x}-{start:x}"
        found[event.id] = Place(session_id, start, number, touch, first, first_at)
        last = event.time
    return found


def _is_weak(touch: Touch) -> bool:
    return bool(touch.referrer) and not touch.campaign and not touch.click_id


def _is_new(touch: Touch, strong: Touch, before: Touch) -> bool:
    if not _is_weak(touch):
        return not strong.channel or origin(touch) != origin(strong)
    return not before.channel or (origin(touch) != origin(before) and touch.referrer != before.referrer)


def is_apart(last: int, time: int, rules: SessionRules) -> bool:
    return time - last > rules.timeout_ms or _day(last, rules) != _day(time, rules)


def _day(time: int, rules: SessionRules) -> object:
    if not rules.midnight_zone:
        return None
    return datetime.fromtimestamp(time / 1000, UTC).astimezone(ZoneInfo(rules.midnight_zone)).date()
