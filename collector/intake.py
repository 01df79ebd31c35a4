"""One request in, one reply and the records to keep out. Pure: no I/O, no clock, no randomness; any bytes give a reply.

A batch never fails for one bad event: the good ones are kept and the bad ones become dead letters. Absent: who the event's
person is (the resolver's and identity's business; an event without any identifier is accepted here), and delivery.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from collector.admission import refused_origin, set_aside
from collector.body import is_utf8, unpacked, with_whole_characters
from collector.connection import for_event
from collector.exchange import Intake, Request, Sources
from collector.guard import NO_SALT, Guard, guard_of
from collector.limits import Limits
from collector.paths import BATCH, CALLS
from collector.rejection import Refusal, dead_letter
from collector.replies import SUCCESS, method_not_allowed, not_found, refused
from collector.routing import plain_routing_id, routing_id
from collector.sender import read, sender_of, taken_apart
from collector.visitor import stamped
from schemas.events.call import ABSENT, CALL_TYPES, Batch, Call, decode_batch, decode_call
from schemas.events.pack import Connection, PackedEvent
from schemas.events.reasons import Reason
from schemas.identity.identifiers import text
from schemas.sources.sources import Source

NULL = bytes(ABSENT)
NOT_UTF8 = Refusal(Reason.INVALID_JSON, "the text is not UTF-8: encode it as UTF-8")


_ARRIVAL = (
    *("source", "received", "received_at", "ids", "limits", "kind"),
    *("from_browser", "connection", "anonymous_id", "sent_at", "context"),
)


class Arrival:
    """What all events of one request share. `kind` is the type that the path names, "" for a batch.

    `received` is the body before its characters were mended, for a dead letter; b"" when there is nothing whole to keep.
    `anonymous_id` is for events that have none: the one of the browser's cookie, else the one that its batch names.
    Never changed: `but` makes another one.
    """

    __slots__ = _ARRIVAL

    def __init__(  # noqa: PLR0913 - one for each field
        self,
        source: Source,
        received: bytes,
        received_at: int,
        ids: Iterator[str],
        limits: Limits,
        kind: str = "",
        from_browser: bool = False,
        connection: Connection | None = None,
        anonymous_id: str = "",
        sent_at: str = "",
        context: bytes = b"",
    ) -> None:
        self.source = source
        self.received = received
        self.received_at = received_at
        self.ids = ids
        self.limits = limits
        self.kind = kind
        self.from_browser = from_browser
        self.connection = connection
        self.anonymous_id = anonymous_id
        self.sent_at = sent_at
        self.context = context

    def but(self, **changes: Any) -> "Arrival":
        """The same arrival with other fields."""
        return Arrival(**({name: getattr(self, name) for name in _ARRIVAL} | changes))


# Below it is asked whether something is what it nearly always is, and not whether it is a refusal: of bytes, and of the very
# class of a thing, that is one comparison.


def accept(request: Request, *, now: int, ids: Iterator[str], sources: Sources, limits: Limits) -> Intake:
    """`now` is in ms since the epoch; `ids` gives the message ids of events that come without one."""
    return _take_in(request, now, ids, sources, limits)


def _take_in(request: Request, now: int, ids: Iterator[str], sources: Sources, limits: Limits) -> Intake:
    kind = CALLS.get(request.path)
    if kind is None:
        return Intake(not_found())
    if request.method != "POST":
        return Intake(method_not_allowed("POST", "OPTIONS"))
    unpacked_body = unpacked(request.body, request.content_encoding, limits.body_bytes_max)
    # Mended before the sender is looked for: half a character in a title must not hide the key that stands beside it.
    body = with_whole_characters(unpacked_body) if isinstance(unpacked_body, bytes) else unpacked_body
    source = sender_of(request, body, sources, now)
    if not isinstance(source, Source):
        return Intake(refused(source))
    visit = request.visit
    arrival = Arrival(
        source,
        unpacked_body if isinstance(unpacked_body, bytes) else _whole(request, unpacked_body),
        now,
        ids,
        limits,
        "" if kind == BATCH else kind,
        visit is not None,
        request.connection if limits.passes_address else None,
        "" if visit is None else visit.remembered,
    )
    guard = guard_of(source, request)
    intake = _accept(body, arrival) if guard is None else _accept_guarded(body, arrival, guard)
    refusal = refused_origin(source, request.origin) if request.origin else None
    return intake if refusal is None else _kept_aside(intake, refusal)


def _kept_aside(intake: Intake, refusal: Refusal) -> Intake:
    if intake.source is None or not intake.events:
        return intake
    letters = set_aside(intake.events, refusal, intake.source)
    return intake.but(
        reply=refused(refusal), events=[], letters=[*intake.letters, *letters], is_cookieless=True
    )


def _accept(body: bytes | Refusal, arrival: Arrival) -> Intake:
    if not isinstance(body, bytes):
        return _refuse_whole(body, arrival)
    return _accept_one(body, arrival) if arrival.kind else accept_batch(body, arrival)


def _accept_guarded(body: bytes | Refusal, arrival: Arrival, guard: Guard) -> Intake:
    if guard.lacks_salt:
        return Intake(NO_SALT)
    guarded = arrival.but(
        received=guard.shortened(arrival.received),
        connection=guard.shown(arrival.connection),
        anonymous_id=guard.visitor if guard.treatment.is_cookieless else arrival.anonymous_id,
    )
    return guard.outcome(_accept(body if isinstance(body, Refusal) else guard.shortened(body), guarded))


def _whole(request: Request, refusal: Refusal) -> bytes:
    # A body over the limit is not read to its end: there is nothing whole to keep.
    return b"" if refusal.reason is Reason.BODY_TOO_LARGE else request.body


def _accept_one(body: bytes, arrival: Arrival) -> Intake:
    event = read_event(body, arrival)
    if not isinstance(event, PackedEvent):
        return _refuse_whole(event, arrival)
    return Intake(SUCCESS, arrival.source, [event])


def _refuse_whole(refusal: Refusal, arrival: Arrival) -> Intake:
    received = arrival.received
    letters = [dead_letter(refusal, received, arrival.source, arrival.received_at)] if received else []
    return Intake(refused(refusal), arrival.source, [], letters)


def accept_batch(body: bytes, arrival: Arrival) -> Intake:
    """The body of `/v1/batch`, with whole characters."""
    batch = _read_batch(body)
    if isinstance(batch, Refusal):
        return _refuse_whole(batch, arrival)
    context = bytes(batch.context)
    shared = context if context.startswith(b"{") else b""
    if not is_utf8(shared):
        return _refuse_whole(NOT_UTF8, arrival)
    if refusal := _too_much(batch, shared, arrival.limits):
        return _refuse_whole(refusal, arrival)
    anonymous_id = arrival.anonymous_id or (text(batch.anonymous_id) if arrival.from_browser else "")
    arrival = arrival.but(anonymous_id=anonymous_id, sent_at=text(batch.sent_at), context=shared)
    return _sort(batch, arrival)


def _read_batch(body: bytes) -> Batch | Refusal:
    batch = read(decode_batch, body)
    if not isinstance(batch, Refusal) or (parts := taken_apart(batch, body)) is None:
        return batch
    head = read(decode_batch, parts.head)
    if isinstance(head, Refusal):
        return head
    return msgspec.structs.replace(head, batch=[msgspec.Raw(event) for event in parts.events])


def _too_much(batch: Batch, shared: bytes, limits: Limits) -> Refusal | None:
    if len(batch.batch) > limits.batch_events_max:
        return Refusal(
            Reason.BATCH_TOO_LONG,
            f"the batch has more than {limits.batch_events_max} events: send several smaller ones",
        )
    if len(shared) * len(batch.batch) > limits.shared_bytes_max:
        return Refusal(
            Reason.BODY_TOO_LARGE,
            f"the batch's context, counted once for each event, is larger than {limits.shared_bytes_max} bytes: "
            "send smaller batches",
        )
    return None


def _sort(batch: Batch, arrival: Arrival) -> Intake:
    events, letters = [], []
    for place, raw in enumerate(batch.batch):
        payload = bytes(raw)
        event = read_event(payload, arrival)
        if not isinstance(event, PackedEvent):
            placed = event._replace(detail=f"batch[{place}]: {event.detail}")
            letters.append(dead_letter(placed, payload, arrival.source, arrival.received_at))
        else:
            events.append(event)
    return Intake(SUCCESS, arrival.source, events, letters)


def read_event(payload: bytes, arrival: Arrival) -> PackedEvent | Refusal:
    """One event's JSON, already with whole characters, checked no further than the door needs."""
    if len(payload) > arrival.limits.event_bytes_max:
        return _event_too_large(arrival)
    if not is_utf8(payload):
        return NOT_UTF8
    call = read(decode_call, payload)
    if not isinstance(call, Call):
        return call
    kind = text(call.type) or arrival.kind
    if kind not in CALL_TYPES:
        return Refusal(
            Reason.UNKNOWN_TYPE,
            f"`type` is none of {', '.join(CALL_TYPES)}: name one of them",
            text(call.message_id),
        )
    if arrival.anonymous_id and not text(call.anonymous_id):
        payload = stamped(payload, arrival.anonymous_id)
        call = msgspec.structs.replace(call, anonymous_id=arrival.anonymous_id)
    return _packed(payload, call, kind, arrival)


