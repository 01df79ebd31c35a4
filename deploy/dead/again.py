"""What can be sent again of a dead letter, by the configuration of now. Pure.

What the collector refused or set aside passes the collector's own rules once more. What the resolver refused goes back as it
stood in `events.raw`, where that still has it: with what its batch and its connection said. Message ids are those of the first
time; an event without one gets it from its letter, so that it is the same one when the letter is sent twice.

Deliberately absent: what processors tell each other, and rows of sinks: an event of them would be another one. An action that was
given up is final, as every firing is.
"""

import hashlib
from collections.abc import Iterator
from itertools import chain, count

import msgspec

from collector.body import with_whole_characters
from collector.exchange import Intake
from collector.intake import Arrival, accept_batch, read_event
from collector.limits import Limits
from collector.quota import within_quota
from collector.rejection import Letter as NewLetter
from collector.rejection import Refusal
from collector.replies import SUCCESS
from collector.webhooks.webhook import sorted_out
from collector.webhooks.webhook_body import FORM, Delivery, scope_of
from collector.webhooks.webhook_mapping import BadWebhook, compile_webhook, mapped
from collector.webhooks.webhook_signature import secret_names
from deploy.dead.letters import Letter
from schemas.control import ControlState
from schemas.events.call import decode_batch
from schemas.events.dead_letter import Stage
from schemas.events.pack import PackedEvent, UnknownPackVersion, decode_pack
from schemas.events.reasons import Reason
from schemas.sources.webhooks import Webhook
from schemas.wire.codec import decode

CUT = "its payload was too large to be kept whole"
UNKNOWN_SOURCE = "its source is configured no more: put it back, or leave the letter"
OF_ORIGINS = "pages of an origin that the source did not know sent it: name --reason origin_not_allowed if they are yours"
BETWEEN = "processors told each other this: no event to send"
STORED = "a sink refused it as a row, and the resolver knows its id: a new event would be a duplicate"
UNREADABLE = "it is no pack that this release reads"
NO_WEBHOOK = "its source has no webhook any more"
UNWANTED = "no entry of its webhook wants it any more"
NEEDS_HEADERS = "its webhook reads headers or the address, which a letter does not have: ask its sender to deliver it again"
FINAL = (
    "an action that was given up is final: its letter has the request, and the rule fires for the next event"
)
OTHER = "it is of a stage that this release does not know"
_OF_STAGES: dict[str, str] = {
    Stage.COLLECTOR: "",
    Stage.RESOLVE: "",
    Stage.IDENTITY: BETWEEN,
    Stage.COMMERCE: BETWEEN,
    Stage.RULES: BETWEEN,
    Stage.ACTIONS: FINAL,
    Stage.SINK: STORED,
}
_OF_WEBHOOKS = (Reason.UNMAPPED, Reason.MAPPING_FAILED)
_HEADER_SCHEMES = ("shopify", "github", "standard", "woocommerce")  # whose senders' ids stand in headers


class Door(msgspec.Struct, frozen=True):
    """What decides now. `is_origin_meant`: whoever asks has named that reason, and so answers for those pages."""

    state: ControlState
    limits: Limits
    now: int
    is_origin_meant: bool


class Found(msgspec.Struct, frozen=True):
    """The events of one letter that can go, and why others cannot."""

    events: list[PackedEvent] = []
    whys: list[str] = []


def found_in(letter: Letter, door: Door, original: PackedEvent | None = None) -> Found:
    """`original`: the event as `events.raw` has it, of a letter of the resolver."""
    if original is not None:
        return Found([msgspec.structs.replace(original, message_id=letter.message_id)])
    if why := _OF_STAGES.get(letter.stage, OTHER):
        return Found(whys=[why])
    if letter.is_cut:
        return Found(whys=[CUT])
    if letter.reason == Reason.UNREADABLE_PACK:
        return _of_pack(letter)
    if letter.reason == Reason.ORIGIN_NOT_ALLOWED and not door.is_origin_meant:
        return Found(whys=[OF_ORIGINS])
    return _through_the_door(letter, door)


def _of_pack(letter: Letter) -> Found:
    """A release that is newer than the one that refused it may read it."""
    try:
        events = decode_pack(letter.payload).events
    except (msgspec.DecodeError, UnknownPackVersion, RecursionError):
        return Found(whys=[UNREADABLE])
    place = f"raw-{letter.lineage.partition}-{letter.lineage.offset}"  # as the resolver names them
    return Found(
        [
            msgspec.structs.replace(event, message_id=event.message_id or f"{place}-{index}")
            for index, event in enumerate(events)
        ]
    )


def _through_the_door(letter: Letter, door: Door) -> Found:
    webhook = door.state.webhook(letter.source)
    source = webhook.source if webhook is not None else door.state.source(letter.source)
    if source is None or source.workspace != letter.workspace:
        return Found(whys=[UNKNOWN_SOURCE])
    arrival = Arrival(
        source=source,
        received=letter.payload,
        received_at=letter.received_at,  # event times are corrected by it
        ids=_ids(letter),
        limits=door.limits,
    )
    if letter.reason in _OF_WEBHOOKS:
        intake = NO_WEBHOOK if webhook is None else _mapped(webhook, arrival)
    else:
        intake = _read(with_whole_characters(letter.payload), arrival)
    if isinstance(intake, str):
        return Found(whys=[intake])
    intake = within_quota(intake, door.state, door.now)
    return Found(intake.events, [_why(refused) for refused in intake.letters])


def _read(body: bytes | Refusal, arrival: Arrival) -> Intake | str:
    if isinstance(body, Refusal):
        return f"{body.reason}: {body.detail}"
    if _is_batch(body):
        intake = accept_batch(body, arrival)
        return intake.but(source=arrival.source)
    event = read_event(body, arrival)
    if isinstance(event, Refusal):
        return f"{event.reason}: {event.detail}"
    return Intake(SUCCESS, arrival.source, [event])


def _is_batch(body: bytes) -> bool:
    try:
        decode_batch(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True


def _mapped(webhook: Webhook, arrival: Arrival) -> Intake | str:
    if _needs_headers(webhook):
        return NEEDS_HEADERS
    is_json = arrival.received.lstrip().startswith((b"{", b"["))
    headers = {} if is_json else {"content-type": FORM}
    delivery = Delivery(method="POST", url="", headers=headers, body=arrival.received)
    scope = scope_of(delivery, arrival.limits.body_bytes_max, secret_names(webhook.signature))
    if isinstance(scope, Refusal):
        return f"{scope.reason}: {scope.detail}"
    try:
        mapping = compile_webhook(webhook)
    except BadWebhook as error:
        return str(error)
    found = mapped(mapping, scope)
    if not (found.calls or found.failures):
        return UNWANTED
    events, letters = sorted_out(found, arrival)
    return Intake(SUCCESS, arrival.source, events, letters)


def _needs_headers(webhook: Webhook) -> bool:
    document = msgspec.json.encode(webhook)
    is_own_id = webhook.signature.scheme in _HEADER_SCHEMES and any(
        entry.message_id is None for entry in webhook.events
    )
    return is_own_id or b"headers." in document or b"query." in document


def _ids(letter: Letter) -> Iterator[str]:
    """The same ones for the same letter."""
    told = f"{letter.workspace}|{letter.source}|{letter.received_at}|".encode()
    digest = hashlib.blake2b(told + letter.payload, digest_size=16).hexdigest()
    made = (f"dead-{digest}-{number}" for number in count())
    return chain([letter.message_id], made) if letter.message_id else made


def _why(refused: NewLetter) -> str:
    return f"{refused.reason}: {decode(refused.value)['detail']}"
