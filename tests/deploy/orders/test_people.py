"""Whose identifiers are whose, from pointers: chains, shared devices, links that lost."""

from collections.abc import Callable, Sequence

import pytest

from deploy.orders.people import Person, Pointer, Segment, TooMany, above, only_owner, person, root_of, way

USER, EMAIL, PHONE, TABLET, OTHER, OTHERS_EMAIL, ALIAS = range(1, 8)
SEGMENTS = (Segment(0, 100, USER), Segment(100, 200, TABLET), Segment(200, 300, OTHER))
ROWS = [
    Pointer(node=EMAIL, owner=USER),
    Pointer(node=PHONE, owner=EMAIL),
    Pointer(node=TABLET, owner=TABLET, segments=SEGMENTS),
    Pointer(node=OTHERS_EMAIL, owner=OTHER, conflicts=(USER,)),
    Pointer(node=ALIAS, owner=USER, conflicts=(OTHER,)),
]


def pointers_of(nodes: Sequence[int]) -> list[Pointer]:
    return [row for row in ROWS if row.node in nodes]


def pointers_to(nodes: Sequence[int]) -> list[Pointer]:
    """As ClickHouse gives them: every row that names one of these."""
    return [row for row in ROWS if {*row.owners, *row.conflicts} & set(nodes)]


def test_the_root_is_the_end_of_the_chain_and_a_shared_device_is_its_own():
    assert root_of(PHONE, pointers_of).node == USER
    assert root_of(USER, pointers_of) == Pointer(node=USER, owner=USER)
    assert root_of(TABLET, pointers_of).segments == SEGMENTS


def test_a_person_is_all_that_points_to_the_root_and_their_time_on_shared_devices():
    assert person(USER, pointers_to, 100) == Person(
        USER,
        frozenset({USER, EMAIL, PHONE, ALIAS}),
        ((TABLET, Segment(0, 100, USER)),),
        frozenset({(OTHERS_EMAIL, USER)}),
    )


def test_a_device_that_somebody_had_twice_is_theirs_both_times():
    first, others, again = (
        Segment(0, 100, USER),
        Segment(100, 200, OTHER),
        Segment(200, 300, USER),
    )
    row = Pointer(node=TABLET, owner=TABLET, segments=(again, others, first))
    found = person(USER, lambda nodes: [row] if USER in nodes else [], 100)
    assert found.shared == ((TABLET, first), (TABLET, again))


def test_a_device_that_was_theirs_under_one_identifier_after_the_other_is_theirs_alone():
    """A newsletter's address first, later a login of the same person."""
    device = Pointer(node=TABLET, owner=TABLET, segments=(Segment(0, 100, EMAIL), Segment(100, 200, USER)))
    rows = [device, Pointer(node=EMAIL, owner=USER)]
    found = person(USER, lambda nodes: [row for row in rows if row.owners & set(nodes)], 100)
    assert (found.nodes, found.shared) == (frozenset({USER, EMAIL, TABLET}), ())
    assert only_owner(device, lambda nodes: [row for row in rows if row.node in nodes]) == USER


@pytest.mark.parametrize("owner", [TABLET, OTHER])
def test_a_device_that_was_nobodys_or_somebody_elses_in_between_is_shared(owner):
    segments = (Segment(0, 100, USER), Segment(100, 200, owner))
    device = Pointer(node=TABLET, owner=TABLET, segments=segments)
    found = person(USER, lambda nodes: [device] if USER in nodes else [], 100)
    assert (found.nodes, found.shared) == (frozenset({USER}), ((TABLET, segments[0]),))
    assert only_owner(device, lambda nodes: [device] if TABLET in nodes else []) is None


def test_a_person_with_more_identifiers_than_people_have_is_refused():
    with pytest.raises(TooMany, match="ORDER_NODES_MAX"):
        person(USER, pointers_to, 3)


@pytest.mark.parametrize(
    ("start", "end", "wanted"),
    [
        (PHONE, ALIAS, [PHONE, EMAIL, USER, ALIAS]),
        (TABLET, USER, [TABLET, USER]),
        (PHONE, PHONE, [PHONE]),
        (PHONE, OTHERS_EMAIL, [PHONE, EMAIL, USER, TABLET, OTHER, OTHERS_EMAIL]),
        (PHONE, 99, []),
    ],
)
def test_the_way_between_two_identifiers_goes_over_links_that_count(start, end, wanted):
    assert way(start, end, ROWS) == wanted


def test_all_above_some_nodes_is_read_to_the_ends():
    assert above([PHONE], pointers_of) == [ROWS[1], ROWS[0]]


def test_a_circle_of_pointers_ends():
    circle: Callable[[Sequence[int]], list[Pointer]] = lambda nodes: [  # noqa: E731
        Pointer(node=node, owner=3 - node) for node in nodes
    ]
    assert root_of(1, circle).node in (1, 2)
    assert {row.node for row in above([1], circle)} == {1, 2}
