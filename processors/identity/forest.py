"""The pointer forest: what one node knows, whom it points to, and what it tells others.

*State* is a join-semilattice over facts: unions, minima and "the latest 64", so that order and repetition change
nothing. *Outcome* is a pure function of the state. What a node derives for others flows strictly to more authority,
so it comes to rest; and nobody stores members: 100,000 devices that point to one e-mail cost that e-mail's node
nothing.

The caps keep what matters most: stronger before weaker, earlier before later; no facts can make a state larger than
`STATE_BYTES_MAX` (docs/decisions/0010). Deliberately absent: orders (rulings.py stands before and after); a report of
ids that unusually many devices share (a kiosk, a test id).
"""

from collections.abc import Iterable, Iterator
from hashlib import blake2b

import msgspec

from processors.events.authority import is_anonymous, rank, type_of
from processors.identity.facts import ASSERTED, BOUNDARY, CLAIMED, DERIVED, MERGED, Derivation, Fact
from processors.identity.node_state import (
    CONFLICTS_MAX,
    MERGES_MAX,
    PROVENANCES_MAX,
    STAMPS_MAX,
    TARGETS_MAX,
    Link,
    NodeState,
    Provenances,
    Stamp,
    runs_of,
)
from processors.identity.timeline import Segment, epochs, owners

VIA_BYTES = 16  # a provenance is only ever compared: its digest does, and costs a tenth of a long id

Targets = dict[bytes, tuple[int, int]]  # target -> (time, strength)


class Outcome(msgspec.Struct, frozen=True):
    """`owners` has one segment except for a contested anonymous id; `told` says per node what this one derives for it.

    `conflicts` are links that lost against a better one of their type, and so merge nobody, the best first.
    """

    owners: list[Segment]
    told: dict[bytes, Targets]
    conflicts: list[Link] = []


def apply(
    node: bytes, state: NodeState, facts: Iterable[Fact], derivations: Iterable[Derivation]
) -> NodeState:
    """The state after these; the very same object when they change nothing."""
    links = {strength: dict(targets) for strength, targets in state.links.items()}
    stamps = set(state.stamps)
    derived = {target: dict(said) for target, said in state.derived.items()}
    changes = sum(_add(node, links, stamps, fact) for fact in facts)
    changes += sum(_replace(node, derived, derivation) for derivation in derivations)
    if not changes:
        return state
    grown = msgspec.structs.replace(
        state,
        links=_capped(links),
        runs=runs_of(sorted(stamps)[-STAMPS_MAX:]),
        derived=_best_provenances(derived),
    )
    same = (grown.links, grown.runs, grown.derived) == (state.links, state.runs, state.derived)
    return state if same else msgspec.structs.replace(grown, changes=state.changes + changes)


def outcome(node: bytes, state: NodeState) -> Outcome:
    """A function of the facts in the state alone."""
    return _anonymous(node, state) if is_anonymous(node) else _strong(node, state)


def _add(node: bytes, links: dict[int, dict[bytes, int]], stamps: set[Stamp], fact: Fact) -> bool:
    if fact.target != BOUNDARY and rank(fact.target) >= rank(node):
        return False  # no step makes such a fact; it would be a circle
    changed = False
    if fact.stamp and (stamp := (fact.time, fact.target, fact.strength)) not in stamps:
        stamps.add(stamp)
        changed = True
    targets = links.setdefault(fact.strength, {})
    if fact.target != BOUNDARY and fact.time < targets.get(fact.target, fact.time + 1):
        targets[fact.target] = fact.time
        changed = True
    return changed


def _replace(node: bytes, derived: dict[bytes, Provenances], derivation: Derivation) -> bool:
    """The newest word of each `via` counts; {} takes it back."""
    via = blake2b(derivation.via, digest_size=VIA_BYTES).digest()
    before = [target for target, said in derived.items() if via in said]
    if any(derived[target][via][0] >= derivation.version for target in before):
        return False
    for target in before:
        del derived[target][via]
        if not derived[target]:
            del derived[target]
    targets = [target for target in derivation.targets if rank(target) < rank(node)]
    for target in targets:
        derived.setdefault(target, {})[via] = (derivation.version, *derivation.targets[target])
    return bool(before or targets)


