"""Visits: the session that each event of a visitor falls into, and the first and the latest touch.

A session ends after a time of silence, at an arrival by another way (arrivals.py), and at midnight of a zone if one is set. Its
id is its visitor and its first millisecond, so that whoever sorts the stored events finds the same one. That is what the view
`sessions` does, which has the last word: here an event is told what was known when it passed. In order of event time the two
are equal. A late event gets the session that fits it best among the last few; it never ends or moves the newest one.

Which events take part: those that a visitor's own device tells. Views of pages and screens always do, other calls when their
context says where they were made (page, user agent, device or screen), which no library on a server does by itself. The visitor
must be one: not a blocked or suppressed id, and not an event that names nobody. Events of the same millisecond are in one
session, and the first that says how the visitor came speaks for all of them.

One value for each visitor under its node id, of bounded size (visit_state.py), read once and written once in a chunk.
"""

from collections.abc import Iterable
from functools import lru_cache

import msgspec

import schemas.values.octets as octets
from processors.enrichment.arrivals import NO_SIGNS, Arrival, arrival_of, kept_touch
from processors.enrichment.visit_state import (
    STAYS_MAX,
    Stay,
    Visitor,
    decode_visitor,
    encode_visitor,
    without,
)
from processors.events.mentions import Mentions
from processors.events.parsed import ParsedEvent
from processors.events.times import EPOCH, MILLISECOND, TIME_MAX
from schemas.identity.orders import EVERY_TARGET, Erase, Forget, Order, Suppress
from schemas.stream import Values
from schemas.values.zones import zone
from schemas.wire.stamps import NO_TOUCH, NO_VISIT, Touch, Visit

PREFIX = b"v"
VIEWS = frozenset({"page", "screen"})
DIRECT = Touch(channel="direct")  # of a session that nothing is known to have brought
NO_SESSION = ("", NO_VISIT)

_GRAIN_MS = 30_000  # since 1970 midnight is a multiple of this in every zone
_GRAINS_REMEMBERED_MAX = 8_192


class SessionRules(msgspec.Struct, frozen=True, kw_only=True):
    """Where sessions are cut; `midnight_zone` "" means not at midnight."""

    timeout_ms: int = 1_800_000
    new_on_campaign: bool = True
    midnight_zone: str = ""


@lru_cache(_GRAINS_REMEMBERED_MAX)
def _day(name: str, grain: int) -> int:
    return (EPOCH + grain * _GRAIN_MS * MILLISECOND).astimezone(zone(name)).toordinal()


def takes_part(event: ParsedEvent, about: Mentions) -> bool:
    """Whether an event belongs to a visit: a function of the event alone, and of what is suppressed."""
    packed = event.packed
    if packed.type not in VIEWS:
        said = event.context  # of what a visitor's device says of where it is
        if not (said.get("page") or said.get("userAgent") or said.get("device") or said.get("screen")):
            return False
    routing = packed.routing
    for found in about.stated:  # noqa: SIM110 - any() of a generator takes twice as long
        if found.node == routing:
            return True
    return False


class _Open:
    """A visitor within the chunk; `said` is what the events of the newest session are told, until something changes."""

    def __init__(self, key: bytes, kept: Visitor) -> None:
        self.key = key
        self.kept = kept
        self.said: tuple[str, Visit] | None = None
        self.is_changed = False


