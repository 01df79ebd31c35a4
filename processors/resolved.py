"""The resolved event: the public record of schemas/avsc/resolved_event_4.avsc, written from one event, whom it speaks of, and
what enrichment says of it.

JSON objects pass through as the bytes that the client sent, without identity parameters in addresses (parsed.py). The record is
written field by field, in the schema's order, from where each field stands: a mapping of all of them would cost as much again.
"""

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from processors.mentions import Mentions
from processors.parsed import JsonText, ParsedEvent, object_of
from schemas import identifiers
from schemas.avro import name, number, size, text, time
from schemas.call import Call, Scalar
from schemas.codec import RESOLVED_EVENT, header
from schemas.dead_letter import Lineage
from schemas.identifiers import ANONYMOUS, USER
from schemas.stamp_codec import encode_stamps
from schemas.stamps import Stamps
from schemas.withheld import is_withheld, written

NAMED_TYPES = frozenset({"page", "screen"})
SENDERS_REMEMBERED_MAX = 1_024
TITLES_REMEMBERED_MAX = 1_024
TITLE_CHARS_MAX = 128  # a longer one is not remembered

_NOTHING, _NO_OTHERS, _END = text(""), 2 * text(""), number(0)
_ONE, _PROFILE_SIZE = size(1), size(16)
_NO_OBJECT = b"{}"


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where an event comes from: the id under which it counts once, its place in the input, the node id of its routing id."""

    message_id: str
    lineage: Lineage
    visitor: int


class Whose(msgspec.Struct, frozen=True, gc=False):
    """Whose an event is, beside its `Mentions`: the node ids of the identifiers, the stated ones first; the profile hint in its
    public form; `previous_id` as it is to be stored.
    """

    subject: int
    nodes: list[int]
    profile: bytes
    previous_id: str


class Stamped(msgspec.Struct, frozen=True, gc=False):
    """An event that is going to be stored, with what enrichment says of it. `stored`: with its source, if it is diverted."""

    event: ParsedEvent
    about: Mentions
    origin: Origin
    stamps: Stamps
    stored: ParsedEvent


def resolved_event(
    event: ParsedEvent, about: Mentions, origin: Origin, whose: Whose, stamps: Stamps
) -> bytes:
    """In Confluent's wire format."""
    call, packed, times, lineage = event.call, event.packed, event.times, origin.lineage
    traits = traits_of(event)
    properties = call.properties if event.properties else _NO_OBJECT
    context = event.context_text if event.context else _NO_OBJECT
    integrations = _integrations(event)
    stated = about.stated
    values = [text(found.value) for found in stated]
    return b"".join(
        (
            _sender(packed.workspace, packed.source),
            text(origin.message_id),
            _titles(packed.type, call),  # type, event and name
            time(times.happened),
            time(event.received_at),
            time(times.sent),
            time(times.original),
            values[-1] if stated and stated[-1].kind == ANONYMOUS else _NOTHING,  # by authority: the last
            values[0] if stated and stated[0].kind == USER else _NOTHING,
            _NO_OTHERS
            if call.group_id is None and not whose.previous_id
            else _others(whose.previous_id, call.group_id),
            number(whose.subject),
            _PROFILE_SIZE,
            whose.profile,
            text(stamps.session_id) if stamps.session_id else _NOTHING,
            size(len(traits)),
            traits,
            size(len(properties)),
            properties,
            size(len(context)),
            context,
            size(len(integrations)),
            integrations,
            size(len(packed.payload)),
            packed.payload,
            _identifiers(about, whose.nodes, values),
            _numbers(whose.nodes[len(stated) :]) if about.claimed else _END,
            encode_stamps(stamps),
            _message(lineage.partition, lineage.offset),
            number(lineage.index),
        )
    )


def _integrations(event: ParsedEvent) -> JsonText:
    """As the client sent them; in one form where the sink of events must find them."""
    if not event.integrations:
        return _NO_OBJECT
    return written(event.integrations) if is_withheld(event.integrations) else event.call.integrations


@lru_cache(SENDERS_REMEMBERED_MAX)
def _sender(workspace: str, source: str) -> bytes:
    return header(RESOLVED_EVENT) + text(workspace) + text(source)


@lru_cache(1)
def _message(partition: int, offset: int) -> bytes:
    """One message brings many events."""
    return number(partition) + number(offset)


def _others(previous_id: str, group_id: Scalar) -> bytes:
    return text(previous_id) + text(identifiers.text(group_id))


def _titles(kind: str, call: Call) -> bytes:
    title = call.event if kind == "track" else call.name if kind in NAMED_TYPES else None
    if isinstance(title, str) and len(title) <= TITLE_CHARS_MAX:
        return _remembered_titles(kind, title)
    return _encoded_titles(kind, identifiers.text(title))


def _encoded_titles(kind: str, title: str) -> bytes:
    """The fields `type`, `event` and `name`."""
    title = title.strip()
    return text(kind) + (text(title) + _NOTHING if kind == "track" else _NOTHING + text(title))


_remembered_titles = lru_cache(TITLES_REMEMBERED_MAX)(_encoded_titles)


def traits_of(event: ParsedEvent) -> JsonText:
    """Of the call; for identify else those in `context.traits`, where some clients put them."""
    if event.traits:
        return event.call.traits
    if event.packed.type == "identify" and (traits := object_of(event.context.get("traits"))):
        return msgspec.json.encode(traits)
    return _NO_OBJECT


def _identifiers(about: Mentions, nodes: Sequence[int], values: list[bytes]) -> bytes:
    """Every id, those known by their hash alone too: what the event states can be told again from what is stored."""
    found = about.stated
    if len(found) == 1 and not about.claimed:  # most of all
        return b"".join((_ONE, number(nodes[0]), name(found[0].kind), values[0], _END))
    if about.claimed:
        found, values = found + about.claimed, values + [text(claim.value) for claim in about.claimed]
    if not found:
        return _END
    parts = [size(len(found))]  # one block, and the empty one that ends an array
    for identifier, node, value in zip(found, nodes, values, strict=True):
        parts += (number(node), name(identifier.kind), value)
    parts.append(_END)
    return b"".join(parts)


def _numbers(found: Sequence[int]) -> bytes:
    return b"".join((size(len(found)), *map(number, found), _END))
