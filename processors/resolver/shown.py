"""What a deployment's own steps are shown of an event, as JSON (docs/user_steps.md documents each field), and what follows.

Deliberately absent: node ids, the envelope as it was sent, and whatever a step could only misunderstand.
"""

from collections.abc import Sequence

import msgspec

from processors.events.ledger import DROPPED
from processors.events.mentions import Mentions
from processors.events.parsed import ParsedEvent, Refusal
from processors.resolver.resolved import NAMED_TYPES, Stamped, traits_of
from schemas.events.call import decode_json
from schemas.events.reasons import Reason
from schemas.events.user_steps import Answer, UserSteps
from schemas.identity.identifiers import ANONYMOUS, USER, text

_encode = msgspec.json.Encoder().encode


def shown(stamped: Stamped) -> bytes:
    event, about = stamped.event, stamped.about
    call, packed = event.call, event.packed
    return _encode(
        {
            "workspace": packed.workspace,
            "source": packed.source,
            "message_id": stamped.origin.message_id,
            "type": packed.type,
            "event": text(call.event) if packed.type == "track" else "",
            "name": text(call.name) if packed.type in NAMED_TYPES else "",
            "timestamp": event.times.happened,
            "received_at": event.received_at,
            "anonymous_id": _first(about, ANONYMOUS),
            "user_id": _first(about, USER),
            "group_id": "" if call.group_id is None else text(call.group_id),
            "properties": msgspec.Raw(call.properties if event.properties else b"{}"),
            "traits": msgspec.Raw(traits_of(event)),
            "context": msgspec.Raw(event.context_text if event.context else b"{}"),
            "stamps": stamped.stamps,
        }
    )


def _first(about: Mentions, kind: str) -> str:
    return next((found.value for found in about.stated if found.kind == kind), "")


def asked(steps: UserSteps, waiting: Sequence[Stamped]) -> list[ParsedEvent | Refusal | str]:
    """What becomes of each: the event to store, an outcome of the ledger, or why it is a dead letter."""
    answers = steps([shown(stamped) for stamped in waiting])
    return [_obeyed(stamped.stored, answer) for stamped, answer in zip(waiting, answers, strict=True)]


def _obeyed(event: ParsedEvent, answer: Answer) -> ParsedEvent | Refusal | str:
    if answer.reason is not None:
        return Refusal(answer.reason, answer.detail)
    if answer.is_dropped:
        return DROPPED
    try:
        return changed(event, answer.changes)
    except RecursionError:  # the steps' process could write it, from a frame less deep in the stack
        return Refusal(Reason.USER_STEP_FAILED, "what the steps made of it nests too deeply")


def changed(event: ParsedEvent, changes: dict[str, str]) -> ParsedEvent:
    """What is stored of it, with other objects in the place of its own."""
    for name, document in changes.items():
        content = document.encode()
        if name == "context":
            event = event.but(context=decode_json(content), context_text=content)
            continue
        call = msgspec.structs.replace(event.call, **{name: msgspec.Raw(content)})
        event = event.but(call=call, **{name: decode_json(content)})
    return event
