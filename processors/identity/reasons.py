"""Why two identifiers are not one person: what divides them, on the way on which events connect them.

Events connect more than identity joins. On the connecting way with the fewest breaks each break has one of these reasons:

    unconnected      no event connects them at all
    beaten           a link lost against a better one to the same kind of id (merge protection)
    claim_ignored    a page's address claimed it, and the device was identified by calls
    second_id        another id of one kind came in between on a device: another person
    logout           a logout came in between on a device
    suppressed       an order says that one of the two is no identifier any more
    unlinked         an order parts the two for ever
    forgotten        an order took the link out
    beyond_cap       the node has more links than are kept
"""

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from processors.events.authority import is_anonymous, rank, type_of
from processors.identity.facts import ASSERTED, BOUNDARY, MERGED
from processors.identity.settled import Link, Settled
from processors.identity.steps import Step, claim_step, epochs_of, step_of
from processors.identity.timeline import Claim, for_epochs

UNCONNECTED, BEATEN, CLAIM_IGNORED = "unconnected", "beaten", "claim_ignored"
SECOND_ID, LOGOUT = "second_id", "logout"
SUPPRESSED, UNLINKED, FORGOTTEN, BEYOND_CAP = "suppressed", "unlinked", "forgotten", "beyond_cap"


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """`lost` and `won` are links of `node`: what did not count, and what counted instead. `at` is the dividing moment (ms)."""

    kind: str
    node: bytes
    target: bytes
    lost: Step | None = None
    won: Step | None = None
    at: int | None = None


def reasons(settled: Settled, a: bytes, b: bytes) -> list[Reason]:
    """At least one, when the two are never one person."""
    path = _path(settled, a, b)
    if not path:
        return [Reason(kind=UNCONNECTED, node=a, target=b)]
    found: list[Reason] = []
    for before, here, after in zip([b"", *path], path, [*path[1:], b""], strict=False):
        if before and after and settled.is_contested(here) and _are_apart(settled, before, after):
            found += _divided(settled, here, before, after)
        if after and _are_apart(settled, here, after):
            found += _of_edge(settled, here, after)
    return _distinct(found)


def _path(settled: Settled, a: bytes, b: bytes) -> list[bytes]:
    """The way over links that events stated with the fewest that join nobody; [] when there is none."""
    beside: dict[bytes, set[bytes]] = {}
    for node in settled.facts:
        for target in settled.neighbours(node):
            beside.setdefault(node, set()).add(target)
            beside.setdefault(target, set()).add(node)
    came: dict[bytes, bytes] = {}
    waiting: deque[tuple[bytes, bytes]] = deque([(a, a)])
    while waiting:
        node, before = waiting.popleft()
        if node in came:
            continue
        came[node] = before
        for other in sorted(beside.get(node, ()), reverse=True):
            breaks = _are_apart(settled, node, other)
            waiting.append((other, node)) if breaks else waiting.appendleft((other, node))
    return list(reversed(list(_back(came, a, b)))) if b in came else []


def _are_apart(settled: Settled, one: bytes, other: bytes) -> bool:
    """Never one person, at no time."""
    return not settled.roots(one) & settled.roots(other)


def _back(came: dict[bytes, bytes], a: bytes, b: bytes) -> Iterator[bytes]:
    node = b
    while node != a:
        yield node
        node = came[node]
    yield a


def _of_edge(settled: Settled, one: bytes, other: bytes) -> list[Reason]:
    low, high = (one, other) if other in settled.neighbours(one) else (other, one)
    return _of_device(settled, low, high) if is_anonymous(low) else _of_strong(settled, low, high)


def _of_strong(settled: Settled, low: bytes, high: bytes) -> list[Reason]:
    """The link lost; or it joins `high` to the owner of `low`, and that derived link lost."""
    link = settled.best(low, high)
    if link is None:
        return [_missing(settled, low, high)]
    winner = _winner(settled, low, high)
    if winner != link:
        lost, won = step_of(settled, low, link), step_of(settled, low, winner)
        return [Reason(kind=BEATEN, node=low, target=high, lost=lost, won=won)]
    owner = settled.tenures(low)[0].owner
    return _of_strong(settled, high, owner)


