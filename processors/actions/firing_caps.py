"""Caps: how often a rule fires for one person, within any stretch of a length, or once for ever.

For each person and rule stand the moments at which it fired, as many as its caps can ask for. A firing takes its place when it is
about to be sent, and gives it back when it is not sent after all. Two firings that are as far apart as the stretch
is long are not within it. Which version of the rule fired is no matter. Test firings count among themselves. What fired for
the person while they were known as another profile comes with the firing (`elsewhere`) and counts too.
"""

from collections.abc import Sequence
from hashlib import blake2b

import msgspec

from processors.actions.firing_state import CAPPED, KEY_BYTES, ONCE
from processors.timers import Timers
from schemas.actions.action_work import Firing
from schemas.rules.rules import Limits, Rule
from schemas.segments.segments import duration_ms
from schemas.stream import State

CAPS = b"c"


class Fired(msgspec.Struct, array_like=True, frozen=True):
    """`at`, ascending. `once`: remembered for ever. `kept_ms`: the longest stretch. `timed_at`: when its timer comes."""

    at: tuple[int, ...] = ()
    once: bool = False
    kept_ms: int = 0
    timed_at: int = 0


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Fired).decode


def refusal(limits: Limits, fired: Fired, elsewhere: Sequence[int], now: int) -> str:
    """Why it may not fire now; "" when it may."""
    if limits.once and (fired.once or fired.at or elsewhere):
        return ONCE
    for cap in limits.caps:
        since = now - duration_ms(cap.within)
        if sum(1 for each in (*fired.at, *elsewhere) if each > since) >= cap.max:
            return CAPPED
    return ""


def with_firing(limits: Limits, fired: Fired, at: int) -> Fired:
    kept_ms = max((duration_ms(cap.within) for cap in limits.caps), default=0)
    most = max((cap.max for cap in limits.caps), default=0)
    moments = tuple(each for each in (*fired.at, at) if each > at - kept_ms)
    return msgspec.structs.replace(
        fired, at=moments[-most:] if most else (), once=fired.once or limits.once, kept_ms=kept_ms
    )


def without_firing(limits: Limits, fired: Fired, at: int) -> Fired:
    """It was not sent after all."""
    rest = list(fired.at)
    if at in rest:
        rest.remove(at)
    return msgspec.structs.replace(fired, at=tuple(rest), once=fired.once and not limits.once)


class Caps:
    """Those of one partition, as one chunk needs them."""

    def __init__(self, state: State, timers: Timers) -> None:
        self._state = state
        self._timers = timers

    def take(self, firing: Firing, rule: Rule, now: int) -> tuple[str, int]:
        """(why not, "" when it was taken; its moment, 0 when there is nothing to take)"""
        limits = rule.limits
        if not limits.caps and not limits.once:
            return "", 0
        key = _key(firing, rule)
        fired = self._of(key)
        at = max(now, *fired.at) if fired.at else now  # moments never go back
        if why := refusal(limits, fired, firing.elsewhere, at):
            return why, 0
        self._set(key, with_firing(limits, fired, at))
        return "", at

    def give_back(self, firing: Firing, rule: Rule, at: int) -> None:
        key = _key(firing, rule)
        self._set(key, without_firing(rule.limits, self._of(key), at))

    def due(self, key: bytes, now: int) -> None:
        """Its timer has come: what nobody asks for any more goes."""
        fired = self._of(key)
        if fired.timed_at > now:
            return
        kept = tuple(each for each in fired.at if each > now - fired.kept_ms)
        self._set(key, msgspec.structs.replace(fired, at=kept, timed_at=0))

    def _of(self, key: bytes) -> Fired:
        stored = self._state.get(key)
        return _decode(stored) if stored else Fired()

    def _set(self, key: bytes, fired: Fired) -> None:
        if not fired.at and not fired.once:
            self._state.pop(key, None)
            return
        if fired.at and not fired.timed_at:
            moment = self._timers.moment(fired.at[-1] + fired.kept_ms)
            self._timers.set(moment, key)
            fired = msgspec.structs.replace(fired, timed_at=moment)
        self._state[key] = _encode(fired)


def _key(firing: Firing, rule: Rule) -> bytes:
    name = f"{firing.workspace}\0{rule.rule}\0{rule.mode == 'test'}\0{firing.profile:x}"
    return CAPS + blake2b(name.encode(), digest_size=KEY_BYTES - 1).digest()
