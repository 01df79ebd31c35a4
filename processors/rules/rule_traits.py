"""What a person's trait is, as far as some rule asks for it: the newest statement counts, by the event's own time and message id.
Pure functions of one remembered value.

What comes late changes nothing that is newer. A value that is too long is remembered by its hash: that it became another one is
seen, what it was is not.
"""

from hashlib import blake2b

import msgspec

from processors.rules.rule_operators import value_check
from schemas.rules.rule_facts import Occurrence
from schemas.rules.rules import TraitTrigger
from schemas.values.json_values import one_text

KEPT_MS = 400 * 24 * 3_600_000  # since the newest statement: what is said once a year is a change, or is none
STATED_BYTES_MAX = 2_000

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Value(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`value`: JSON, one text for each value. `timed_at` as of a wait."""

    person: int
    subject: int
    value: bytes
    time: int
    message_id: str
    timed_at: int = 0

    @property
    def comes_up_at(self) -> int:
        return self.time + KEPT_MS


def stated(before: Value | None, text: bytes, by: Occurrence) -> Value:
    """The same object when that changes nothing."""
    if before is not None and (by.time, by.message_id) <= (before.time, before.message_id):
        return before
    return Value(
        person=by.person,
        subject=by.subject,
        value=_one_text(text),
        time=by.time,
        message_id=by.message_id,
        timed_at=before.timed_at if before else 0,
    )


def is_change(before: Value | None, after: Value, trigger: TraitTrigger, at: int) -> bool:
    """Whether the trigger may want it. A first statement is one: before it there was nothing. What the value was before (`from`)
    is asked where all that the person stated is known, under whichever identifier: stage `confirm`."""
    if before is not None and before.value == after.value:
        return False
    return trigger.to is None or value_check(trigger.to.op, trigger.to.value)(_decode(after.value), at)


def _one_text(text: bytes) -> bytes:
    found = one_text(_decode(text))
    if len(found) <= STATED_BYTES_MAX:
        return found
    return _encode(blake2b(found, digest_size=16).hexdigest())