def _packed(payload: bytes, call: Call, kind: str, arrival: Arrival) -> PackedEvent | Refusal:
    source = arrival.source
    message_id = text(call.message_id) or next(arrival.ids)
    own = bytes(call.context)
    shared = arrival.context if arrival.context and own == NULL else b""
    if shared and len(payload) + len(shared) > arrival.limits.event_bytes_max:
        return _event_too_large(arrival, message_id)
    workspace, context = source.workspace, shared or own
    routing = plain_routing_id(call, workspace) or _opened(call, kind, workspace, context, message_id)
    if not isinstance(routing, bytes):
        return routing._replace(message_id=message_id)
    return PackedEvent(
        workspace=workspace,
        source=source.id,
        routing=routing,
        type=kind,
        message_id=message_id,
        received_at=arrival.received_at,
        sent_at=arrival.sent_at,
        context=shared,
        payload=payload,
        unsigned_links=source.unsigned_links,
        connection=for_event(arrival.connection, context),
    )


def _opened(call: Call, kind: str, workspace: str, context: bytes, message_id: str) -> bytes | Refusal:
    return read(lambda raw: routing_id(call, kind, workspace, raw, message_id), context)


def _event_too_large(arrival: Arrival, message_id: str = "") -> Refusal:
    return Refusal(
        Reason.EVENT_TOO_LARGE,
        f"the event, with the context that its batch shares, is larger than {arrival.limits.event_bytes_max} bytes: "
        "send less in properties, traits or context",
        message_id,
    )
