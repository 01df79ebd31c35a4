"""One packed event, read: its call, its context and its times, or the reason why it cannot be read.

The payload is decoded twice: as a `Call`, whose objects stay the text that was sent, and as a whole, for the objects that
name people and so that whatever passes here is JSON that every later reader accepts: numbers that fit, text that is
Unicode, nesting within the decoder's limit.

What is read is free of identity parameters (addresses.py), so whatever is made of it is, too. The page's address as it was
sent is kept apart, for those who look for such parameters; it is "" when there is none to find.
"""

from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from processors.events.addresses import may_name_people, without_identity
from processors.events.times import EventTimes, clamp, event_times
from schemas.events.call import CALL_TYPES, Call, decode_call, decode_json
from schemas.events.pack import PackedEvent
from schemas.events.reasons import Reason

Object = dict[str, Any]
JsonText = msgspec.Raw | bytes  # of the batch it is bytes


_FIELDS = (
    *("packed", "call", "times", "received_at", "context", "context_text"),
    *("traits", "properties", "integrations", "address", "said_address", "is_bots"),
)


class Refusal(NamedTuple):
    """Why an event becomes a dead letter; `detail` says in words what was wrong and where.

    No Struct: whether something is one is asked of each event several times, and of a Struct that takes 800 instructions.
    """

    reason: Reason
    detail: str


class ParsedEvent:
    """An object that is absent, or is none, is {}. Else the text of `context` is `context_text`, that of the others stands in
    the call.

    `address` is the page's with its identity parameters, "" without any. `said_address` is the network address that the
    context named before it was cut down to what is kept, "" where nothing was cut. `is_bots` is told of
    events with an `address` alone. Never changed: `but` makes another one.
    """

    __slots__ = _FIELDS

    def __init__(  # noqa: PLR0913 - one for each field
        self,
        packed: PackedEvent,
        call: Call,
        times: EventTimes,
        received_at: int,
        context: Object,
        context_text: JsonText,
        traits: Object,
        properties: Object,
        integrations: Object,
        address: str = "",
        said_address: str = "",
        is_bots: bool = False,
    ) -> None:
        self.packed = packed
        self.call = call
        self.times = times
        self.received_at = received_at
        self.context = context
        self.context_text = context_text
        self.traits = traits
        self.properties = properties
        self.integrations = integrations
        self.address = address
        self.said_address = said_address
        self.is_bots = is_bots

    def but(self, **changes: Any) -> "ParsedEvent":
        """The same event with other fields."""
        return ParsedEvent(**({name: getattr(self, name) for name in _FIELDS} | changes))


def parse(packed: PackedEvent) -> ParsedEvent | Refusal:
    """Read one event. The batch's context and `sentAt` apply where the event has none of its own."""
    event = _read(packed)
    if isinstance(event, Refusal) or not (may_name_people(packed.payload) or _context_may(event)):
        return event
    stripped = msgspec.structs.replace(
        packed, payload=_stripped(packed.payload), context=_stripped_context(packed.context)
    )
    if stripped == packed:
        return event
    clean = _read(stripped)
    assert isinstance(clean, ParsedEvent), "JSON without some characters of its texts is JSON"
    return clean.but(address=_page_address(event))


def _context_may(event: ParsedEvent) -> bool:
    """Of the batch's context, if the event uses it."""
    return isinstance(event.context_text, bytes) and may_name_people(event.context_text)


def _stripped(document: bytes) -> bytes:
    """A batch's context that the event does not use may be any bytes."""
    return without_identity(document.decode(errors="surrogateescape")).encode(errors="surrogateescape")


_stripped_context = lru_cache(1)(_stripped)  # a batch's is the same one for each of thousands of events


def _page_address(event: ParsedEvent) -> str:
    address = object_of(event.context.get("page")).get("url")
    return address if isinstance(address, str) else ""


def _read(packed: PackedEvent) -> ParsedEvent | Refusal:
    if packed.type not in CALL_TYPES:
        return Refusal(Reason.UNKNOWN_TYPE, f"type {packed.type!r}: expected one of {', '.join(CALL_TYPES)}")
    try:
        call = decode_call(packed.payload)
        document: Object = decode_json(packed.payload)
        context, context_text = _context(document.get("context"), call, packed.context)
    except msgspec.ValidationError as error:
        return Refusal(Reason.WRONG_TYPE, str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        return Refusal(Reason.INVALID_JSON, str(error))
    received_at = clamp(packed.received_at)
    return ParsedEvent(
        packed,
        call,
        event_times(call, received_at, packed.sent_at),
        received_at,
        context,
        context_text,
        traits=object_of(traits) if (traits := document.get("traits")) else {},
        properties=object_of(properties) if (properties := document.get("properties")) else {},
        integrations=object_of(others) if (others := document.get("integrations")) else {},
    )


def under_source(event: ParsedEvent, source: str) -> ParsedEvent:
    """The same event as if this source had sent it."""
    return event.but(packed=msgspec.structs.replace(event.packed, source=source))


def object_of(value: object) -> Object:
    """The value when it is a JSON object, else {}."""
    return value if isinstance(value, dict) else {}


def _context(own: object, call: Call, shared: bytes) -> tuple[Object, JsonText]:
    """The event's own, or the batch's."""
    if own is None and shared:
        return object_of(decode_json(shared)), shared.strip()
    return object_of(own), call.context
