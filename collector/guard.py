"""Keeps out of Kafka what a visitor's wishes, or the source's settings, let nobody store: the acts behind privacy.py. Pure.

Addresses, and the ids that a browser keeps, are taken out of a request's whole body before anything is made of it, so that a
dead letter has them no more than an event has. Where consent is asked for, each event is judged by what it says of it. An event
that is taken without a cookie is nobody's: it has the day's name of its browser, and no other.

Deliberately absent: what an event's properties say. Whoever puts a customer's number there means it to be stored.
"""

import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

from collector.daily import daily_id
from collector.exchange import Intake, Request
from collector.privacy import (
    COOKIELESS,
    Dropped,
    Fate,
    State,
    Treatment,
    consent_of,
    fate_of,
    stronger,
    treatment,
)
from collector.rejection import Letter
from collector.replies import SUCCESS, try_later
from schemas.events.network import Kept, cut, parsed_address, without_addresses_in
from schemas.events.pack import Connection, PackedEvent, Seen
from schemas.events.reasons import Reason
from schemas.identity.identifiers import ANONYMOUS, node_key
from schemas.sources.sources import Source
from schemas.wire.codec import decode, encode_dead_letter

RETRY_AFTER_S = 5
NO_SALT = try_later(
    Reason.KAFKA_UNAVAILABLE,
    "today's name of a visitor without a cookie cannot be made yet: send the same again after Retry-After",
    RETRY_AFTER_S,
)
# A text or a number, be it at the top or in a part; within a text the quotes are escaped, and nothing matches.
_ID = re.compile(rb'("(?:anonymousId|previousId)"\s*:\s*)(?:"(?:[^"\\]|\\.)*+"|[-+.0-9eE]++)', re.DOTALL)
_SAYS_CONSENT = b'"categoryPreferences"'
# Calls that do nothing but say who somebody is, and what says so in others: of a call, and of its context.
NAMING = frozenset({"identify", "group", "alias"})
NAMES = ("userId", "previousId", "groupId", "traits")
CONTEXT_NAMES = ("traits", "externalIds", "groupId")
_ESCAPE = b"\\u"  # of a name, too
_QUOTED_NAMES = tuple(f'"{name}"'.encode() for name in CONTEXT_NAMES)


class _Consent(msgspec.Struct, rename="camel", gc=False):
    category_preferences: Any = None


class _Context(msgspec.Struct, gc=False):
    consent: _Consent | None = None


class _Event(msgspec.Struct, gc=False):
    context: _Context | None = None


_event = msgspec.json.Decoder(_Event).decode
_context = msgspec.json.Decoder(_Context).decode
_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class Guard(msgspec.Struct, frozen=True, kw_only=True):
    """Of one request. `visitor` is its browser's name of today, "" when it needs none, or when the salt is not known."""

    treatment: Treatment
    visitor: str

    @property
    def lacks_salt(self) -> bool:
        return _needs_name(self.treatment) and not self.visitor

    def outcome(self, intake: Intake) -> Intake:
        """What is kept of it."""
        if self.treatment.drop is not None:
            dropped = {self.treatment.drop.value: len(intake.events) + len(intake.letters)}
            return Intake(SUCCESS, intake.source, dropped=dropped)
        judged = [self.judged(event) for event in intake.events]
        told = [self.judged_letter(letter) for letter in intake.letters]
        events = [event for event in judged if not isinstance(event, Dropped)]
        letters = [letter for letter in told if not isinstance(letter, Dropped)]
        dropped = Counter(why.value for why in (*judged, *told) if isinstance(why, Dropped))
        is_cookieless = any(event.seen is not None and COOKIELESS in event.seen.signals for event in events)
        return intake.but(events=events, letters=letters, dropped=dict(dropped), is_cookieless=is_cookieless)

    def shown(self, connection: Connection | None) -> Connection | None:
        return _shortened(connection, self.treatment.kept)

    def shortened(self, body: bytes) -> bytes:
        """A body without what may not go on."""
        if self.treatment.kept != "full":
            body = without_addresses_in(body, self.treatment.kept)
        return _renamed(body, self.visitor) if self.treatment.is_cookieless else body

    def judged(self, event: PackedEvent) -> PackedEvent | Dropped:
        """What is kept of an event; it says what was seen. What has to be nameless and cannot be made so is not kept."""
        treated, signals = self.treatment, self.treatment.signals
        state, fate = self._state_and_fate(event.payload, event.context)
        if fate == "drop":
            return Dropped.CONSENT
        if fate == COOKIELESS:
            if event.type in NAMING:
                return Dropped.NAMELESS
            try:
                event = _nameless(event, self.visitor)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                return Dropped.NAMELESS
            signals = signals if treated.is_cookieless else (*signals, COOKIELESS)
        return msgspec.structs.replace(event, seen=_seen(state, signals)) if state or signals else event

    def judged_letter(self, letter: Letter) -> Letter | Dropped:
        """The same of what was refused, as far as it can be read. What has to be nameless and cannot be made so is not kept."""
        record = decode(letter.value)
        _, fate = self._state_and_fate(record["payload"], b"")
        if fate == "drop":
            return Dropped.CONSENT
        if fate == "keep":
            return letter
        try:
            record["payload"] = _nameless_payload(record["payload"], self.visitor)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return Dropped.NAMELESS
        record["received_at"] = round(record["received_at"].timestamp() * 1_000)
        return msgspec.structs.replace(letter, value=encode_dead_letter(record))

    def _state_and_fate(self, payload: bytes, context: bytes) -> tuple[State, Fate]:
        treated = self.treatment
        fate: Fate = COOKIELESS if treated.is_cookieless else "keep"
        if treated.consent is None:
            return "", fate
        state = consent_of(treated.consent, _preferences(payload, context))
        return state, stronger(fate, fate_of(treated.consent, state, treated.is_browser))


