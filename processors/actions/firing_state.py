"""The state of a firing: where it is on its way, and what is needed to go on. Private: msgpack, versioned.

A firing waits (its delay, quiet hours, the pause before another attempt), is asked about again, claims some of its rule's
quota, is being sent, and ends: done, refused, failed, or as a test. What has ended leaves its id behind for `SEEN_MS`, in
few bytes, and nothing else.
"""

from hashlib import blake2b
from typing import Final

import msgspec

from schemas.actions.action_work import Firing
from schemas.topics import DAY_MS

VERSION = 1
SEEN_MS = 8 * DAY_MS  # a day longer than the topics keep what could bring it again

FIRING = b"f"
KEY_BYTES = 13  # such a letter and a hash
_UNTIL_BYTES = 6  # when it may be forgotten, in ms
_SEEN_BYTES = (
    _UNTIL_BYTES,
    _UNTIL_BYTES + 4,
)  # with how often it was shown, if it moved; no state is as short

# Where it is, while it is on its way.
WAITING: Final = "waiting"
ASKING: Final = "asking"
CLAIMING: Final = "claiming"
SENDING: Final = "sending"

# Where it ends.
DONE: Final = "done"
REFUSED: Final = "refused"
FAILED: Final = "failed"
TEST: Final = "test"

# Why it waits.
DELAY: Final = "delay"
QUIET_HOURS: Final = "quiet_hours"
RETRY: Final = "retry"
POSTPONED: Final = "postponed"

# Why it ends as it does.
CAPPED: Final = "capped"
ONCE: Final = "once"
EXPIRED: Final = "expired"
OVER_QUOTA: Final = "over_quota"
TOO_MANY_HOPS: Final = "too_many_hops"
FORGOTTEN: Final = "forgotten"
TEMPLATE_FAILED: Final = "template_failed"
NO_RECIPIENT: Final = "no_recipient"
GIVEN_UP: Final = "given_up"
REJECTED: Final = "rejected"
GONE: Final = "gone"


class FiringState(msgspec.Struct, array_like=True, frozen=True, kw_only=True):
    """`due_at`: when something is done about it unless something comes before. `timed_at`: when the timer comes that it has.

    `attempt` is the current one's number: sent, or the next to be. `tried`: attempts that were answered by the destination, or
    by its absence. `first_at`: when it was first sent. `slot_at`: what it took of its rule's caps. `must_ask`: it waited, and is
    asked about again before it is sent. `request` is made once, for all attempts. `is_out`: somebody may have the current
    attempt in hand.
    """

    version: int = VERSION
    firing: Firing
    phase: str
    due_at: int
    timed_at: int = 0
    seq: int = 0
    attempt: int = 1
    tried: int = 0
    postponed: int = 0
    first_at: int = 0
    slot_at: int = 0
    granted: bool = False
    must_ask: bool = False
    request: bytes = b""
    is_out: bool = False


class Seen(msgspec.Struct, array_like=True, frozen=True):
    """It has ended, or moved to another partition. `until`: its id is remembered. `moved_seq`: how often it was shown before it
    moved; 0: it did not."""

    until: int
    moved_seq: int = 0


class UnknownFiringVersion(ValueError):
    """A state of a later release: the process must be upgraded first."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(FiringState).decode


def key_of(firing_id: str, letter: bytes = FIRING) -> bytes:
    return letter + blake2b(firing_id.encode(), digest_size=KEY_BYTES - 1).digest()


def encode_state(state: FiringState | Seen) -> bytes:
    if isinstance(state, FiringState):
        return _encode(state)
    moved = state.moved_seq.to_bytes(4, "big") if state.moved_seq else b""
    return state.until.to_bytes(_UNTIL_BYTES, "big") + moved


def decode_state(value: bytes) -> FiringState | Seen:
    """Raises UnknownFiringVersion."""
    if len(value) in _SEEN_BYTES:
        until, moved = value[:_UNTIL_BYTES], value[_UNTIL_BYTES:]
        return Seen(int.from_bytes(until, "big"), int.from_bytes(moved, "big"))
    state = _decode(value)
    if state.version != VERSION:
        raise UnknownFiringVersion(f"firing state version {state.version}, this release reads {VERSION}")
    return state
