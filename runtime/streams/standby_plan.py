"""Who keeps a warm copy of which partition: worked out by every worker for itself, from what the group says of all of them.

A copy is of use only where its partition will be opened. So it is kept by the worker that would own the partition if its owner
were gone, as a range assignor would have it. A wrong guess costs time, never data: whoever opens a partition without a copy
recovers it from the changelog. Pure.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

Owners = Mapping[str, AbstractSet[int]]  # each member of the group, and its partitions of one topic


def wanted(me: str, owners: Owners, partitions: int, copies: int) -> set[int]:
    """The partitions that `me` should keep warm when each has so many copies beside its owner's."""
    if me not in owners:
        return set()
    order = _in_order(owners, partitions)
    if_gone = {member: _by_range([m for m in order if m != member], partitions) for member in order}
    owner = {partition: member for member, owned in owners.items() for partition in owned}
    return {
        partition
        for partition in range(partitions)
        if me in _keepers(partition, owner.get(partition, ""), order, if_gone)[:copies]
    }


def _keepers(
    partition: int, owner: str, order: Sequence[str], if_gone: Mapping[str, Mapping[int, str]]
) -> list[str]:
    """First who follows the owner, then who would have the partition without another member, then the rest."""
    followers = [if_gone[owner].get(partition)] if owner in if_gone else []
    followers += [if_gone[member].get(partition) for member in order]
    unique = dict.fromkeys([*followers, *order])
    return [member for member in unique if member is not None and member != owner]


def _in_order(owners: Owners, partitions: int) -> list[str]:
    """As the group's leader has sorted them: by range, the first has the first partitions, the spare ones come last."""
    return sorted(owners, key=lambda member: (min(owners[member], default=partitions), member))


def _by_range(members: Sequence[str], partitions: int) -> dict[int, str]:
    if not members:
        return {}
    share, rest = divmod(partitions, len(members))
    sizes = [share + (index < rest) for index in range(len(members))]
    return dict(enumerate(member for member, size in zip(members, sizes, strict=True) for _ in range(size)))