def _capped(links: dict[int, dict[bytes, int]]) -> dict[int, dict[bytes, int]]:
    """The best of asserted and claimed links, and the earliest merges: the smallest of a union, so order does not matter."""
    stated = [link for strength in (ASSERTED, CLAIMED) for link in _as_links(strength, links)]
    kept = sorted(stated)[:TARGETS_MAX] + sorted(_as_links(MERGED, links))[:MERGES_MAX]
    found: dict[int, dict[bytes, int]] = {}
    for strength, time, target in kept:
        found.setdefault(strength, {})[target] = time
    return found


def _as_links(strength: int, links: dict[int, dict[bytes, int]]) -> Iterator[Link]:
    return ((strength, time, target) for target, time in links.get(strength, {}).items())


def _best_provenances(derived: dict[bytes, Provenances]) -> dict[bytes, Provenances]:
    """Only beyond the caps does something get lost, and it matters only if all that was kept is taken back later."""
    best = sorted((min(_by_strength(said)), target) for target, said in derived.items())[:TARGETS_MAX]
    return {target: _first(derived[target]) for _, target in best}


def _first(said: Provenances) -> Provenances:
    if len(said) <= PROVENANCES_MAX:
        return said
    return {via: said[via] for _, _, via in sorted(_by_strength(said))[:PROVENANCES_MAX]}


def _by_strength(said: Provenances) -> Iterator[Link]:
    return ((strength, time, via) for via, (_, time, strength) in said.items())


def _anonymous(node: bytes, state: NodeState) -> Outcome:
    claims = set(_claims(state))
    if len(claims) == 1 and (target := next(iter(claims))[1]) != BOUNDARY:  # most devices
        return Outcome([(0, target)], {})
    told: dict[bytes, Targets] = {}
    for epoch in epochs(claims):
        members = sorted(epoch.values(), key=lambda member: rank(member[0]))
        for target, time in members[1:]:
            _tell(told, target, members[0][0], (max(time, members[0][1]), DERIVED))
    return Outcome(owners(node, claims), told)


def _claims(state: NodeState) -> Iterator[Stamp]:
    yield from state.stamps
    for strength, targets in state.links.items():
        for target, time in targets.items():
            yield time, target, strength


def _strong(node: bytes, state: NodeState) -> Outcome:
    links = list(_all_links(state))
    if len(links) == 1:  # most e-mails
        return Outcome([(0, links[0][2])], {})
    winners = sorted(_winners(links), key=lambda link: rank(link[2]))
    if not winners:
        return Outcome([(0, node)], {})
    told: dict[bytes, Targets] = {}
    _, first_time, first = winners[0]
    for _, time, target in winners[1:]:
        strength = MERGED if type_of(target) == type_of(first) else DERIVED
        _tell(told, target, first, (max(time, first_time), strength))
    return Outcome([(0, first)], told, _losers(links, {target for _, _, target in winners}))


def _winners(links: list[Link]) -> Iterator[Link]:
    """Every merge, and of the other links the best one for each type of target: the losers do not merge anybody."""
    merged: dict[bytes, Link] = {}
    best: dict[bytes, Link] = {}
    for link in links:
        strength, _, target = link
        group, key = (merged, target) if strength == MERGED else (best, type_of(target))
        known = group.get(key)
        if known is None or _better(link) < _better(known):
            group[key] = link
    yield from merged.values()
    yield from (link for link in best.values() if link[2] not in merged)


def _losers(links: list[Link], won: set[bytes]) -> list[Link]:
    """The best link to each other target."""
    if len(won) == len(links):  # nearly always
        return []
    lost: dict[bytes, Link] = {}
    for link in sorted(links, key=_better):
        if link[2] not in won:
            lost.setdefault(link[2], link)
    return list(lost.values())[:CONFLICTS_MAX]


def _all_links(state: NodeState) -> Iterator[Link]:
    for strength, targets in state.links.items():
        yield from ((strength, time, target) for target, time in targets.items())
    for target, said in state.derived.items():
        strength, time, _ = min(_by_strength(said))
        yield strength, time, target


def _better(link: Link) -> tuple[int, int, tuple[int, bytes, bytes]]:
    return link[0], link[1], rank(link[2])


def _tell(told: dict[bytes, Targets], to: bytes, target: bytes, said: tuple[int, int]) -> None:
    targets = told.setdefault(to, {})
    targets[target] = min(targets.get(target, said), said)
