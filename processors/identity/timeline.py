"""Who owned an anonymous id when, and which of its targets belong together.

Claims and logouts stand in order of event time; at equal times the more authoritative target comes first, a logout
last.
*Ownership*: the last claim before or at t owns; before the first claim the first one does (this is the backfill,
without a limit in time); after a logout the next claim does, or nobody. If any claim is asserted, only asserted
ones count: a forwarded e-mail cannot steal a device that identifies.
*Epochs*: runs of claims without a logout and without two ids of one type. Targets of one epoch are one person's,
though no event named them together; two user ids or two e-mails on one device never are.
"""

from collections.abc import Iterable, Iterator

from processors.events.authority import rank, type_of
from processors.identity.facts import ASSERTED, BOUNDARY

Segment = tuple[int, bytes]  # valid from (ms), owner


Claim = tuple[int, bytes, int]  # time, target (`BOUNDARY` for a logout), strength
Epoch = dict[bytes, tuple[bytes, int]]  # type -> target, first time


def owners(node: bytes, claims: Iterable[Claim]) -> list[Segment]:
    """The segments of ownership in order, the first from 0; neighbours have different owners. Nobody is the node itself."""
    entries = for_ownership(claims)
    segments: list[Segment] = []
    gap = None
    for time, target, _ in entries:
        if target == BOUNDARY:
            gap = time if gap is None and segments else gap
        else:
            _put(segments, time if gap is None else gap, target)
            gap = None
    if gap is not None:
        _put(segments, gap, node)
    return segments or [(0, node)]


def epochs(claims: Iterable[Claim]) -> Iterator[Epoch]:
    """Per epoch its one target of each type."""
    current: Epoch = {}
    for time, target, _ in for_epochs(claims):
        kind = type_of(target)
        if target == BOUNDARY or current.get(kind, (target, 0))[0] != target:
            yield current
            current = {}
        if target != BOUNDARY:
            current.setdefault(kind, (target, time))
    yield current


def _put(segments: list[Segment], start: int, owner: bytes) -> None:
    if not segments:
        segments.append((0, owner))
        return
    if segments[-1][0] >= start:  # the earlier owner had it for no time at all
        segments.pop()
    if not segments or segments[-1][1] != owner:
        segments.append((start, owner))


def _ordered(claims: Iterable[Claim]) -> list[Claim]:
    return sorted(claims, key=lambda claim: (claim[0], claim[1] == BOUNDARY, rank(claim[1])))


def for_ownership(claims: Iterable[Claim]) -> list[Claim]:
    """What counts for who owned it, in order: only what was asserted, if anything was."""
    known = list(claims)
    if any(_is_assertion(claim) for claim in known):
        known = [claim for claim in known if _is_assertion(claim) or claim[1] == BOUNDARY]
    return _ordered(known)


def for_epochs(claims: Iterable[Claim]) -> list[Claim]:
    """What counts for which targets belong together, in order: without claims of a type that is also asserted."""
    known = list(claims)
    asserted = {type_of(claim[1]) for claim in known if _is_assertion(claim)}
    return _ordered(claim for claim in known if _is_assertion(claim) or type_of(claim[1]) not in asserted)


def _is_assertion(claim: Claim) -> bool:
    return claim[2] == ASSERTED and claim[1] != BOUNDARY
