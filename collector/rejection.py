"""A client's mistake as a value, and the dead letter that keeps what was refused. Pure: mistakes are returned, never raised.

No detail quotes a value that a client sent: it names the place and the rule, so that it may be logged and answered.
"""

from typing import NamedTuple

import msgspec

from schemas.events.dead_letter import Cause, Sender, Stage, sendable_letter
from schemas.events.reasons import Reason
from schemas.sources.sources import Source
from schemas.wire.codec import encode_dead_letter


class Refusal(NamedTuple):
    """Why one event, or a whole request, is not accepted; `message_id` is "" when it could not be read.

    No Struct: each step asks whether it was given a refusal, nearly always in vain, and of a class whose own class is not `type`
    that takes Python twenty times as long.
    """

    reason: Reason
    detail: str
    message_id: str = ""


class Letter(msgspec.Struct, frozen=True):
    """One record of `events.dead`: the key and the Avro value."""

    source: str
    reason: Reason
    value: bytes


def dead_letter(refusal: Refusal, payload: bytes, source: Source, received_at: int) -> Letter:
    """`payload` is kept as it was received."""
    cause = Cause(Stage.COLLECTOR, refusal.reason, refusal.detail)
    sender = Sender(source.workspace, source.id, refusal.message_id, received_at)
    return Letter(source.id, refusal.reason, encode_dead_letter(sendable_letter(cause, sender, payload)))
