"""What may be done with a firing now: sent, asked about again, left to wait, or given up. Pure."""

from typing import Final

import msgspec

from processors.actions.firing_state import DELAY, EXPIRED, GIVEN_UP, QUIET_HOURS, FiringState
from processors.actions.quiet_hours import quiet_until, zone_name
from processors.actions.retries import RETRIED_MS
from schemas.rules.rules import Limits
from schemas.segments.segments import duration_ms

STALE_MS = 300_000  # what was confirmed so long ago is asked about again before it is sent

GO: Final = "go"
ASK: Final = "ask"
WAIT: Final = "wait"
REFUSE: Final = "refuse"
FAIL: Final = "fail"


class Verdict(msgspec.Struct, frozen=True):
    """`why` of waiting, refusing and failing; `until` of waiting."""

    what: str
    why: str = ""
    until: int = 0


def ready_at(state: FiringState, limits: Limits) -> int:
    """Its delay is over."""
    return state.firing.at + (duration_ms(limits.delay) if limits.delay else 0)


def not_after(state: FiringState, limits: Limits) -> int:
    """The last moment of an attempt."""
    expires = state.firing.at + duration_ms(limits.expires_after)
    return min(expires, state.first_at + RETRIED_MS) if state.first_at else expires


def gate(state: FiringState, limits: Limits, now: int) -> Verdict:
    if now > not_after(state, limits):
        return Verdict(FAIL, GIVEN_UP) if state.first_at else Verdict(REFUSE, EXPIRED)
    if (ready := ready_at(state, limits)) > now:
        return Verdict(WAIT, DELAY, ready)
    if quiet := limits.quiet_hours:
        end = quiet_until(quiet, zone_name(quiet, state.firing.person.timezone), now)
        if end:
            return Verdict(WAIT, QUIET_HOURS, end) if quiet.then == "wait" else Verdict(REFUSE, QUIET_HOURS)
    return Verdict(ASK) if _is_stale(state, now) else Verdict(GO)


def _is_stale(state: FiringState, now: int) -> bool:
    """Of nobody too: the rule may be gone or switched to test."""
    return state.must_ask or (state.first_at > 0 and now - state.firing.confirmed_at >= STALE_MS)