class Visits:
    """The visitors that one chunk touches."""

    def __init__(self, state: Values, rules: SessionRules) -> None:
        self._state = state
        self._timeout_ms = rules.timeout_ms
        self._new_on_campaign = rules.new_on_campaign
        self._midnight_zone = rules.midnight_zone
        self._open: dict[int, _Open] = {}  # in order: the same input gives the same changelog

    def of(self, event: ParsedEvent, about: Mentions, visitor: int, touch: Touch) -> tuple[str, Visit]:
        """Session id and visit of an event that is going to be stored; nothing where it takes no part."""
        if not takes_part(event, about):
            return NO_SESSION
        return self.at(visitor, event.times.happened, touch)

    def at(self, visitor: int, time: int, touch: Touch) -> tuple[str, Visit]:
        opened = self._open.get(visitor)
        if opened is None:
            opened = self._open[visitor] = self._opened(visitor)
        arrival = arrival_of(touch) if touch is not NO_TOUCH and touch.channel else None
        kept = opened.kept
        if kept.stays:
            newest = kept.stays[0]
            if time < newest.start:
                opened.is_changed, opened.said = True, None
                return _said(visitor, kept, self._late(kept, time, arrival), arrival)
        self._forward(opened, time, arrival)
        if opened.said is None:
            opened.said = _said(visitor, kept, kept.stays[0], arrival)
        return opened.said

    def _opened(self, visitor: int) -> _Open:
        key = PREFIX + octets.eight(visitor)
        return _Open(key, decode_visitor(self._state.get(key)))

    def obey(self, orders: Iterable[Order]) -> None:
        for order in orders:
            match order:
                case Forget(node=node, until=until, target=target) if target == EVERY_TARGET:
                    self.forget(node, 0, until)
                case Erase(node=node, since=since, until=until):
                    self.forget(node, since, until)
                case Suppress(node=node):
                    self.forget(node, 0, TIME_MAX)

    def forget(self, visitor: int, since: int, until: int) -> None:
        """What is known of these moments (ms, both inclusive)."""
        opened = self._open.get(visitor)
        before = opened if opened is not None else self._opened(visitor)
        if before.kept.stays:
            self._open[visitor] = opened = _Open(before.key, without(before.kept, since, until))
            opened.is_changed = True

    def save(self) -> None:
        for opened in self._open.values():
            if opened.is_changed and opened.kept.stays:
                self._state[opened.key] = encode_visitor(opened.kept)
            elif opened.is_changed:
                self._state.pop(opened.key, None)

    def _forward(self, opened: _Open, time: int, arrival: Arrival | None) -> None:
        """An event in or after the newest session."""
        kept = opened.kept
        newest = kept.stays[0] if kept.stays else None
        if newest is None or self._is_apart(newest.start + newest.lasted, time):
            _begin(kept, time, arrival)
            opened.is_changed, opened.said = True, None
            return
        ahead = time - newest.start
        if arrival and (ahead > newest.lasted or not (ahead or kept.touch)):
            opened.is_changed = True
            if self._arrive(kept, time, arrival):
                opened.said = None
        elif arrival and _first(kept, time, arrival):
            opened.is_changed, opened.said = True, None
        elif ahead > newest.lasted:
            newest.lasted, opened.is_changed = ahead, True

    def _arrive(self, kept: Visitor, time: int, arrival: Arrival) -> bool:
        """At the end of the newest session. Whether events are told something else from now on."""
        newest, before = kept.stays[0], kept.signs
        is_new = before.is_new(arrival)
        begins = is_new and self._new_on_campaign and time > newest.start
        tells = begins or not kept.touch
        if begins:
            _begin(kept, time, arrival)
        else:
            newest.lasted = time - newest.start
            kept.touch = kept.touch or arrival.kept
            tells = _first(kept, time, arrival) or tells
        kept.signs = before.after(arrival, is_new=is_new)
        return tells

    def _is_apart(self, end: int, time: int) -> bool:
        """Whether no session has both moments, whatever brought it."""
        if time - end > self._timeout_ms:
            return True
        name = self._midnight_zone
        return bool(name) and _day(name, time // _GRAIN_MS) != _day(name, end // _GRAIN_MS)

    def _late(self, kept: Visitor, time: int, arrival: Arrival | None) -> Stay:
        """Of an event before the newest session: a known one that it lies in, follows or precedes, else one of its own."""
        stays = kept.stays
        at = 1
        while at < len(stays) and stays[at].start > time:
            at += 1
        following = stays[at - 1]
        fits = not self._is_apart(time, following.start)
        if arrival:
            _first(kept, time, arrival)
            if at == 1:  # of the newest alone it is known what brought it
                fits = fits and not (self._new_on_campaign and kept.touch and kept.signs.is_new(arrival))
                if fits:
                    _adopt(kept, arrival)
                    return following
        if at < len(stays):
            before = stays[at]
            if not self._is_apart(before.start + before.lasted, time):
                before.lasted = max(before.lasted, time - before.start)
                return before
        return following if fits else _insert(stays, at, time)


def _begin(kept: Visitor, time: int, arrival: Arrival | None) -> None:
    number = kept.stays[0].number + 1 if kept.stays else 1
    kept.stays.insert(0, Stay(time, 0, number))
    del kept.stays[STAYS_MAX:]
    kept.signs, kept.touch = NO_SIGNS, b""
    if arrival:
        kept.signs = NO_SIGNS.after(arrival, is_new=True)
        kept.touch = arrival.kept
        _first(kept, time, arrival)


def _first(kept: Visitor, time: int, arrival: Arrival) -> bool:
    """The earliest touch that is known, whichever came first."""
    if kept.first and kept.first_at <= time:
        return False
    kept.first, kept.first_at = arrival.kept, time
    return True


def _adopt(kept: Visitor, arrival: Arrival) -> None:
    """What brought the newest session came after events of it."""
    if not kept.touch:
        kept.touch, kept.signs = arrival.kept, NO_SIGNS.after(arrival, is_new=True)


def _insert(stays: list[Stay], at: int, time: int) -> Stay:
    """A session that was not known between known ones: those after it count one more. The newest and this one stay."""
    found = Stay(time, 0, stays[at - 1].number)
    for stay in stays[:at]:
        stay.number += 1
    stays.insert(at, found)
    if len(stays) > STAYS_MAX:
        del stays[-1 if at < STAYS_MAX else -2]
    return found


def _said(visitor: int, kept: Visitor, stay: Stay, arrival: Arrival | None) -> tuple[str, Visit]:
    newest = kept_touch(kept.touch) if kept.touch else NO_TOUCH
    first = newest
    if kept.first is not kept.touch:  # nearly always it is
        first = kept_touch(kept.first) if kept.first else NO_TOUCH
    if stay is not kept.stays[0]:
        touch = kept_touch(arrival.kept) if arrival else NO_TOUCH
    elif kept.touch:
        touch = newest
    else:
        touch = DIRECT
    return f"{visitor:016x}-{stay.start:x}", Visit(
        number=stay.number,
        started_at=stay.start,
        touch=touch,
        first_touch=first,
        first_touch_at=kept.first_at,
    )