def _winner(settled: Settled, node: bytes, target: bytes) -> Link:
    """The link that counts for this target: its own when it is a merge, else the best to its kind of id."""
    links = settled.links(node)
    merges = [link for link in links if link.strength == MERGED and link.target == target]
    same_kind = [
        link for link in links if link.strength != MERGED and type_of(link.target) == type_of(target)
    ]
    return (merges or same_kind)[0]


def _of_device(settled: Settled, device: bytes, target: bytes) -> list[Reason]:
    """The claim counts for no time: it was ignored, or its epoch is not that of an owner."""
    if settled.best(device, target) is None:
        return [_missing(settled, device, target)]
    owner = next((each.owner for each in settled.tenures(device) if each.owner != device), None)
    if owner is None:  # a login and a logout at the very first moment that there is
        return [Reason(kind=LOGOUT, node=device, target=target, at=0)]
    return _divided(settled, device, target, owner)


def _missing(settled: Settled, node: bytes, target: bytes) -> Reason:
    """A link that events stated and that the node does not have."""
    kind = BEYOND_CAP
    if settled.is_suppressed(node) or settled.is_suppressed(target):
        kind = SUPPRESSED
    elif settled.is_unlinked(node, target):
        kind = UNLINKED
    elif settled.is_forgotten(node, target):
        kind = FORGOTTEN
    return Reason(kind=kind, node=node, target=target)


def _divided(settled: Settled, device: bytes, one: bytes, other: bytes) -> list[Reason]:
    """Why a device does not join two ids that it was linked to."""
    counted = for_epochs(settled.timeline(device))
    for target in (one, other):
        if all(claim[1] != target for claim in counted):
            return [_ignored(settled, device, target)]
    for epoch in epochs_of(settled, device):
        members = [target for target, _ in epoch.values()]
        if one in members and other in members:
            return _within_epoch(settled, min(members, key=rank), (one, other))
    return [_between(settled, device, counted, one, other)]


def _ignored(settled: Settled, device: bytes, target: bytes) -> Reason:
    """An address claimed a kind of id that calls asserted on this device."""
    link = settled.best(device, target)
    if link is None:
        return _missing(settled, device, target)
    asserted = next(
        each
        for each in settled.links(device)
        if each.strength == ASSERTED and type_of(each.target) == type_of(target)
    )
    lost, won = step_of(settled, device, link), step_of(settled, device, asserted)
    return Reason(kind=CLAIM_IGNORED, node=device, target=target, lost=lost, won=won)


def _within_epoch(settled: Settled, first: bytes, targets: Iterable[bytes]) -> list[Reason]:
    """The device said to each that it is the first one's; somebody had a better link."""
    found: list[Reason] = []
    for target in targets:
        if target != first and settled.root(target) != settled.root(first):
            found += _of_strong(settled, target, first)
    return found


def _between(settled: Settled, device: bytes, counted: list[Claim], one: bytes, other: bytes) -> Reason:
    """The nearest two claims of the two, and what stands between them."""
    places = {
        target: [at for at, claim in enumerate(counted) if claim[1] == target] for target in (one, other)
    }
    start, end = min(
        (sorted((here, there)) for here in places[one] for there in places[other]),
        key=lambda span: span[1] - span[0],
    )
    lost, won = (claim_step(settled, device, counted[at][1], counted[at][0]) for at in (start, end))
    divider = next(at for at in _dividers(counted) if at > start)
    kind = LOGOUT if counted[divider][1] == BOUNDARY else SECOND_ID
    return Reason(kind=kind, node=device, target=other, lost=lost, won=won, at=counted[divider][0])


def _dividers(counted: list[Claim]) -> Iterator[int]:
    """Where an epoch ends, as timeline.epochs has it."""
    current: dict[bytes, bytes] = {}
    for place, (_, target, _) in enumerate(counted):
        if target == BOUNDARY or current.get(type_of(target), target) != target:
            yield place
            current = {}
        if target != BOUNDARY:
            current[type_of(target)] = target


def _distinct(found: list[Reason]) -> list[Reason]:
    seen: dict[tuple[str, bytes, bytes], Reason] = {}
    for reason in found:
        seen.setdefault((reason.kind, reason.node, reason.target), reason)
    return list(seen.values())
