"""The circuit breaker of a destination: whether it is worth asking now. Pure: time and chance are arguments.

Closed, attempts pass. After so many failures in a row, or when too large a share of the last ones failed, it opens, and nothing
passes for a while. Then it is half open: a few probes pass, and when they succeed it closes; a probe that fails opens it for
longer, up to a limit. Attempts that began in an earlier phase say nothing about this one: each carries the era it began in.
A destination may also ask for a pause itself; then it is open for that long.

Why not a library: those that are kept up (pybreaker, aiobreaker, purgatory) read the clock themselves, and guard calls instead
of answering questions.
"""

from typing import Literal

import msgspec

PAUSE_DOUBLINGS_MAX = 30
SPREAD = 0.2  # of a pause, by chance: so that many destinations behind one door do not come back together

Phase = Literal["closed", "open", "half-open"]


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    failures_max: int = 5  # in a row
    share_max: float = 0.5  # of the last `window`, once there are `window_min`
    window: int = 50
    window_min: int = 20
    pause_ms_min: int = 5_000
    pause_ms_max: int = 300_000
    probes_max: int = 2  # at once
    probes_min: int = 2  # that must succeed


class Circuit(msgspec.Struct, frozen=True, kw_only=True):
    """`outcomes`: of the last attempts, the newest last, True for a failure. `until_ms`: open till then. `openings`: since it was
    closed last. `probes`: on their way; `passed`: probes that succeeded."""

    phase: Phase = "closed"
    era: int = 0
    failures: int = 0
    outcomes: tuple[bool, ...] = ()
    until_ms: int = 0
    openings: int = 0
    probes: int = 0
    passed: int = 0


def wait_ms(circuit: Circuit, now_ms: int) -> int:
    """How long nothing passes for certain; 0 when something may."""
    return max(0, circuit.until_ms - now_ms) if circuit.phase == "open" else 0


def admitted(circuit: Circuit, rules: Rules, now_ms: int) -> tuple[Circuit, bool]:
    """Whether one attempt may begin now, in the era of the circuit that is returned."""
    if circuit.phase == "closed":
        return circuit, True
    if circuit.phase == "open":
        if now_ms < circuit.until_ms:
            return circuit, False
        return Circuit(phase="half-open", era=circuit.era + 1, openings=circuit.openings, probes=1), True
    if circuit.probes >= min(rules.probes_max, rules.probes_min - circuit.passed):
        return circuit, False
    return msgspec.structs.replace(circuit, probes=circuit.probes + 1), True


def succeeded(circuit: Circuit, rules: Rules, era: int) -> Circuit:
    if era != circuit.era:
        return circuit
    if circuit.phase == "closed":
        return msgspec.structs.replace(circuit, failures=0, outcomes=_added(circuit, rules, False))
    passed = circuit.passed + 1
    if passed >= rules.probes_min:
        return Circuit(era=circuit.era + 1)
    return msgspec.structs.replace(circuit, probes=circuit.probes - 1, passed=passed)


def failed(circuit: Circuit, rules: Rules, era: int, now_ms: int, chance: float) -> Circuit:
    """`chance`: of [0, 1)."""
    if era != circuit.era:
        return circuit
    if circuit.phase == "closed":
        found = msgspec.structs.replace(
            circuit, failures=circuit.failures + 1, outcomes=_added(circuit, rules, True)
        )
        if not _is_too_much(found, rules):
            return found
    return _opened(circuit, now_ms, _pause_ms(circuit, rules, chance))


def unsettled(circuit: Circuit, era: int) -> Circuit:
    """The attempt says nothing: it was cut off, or the failure was ours."""
    if era != circuit.era or circuit.phase != "half-open":
        return circuit
    return msgspec.structs.replace(circuit, probes=circuit.probes - 1)


def paused(circuit: Circuit, rules: Rules, era: int, now_ms: int, wish_ms: int) -> Circuit:
    """The destination asked to be left alone for so long: a pause as any other, which says nothing bad about it."""
    if era != circuit.era:
        return circuit
    opened = _opened(circuit, now_ms, min(max(wish_ms, 0), rules.pause_ms_max))
    return msgspec.structs.replace(opened, openings=circuit.openings)


def _added(circuit: Circuit, rules: Rules, is_failure: bool) -> tuple[bool, ...]:
    return (*circuit.outcomes, is_failure)[-rules.window :]


def _is_too_much(circuit: Circuit, rules: Rules) -> bool:
    if circuit.failures >= rules.failures_max:
        return True
    seen = len(circuit.outcomes)
    return seen >= rules.window_min and sum(circuit.outcomes) > rules.share_max * seen


def _opened(circuit: Circuit, now_ms: int, pause_ms: int) -> Circuit:
    return Circuit(
        phase="open", era=circuit.era + 1, until_ms=now_ms + pause_ms, openings=circuit.openings + 1
    )


def _pause_ms(circuit: Circuit, rules: Rules, chance: float) -> int:
    """Twice the last one, a little less by chance, never below the least."""
    full = min(rules.pause_ms_max, rules.pause_ms_min << min(circuit.openings, PAUSE_DOUBLINGS_MAX))
    return max(rules.pause_ms_min, int(full * (1 - SPREAD * chance)))
