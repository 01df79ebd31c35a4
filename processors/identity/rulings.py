"""Orders at a node: what people decided about it, before or after the facts that this is about.

*Forgetting* takes links out of the state, and lets none of them in again. *Unlinking* leaves them there, where they go on
to count for the limits, but not for the outcome: so the order in which facts and an unlink arrive changes nothing.
*Suppressing* is forgetting until the end of time. All of it is maxima and unions, like the rest of the state.

What forgetting cannot do: give back a later fact that had been folded into an earlier one of the same link. Whoever orders
it states the later facts again (docs/decisions/0025). Deliberately absent: `Erase`, which speaks of events, not of links.
"""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from processors.events.times import TIME_MAX
from processors.identity.facts import BOUNDARY, Derivation, Fact
from processors.identity.node_state import NEVER, RULINGS_MAX, NodeState, Rulings, runs_of
from schemas.identity.orders import EVERY_TARGET, Forget, Order, Suppress, Unlink

IdOf = Callable[[bytes], int]  # node key -> node id


def ruled(state: NodeState, orders: Sequence[Order], id_of: IdOf) -> NodeState:
    """The state after these; the very same object when they are known already."""
    before = state.rulings
    rulings = _united(before, orders) if orders else before
    if rulings == before:
        return state
    return msgspec.structs.replace(
        _without_forgotten(state, rulings, id_of), rulings=rulings, changes=state.changes + 1
    )


def admitted_facts(facts: list[Fact], rulings: Rulings, id_of: IdOf) -> list[Fact]:
    """Those that are not forgotten."""
    return [fact for fact in facts if not _is_forgotten(rulings, id_of, fact.target, fact.time)]


def admitted_derivations(derivations: list[Derivation], rulings: Rulings, id_of: IdOf) -> list[Derivation]:
    """Each without what is forgotten: as it replaces what its node said before, one that says nothing more is kept."""
    return [
        msgspec.structs.replace(
            derivation,
            targets={
                target: said
                for target, said in derivation.targets.items()
                if not _is_forgotten(rulings, id_of, target, said[0])
            },
        )
        for derivation in derivations
    ]


def standing(state: NodeState, id_of: IdOf) -> NodeState:
    """The state as its outcome sees it: without links to unlinked targets."""
    if not state.rulings.unlinked:
        return state
    gone = set(state.rulings.unlinked)
    return _filtered(state, lambda target, _: target == BOUNDARY or id_of(target) not in gone)


def _united(rulings: Rulings, orders: Iterable[Order]) -> Rulings:
    until, forgotten, unlinked = rulings.until, dict(rulings.forgotten), set(rulings.unlinked)
    for order in orders:
        match order:
            case Unlink(target=target):
                unlinked.add(target)
            case Suppress():
                until = max(until, TIME_MAX)
            case Forget(until=moment, target=target) if target == EVERY_TARGET:
                until = max(until, moment)
            case Forget(until=moment, target=target):
                forgotten[target] = max(forgotten.get(target, NEVER), moment)
    latest = sorted(forgotten.items(), key=lambda entry: (-entry[1], entry[0]))[:RULINGS_MAX]
    return Rulings(until, dict(sorted(latest)), sorted(unlinked)[:RULINGS_MAX])


def _is_forgotten(rulings: Rulings, id_of: IdOf, target: bytes, time: int) -> bool:
    if time <= rulings.until:
        return True
    return bool(rulings.forgotten) and time <= rulings.forgotten.get(id_of(target), NEVER)


def _without_forgotten(state: NodeState, rulings: Rulings, id_of: IdOf) -> NodeState:
    return _filtered(state, lambda target, time: not _is_forgotten(rulings, id_of, target, time))


def _filtered(state: NodeState, keeps: Callable[[bytes, int], bool]) -> NodeState:
    """`keeps` gets the target and the time of every link and stamp."""
    links = {
        strength: {target: time for target, time in targets.items() if keeps(target, time)}
        for strength, targets in state.links.items()
    }
    derived = {
        target: {via: word for via, word in said.items() if keeps(target, word[1])}
        for target, said in state.derived.items()
    }
    return msgspec.structs.replace(
        state,
        links={strength: targets for strength, targets in links.items() if targets},
        runs=runs_of(stamp for stamp in state.stamps if keeps(stamp[1], stamp[0])),
        derived={target: said for target, said in derived.items() if said},
    )
