"""What changed between two pointers of one node: which part of its time belongs to another owner now. Merges and splits alike.

A merge is the whole of a node's time going to somebody; a second login on a shared device takes the time from there on
from the first person; an unlink gives it back to the node itself. Owners here are direct: the owner's own owner may change by a
change of its own. Applied in the order of their versions, a node's changes make its pointer (docs/profile_changes.md).
"""

from collections.abc import Iterator, Sequence

import msgspec

from processors.events.times import TIME_MAX
from processors.identity.node_state import Owned


class Move(msgspec.Struct, frozen=True):
    """A node's time from `valid_from` (inclusive) to `valid_to` (exclusive), in ms, went from one owner to another (node ids)."""

    valid_from: int
    valid_to: int
    giver: int
    taker: int


def moves(before: Sequence[Owned], after: Sequence[Owned]) -> Iterator[Move]:
    """In order of time, as few as possible. Segments begin at 0 and leave no gap."""
    if len(before) == len(after) == 1 and before != after:  # nearly always
        yield Move(0, TIME_MAX, before[0][1], after[0][1])
        return
    last: Move | None = None
    for start, end, giver, taker in _pieces(before, after):
        if last and (last.valid_to, last.giver, last.taker) == (start, giver, taker):
            last = Move(last.valid_from, end, giver, taker)
            continue
        if last:
            yield last
        last = Move(start, end, giver, taker) if giver != taker else None
    if last:
        yield last


def _pieces(before: Sequence[Owned], after: Sequence[Owned]) -> Iterator[tuple[int, int, int, int]]:
    """From every moment at which one of them changes to the next, with both owners."""
    starts = sorted({start for start, _ in (*before, *after)})
    givers, takers = dict(before), dict(after)
    giver = taker = -1
    for start, end in zip(starts, [*starts[1:], TIME_MAX], strict=True):
        giver, taker = givers.get(start, giver), takers.get(start, taker)
        yield start, end, giver, taker
