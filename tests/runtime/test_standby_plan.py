"""Who keeps which copy: the worker that will need it, as groups assign by range."""

from hypothesis import given
from hypothesis import strategies as st

from runtime.streams.standby_plan import Owners, wanted


def by_range(members: list[str], partitions: int) -> dict[str, set[int]]:
    """The first members have one more where it does not come out even."""
    share, rest = divmod(partitions, len(members))
    starts = [index * share + min(index, rest) for index in range(len(members) + 1)]
    return {m: set(range(starts[i], starts[i + 1])) for i, m in enumerate(members)}


def kept(owners: Owners, partitions: int, copies: int) -> dict[str, set[int]]:
    return {member: wanted(member, owners, partitions, copies) for member in owners}


names = st.lists(st.text("abcdef", min_size=1, max_size=4), min_size=1, max_size=7, unique=True)
members = names.map(sorted)  # as a group sorts them


@given(members, st.integers(1, 20))
def test_whoever_dies_each_of_its_partitions_goes_to_a_worker_that_has_a_copy(
    names: list[str], partitions: int
) -> None:
    owners = by_range(names, partitions)
    copies = kept(owners, partitions, copies=1)
    for dead in names:
        left = [name for name in names if name != dead]
        for member, mine in by_range(left, partitions).items() if left else ():
            assert mine & owners[dead] <= copies[member]


@given(members, st.integers(1, 20), st.integers(0, 4))
def test_each_partition_has_as_many_copies_as_asked_for_and_none_at_its_owner(
    names: list[str], partitions: int, copies: int
) -> None:
    owners = by_range(names, partitions)
    found = kept(owners, partitions, copies)
    assert all(not found[name] & owners[name] for name in names)
    for partition in range(partitions):
        keepers = [name for name in names if partition in found[name]]
        assert len(keepers) == min(copies, len(names) - 1)


def test_who_is_not_in_the_group_keeps_nothing() -> None:
    assert wanted("me", {"one": {0, 1}, "two": {2, 3}}, 4, 2) == set()


def test_a_partition_that_nobody_owns_now_still_has_its_copy() -> None:
    owners: dict[str, set[int]] = {"one": set(), "two": {1}}
    assert len([name for name in owners if 0 in wanted(name, owners, 2, 1)]) == 1
