"""Quotas of rules, counted exactly: each rule has one partition that counts for all.

A firing sends its `Claim` there and waits for the `Grant`. What was answered once is answered again the same way, so a claim that
is repeated takes nothing. A day and a month are UTC's, and the moment of the claim says which. Test firings count by themselves.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b

import msgspec

from processors.actions.firing_state import KEY_BYTES, SEEN_MS, key_of
from processors.timers import Timers
from schemas.actions.action_work import Claim, Grant
from schemas.stream import State

QUOTA, ANSWERED = b"q", b"g"
PERIODS_KEPT = 3  # of each length: this one, the next of somebody's faster clock, and the last
_FORM = {"day": "%Y-%m-%d", "month": "%Y-%m"}

Used = Mapping[str, int]  # "day 2026-03-14" -> how many


class Answer(msgspec.Struct, array_like=True, frozen=True):
    granted: bool
    used: int
    until: int


_encode = msgspec.msgpack.Encoder().encode
_decode_used = msgspec.msgpack.Decoder(dict[str, int]).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


def period_of(per: str, at: int) -> str:
    form = _FORM.get(per, "")
    return f"{per} {datetime.fromtimestamp(at // 1000, UTC):{form}}" if form else per


def counted(used: Used, claim: Claim) -> tuple[bool, int, Used]:
    """(granted, how many are used then, the counts then). What is older than the periods that are kept is refused."""
    period = period_of(claim.per, claim.at)
    alike = sorted(each for each in used if each.partition(" ")[0] == claim.per)
    count = used.get(period, 0)
    is_forgotten = len(alike) >= PERIODS_KEPT and period < alike[0]
    if is_forgotten or count >= claim.max:
        return False, count, used
    after = {**used, period: count + 1}
    gone = [each for each in alike if each != period][: -(PERIODS_KEPT - 1)]
    return True, count + 1, {name: each for name, each in after.items() if name not in gone}


class Quotas:
    """Those of one partition, as one chunk needs them."""

    def __init__(self, state: State, timers: Timers) -> None:
        self._state = state
        self._timers = timers

    def grant(self, claim: Claim, now: int) -> Grant:
        answered = key_of(claim.id, ANSWERED)
        if known := self._state.get(answered):
            answer = _decode_answer(known)
            return Grant(id=claim.id, granted=answer.granted, used=answer.used)
        key = QUOTA + _hash(f"{claim.workspace}\0{claim.rule}")
        stored = self._state.get(key)
        granted, used, after = counted(_decode_used(stored) if stored else {}, claim)
        if granted:
            self._state[key] = _encode(after)
        until = self._timers.moment(now + SEEN_MS)
        self._state[answered] = _encode(Answer(granted, used, until))
        self._timers.set(until, answered)
        return Grant(id=claim.id, granted=granted, used=used)

    def due(self, key: bytes, now: int) -> None:
        stored = self._state.get(key)
        if stored and _decode_answer(stored).until <= now:
            del self._state[key]


def _hash(name: str) -> bytes:
    return blake2b(name.encode(), digest_size=KEY_BYTES - 1).digest()
