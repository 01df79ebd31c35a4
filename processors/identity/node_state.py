"""What one node of the forest knows: its state value, and the limits that keep it small.

Everything here can be united in any order: links are minima, stamps "the latest 64", rulings maxima and unions. A node
that has no facts (any more) keeps hashes and numbers only: no identifier in clear, not even its own.
"""

from collections.abc import Iterable
from itertools import accumulate, pairwise

import msgspec

VERSION = 3  # 1 kept provenances by node, in clear; 2 knew neither its own key nor rulings
STATE_BYTES_MAX = 500_000  # follows from the caps and `NODE_BYTES_MAX`; half of what Kafka takes
TARGETS_MAX = 32  # links per node that events stated, and as many targets that nodes derive for it
MERGES_MAX = 16  # alias links per user id
STAMPS_MAX = 64  # latest entries of a timeline
PROVENANCES_MAX = 64  # nodes that derive one target for this one
CONFLICTS_MAX = 32  # lost links that a pointer names, the best ones
RULINGS_MAX = 1_024  # targets that are unlinked from one node, and as many that are forgotten at it

NEVER = -1

Provenances = dict[bytes, tuple[int, int, int]]  # digest of via -> its version, time, strength
Stamp = tuple[int, bytes, int]  # time, target, strength
Run = tuple[int, bytes, list[int]]  # strength, target, the first time and the steps from each to the next
Link = tuple[int, int, bytes]  # strength, time, target (or provenance): the smaller, the better
Owned = tuple[int, int]  # valid from (ms), node id of the owner
Conflict = tuple[int, int, int]  # node id of the target, strength, time


class Rulings(msgspec.Struct, array_like=True, frozen=True):
    """What people decided about one node, targets by node id. Times are in ms and inclusive."""

    until: int = NEVER  # links up to here never were
    forgotten: dict[int, int] = {}  # target -> links to it up to here never were
    unlinked: list[int] = []  # targets that no link counts to, ascending


NO_RULINGS = Rulings()


class NodeState(msgspec.Struct, array_like=True, frozen=True):
    """One node. `changes` counts what changed it; what begins with `sent` is what was sent last, in node ids.

    `node` is its own key while it has facts, since orders arrive with the hash alone. No `sent_owners` mean: itself. Of
    what it told others there is a digest: each of them is one of the targets.
    """

    version: int = VERSION
    changes: int = 0
    links: dict[int, dict[bytes, int]] = {}  # strength -> target -> earliest time
    runs: list[
        Run
    ] = []  # the stamps: whoever identifies often has many, and they differ in their times alone
    derived: dict[bytes, Provenances] = {}  # target -> who says so
    sent_owners: list[Owned] = []
    sent_told: dict[int, int] = {}  # node id -> digest of what this one derives for it
    node: bytes = b""
    rulings: Rulings = NO_RULINGS
    sent_conflicts: list[Conflict] = []

    def owners(self, number: int) -> list[Owned]:
        """What was sent last, by the node's own id."""
        return self.sent_owners or [(0, number)]

    @property
    def stamps(self) -> list[Stamp]:
        """The timeline, ascending."""
        if not self.runs:
            return []
        return sorted(
            (time, target, strength) for strength, target, steps in self.runs for time in accumulate(steps)
        )

    def targets(self) -> set[bytes]:
        """Every node that it has a link to."""
        stated = (target for targets in self.links.values() for target in targets)
        return {*stated, *self.derived, *(target for _, target, _ in self.runs)}

    @property
    def is_empty(self) -> bool:
        """Whether it has no facts."""
        return not (self.links or self.runs or self.derived)


def runs_of(stamps: Iterable[Stamp]) -> list[Run]:
    """The form in which they are kept."""
    times: dict[tuple[int, bytes], list[int]] = {}
    for time, target, strength in sorted(stamps):
        times.setdefault((strength, target), []).append(time)
    return [
        (strength, target, [found[0], *(late - early for early, late in pairwise(found))])
        for (strength, target), found in sorted(times.items())
    ]
