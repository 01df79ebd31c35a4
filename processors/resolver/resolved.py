"""The resolved event: the public record of schemas/avsc/resolved_event_4.avsc, written from one event, whom it speaks of, and
what enrichment says of it.

JSON objects pass through as the bytes that the client sent, without identity parameters in addresses (parsed.py). The record is
written field by field, in the schema's order, from where each field stands: a mapping of all of them would cost as much again.
"""

from functools import lru_cache

import msgspec

from processors.events.mentions import Identifier, Mentions
from processors.events.parsed import JsonText, ParsedEvent, object_of
from schemas.events.call import Call, Scalar
from schemas.events.dead_letter import Lineage
from schemas.events.withheld import is_withheld, written
from schemas.identity import identifiers
from schemas.identity.identifiers import ANONYMOUS, USER
from schemas.wire.avro import Writer
from schemas.wire.codec import RESOLVED_EVENT, header
from schemas.wire.stamp_codec import put_stamps
from schemas.wire.stamps import Stamps

NAMED_TYPES = frozenset({"page", "screen"})
SENDERS_REMEMBERED_MAX = 1_024
TITLES_REMEMBERED_MAX = 1_024
TITLE_CHARS_MAX = 128  # a longer one is not remembered

_NO_OBJECT = b"{}"


class Origin:
    """Where an event comes from: the id under which it counts once, its place in the input, the node id of its routing id."""

    __slots__ = ("lineage", "message_id", "visitor")

    def __init__(self, message_id: str, lineage: Lineage, visitor: int) -> None:
        self.message_id = message_id
        self.lineage = lineage
        self.visitor = visitor


class Whose:
    """Whose an event is, beside its `Mentions`: the node ids of the identifiers, the stated ones first; the profile hint in its
    public form; `previous_id` as it is to be stored.
    """

    __slots__ = ("nodes", "previous_id", "profile", "subject")

    def __init__(self, subject: int, nodes: list[int], profile: bytes, previous_id: str) -> None:
        self.subject = subject
        self.nodes = nodes
        self.profile = profile
        self.previous_id = previous_id


class Stamped:
    """An event that is going to be stored, with what enrichment says of it. `stored`: with its source, if it is diverted."""

    __slots__ = ("about", "event", "origin", "stamps", "stored")

    def __init__(
        self, event: ParsedEvent, about: Mentions, origin: Origin, stamps: Stamps, stored: ParsedEvent
    ) -> None:
        self.event = event
        self.about = about
        self.origin = origin
        self.stamps = stamps
        self.stored = stored


def resolved_event(
    event: ParsedEvent, about: Mentions, origin: Origin, whose: Whose, stamps: Stamps
) -> bytes:
    """In Confluent's wire format."""
    call, packed, times, lineage = event.call, event.packed, event.times, origin.lineage
    record = Writer()
    record.raw(_sender(packed.workspace, packed.source))
    record.text(origin.message_id)
    record.raw(_titles(packed.type, call))  # type, event and name
    record.number(times.happened)
    record.number(event.received_at)
    record.number(times.sent)
    record.number(times.original)
    _put_ids(record, about.stated, whose.previous_id, call.group_id)
    record.number(whose.subject)
    record.sized(whose.profile)
    record.text(stamps.session_id)
    _put_objects(record, event)
    record.sized(packed.payload)
    _put_identifiers(record, about, whose.nodes)
    put_stamps(record, stamps)
    record.number(lineage.partition)
    record.number(lineage.offset)
    record.number(lineage.index)
    return record.written()


def _put_ids(record: Writer, stated: tuple[Identifier, ...], previous_id: str, group_id: Scalar) -> None:
    """The fields `anonymous_id` to `group_id`. The stated ids stand by authority: an anonymous one last, a user's first."""
    last, first = (stated[-1], stated[0]) if stated else (None, None)
    record.text(last.value if last is not None and last.kind == ANONYMOUS else "")
    record.text(first.value if first is not None and first.kind == USER else "")
    record.text(previous_id)
    record.text("" if group_id is None else identifiers.text(group_id))


def _put_objects(record: Writer, event: ParsedEvent) -> None:
    """The fields `traits` to `integrations`: as the client sent them."""
    record.sized(traits_of(event))
    record.sized(event.call.properties if event.properties else _NO_OBJECT)
    record.sized(event.context_text if event.context else _NO_OBJECT)
    record.sized(_integrations(event))


def _integrations(event: ParsedEvent) -> JsonText:
    """As the client sent them; in one form where the sink of events must find them."""
    if not event.integrations:
        return _NO_OBJECT
    return written(event.integrations) if is_withheld(event.integrations) else event.call.integrations


@lru_cache(SENDERS_REMEMBERED_MAX)
def _sender(workspace: str, source: str) -> bytes:
    record = Writer()
    record.raw(header(RESOLVED_EVENT))
    record.text(workspace)
    record.text(source)
    return record.written()


def _titles(kind: str, call: Call) -> bytes:
    title = call.event if kind == "track" else call.name if kind in NAMED_TYPES else None
    if isinstance(title, str) and len(title) <= TITLE_CHARS_MAX:
        return _remembered_titles(kind, title)
    return _encoded_titles(kind, identifiers.text(title))


def _encoded_titles(kind: str, title: str) -> bytes:
    """The fields `type`, `event` and `name`."""
    title = title.strip()
    record = Writer()
    record.text(kind)
    record.text(title if kind == "track" else "")
    record.text("" if kind == "track" else title)
    return record.written()


_remembered_titles = lru_cache(TITLES_REMEMBERED_MAX)(_encoded_titles)


def traits_of(event: ParsedEvent) -> JsonText:
    """Of the call; for identify else those in `context.traits`, where some clients put them."""
    if event.traits:
        return event.call.traits
    if event.packed.type == "identify" and (traits := object_of(event.context.get("traits"))):
        return msgspec.json.encode(traits)
    return _NO_OBJECT


def _put_identifiers(record: Writer, about: Mentions, nodes: list[int]) -> None:
    """The fields `identifiers` and `claimed`. Every id, those known by their hash alone too: what the event states can be told
    again from what is stored."""
    found, count = about.stated, len(about.stated)
    if about.claimed:
        found += about.claimed
    if found:
        record.number(len(found))
        for place, identifier in enumerate(found):
            record.number(nodes[place])
            record.text(identifier.kind)
            record.text(identifier.value)
    record.number(0)  # the empty block that ends an array
    if about.claimed:
        record.number(len(about.claimed))
        for node in nodes[count:]:
            record.number(node)
    record.number(0)