def guard_of(source: Source, request: Request) -> Guard | None:
    """None when all passes as it is, as it does for nearly every request."""
    connection = request.connection
    treated = treatment(source, request.wishes, connection is not None and connection.is_browser)
    if treated is None:
        return None
    is_named = connection is not None and request.salt and _needs_name(treated)
    visitor = daily_id(request.salt, source, connection) if connection is not None and is_named else ""
    return Guard(treatment=treated, visitor=visitor)


def _needs_name(treated: Treatment) -> bool:
    """Whether an event of the request may have to be called by the day's name."""
    if treated.drop is not None or not treated.is_browser:
        return False
    return treated.is_cookieless or treated.consent is not None


@lru_cache(64)
def _seen(state: State, signals: tuple[str, ...]) -> Seen:
    return Seen(state=state, signals=signals)


def _shortened(connection: Connection | None, kept: Kept) -> Connection | None:
    if connection is None or kept == "full":
        return connection
    address = parsed_address(connection.address)
    return msgspec.structs.replace(connection, address=cut(address, kept) if address else "")


def _renamed(document: bytes, visitor: str) -> bytes:
    return _ID.sub(lambda member: member[1] + msgspec.json.encode(visitor), document)


def _nameless(event: PackedEvent, visitor: str) -> PackedEvent:
    """One event, after the door has read it. Its context may be its batch's."""
    return msgspec.structs.replace(
        event,
        payload=_nameless_payload(event.payload, visitor),
        context=_cut(_unnamed(event.context)),
        routing=node_key(event.workspace, ANONYMOUS, visitor),
        connection=_shortened(event.connection, "truncated"),
    )


def _nameless_payload(payload: bytes, visitor: str) -> bytes:
    """Raises what cannot be read as one event's object raises."""
    members = _members(payload)
    if "batch" in members:
        raise msgspec.DecodeError("several events, each with its own names")
    for name in NAMES:
        members.pop(name, None)
    if own := members.get("context"):
        members["context"] = msgspec.Raw(_unnamed(bytes(own)))
    members["anonymousId"] = msgspec.Raw(msgspec.json.encode(visitor))
    return _cut(msgspec.json.encode(members))


def _unnamed(context: bytes) -> bytes:
    if not any(name in context for name in _QUOTED_NAMES) and _ESCAPE not in context:
        return context
    try:
        members = _members(context)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return context  # no object: nobody is named there
    for name in CONTEXT_NAMES:
        members.pop(name, None)
    return msgspec.json.encode(members)


def _cut(document: bytes) -> bytes:
    return without_addresses_in(document, "truncated")


def _preferences(payload: bytes, shared: bytes) -> Mapping[str, Any]:
    """What an event says of categories, itself or by its batch's context; empty where it says nothing."""
    if _SAYS_CONSENT not in payload and _SAYS_CONSENT not in shared:
        return {}
    try:
        context = _context(shared) if shared else _event(payload).context
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}  # of another form: it says nothing that can be relied on
    said = (
        context.consent.category_preferences if context is not None and context.consent is not None else None
    )
    return said if isinstance(said, dict) else {}
